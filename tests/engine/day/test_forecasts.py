"""What was stated at an entry is put down once, outlives a restart, and is settled when the trade is over."""

from __future__ import annotations

from typing import Any, Final

import pytest

from bot.domain.forecast import Forecast
from tests.engine.desk import Desk

SETTINGS: Final[dict[str, Any]] = {"risk": {"max_losses_in_a_row": 1000}}


def put_down(desk: Desk) -> list[Forecast]:
    return list({key: each for batch in desk.store.batches for key, each in batch.forecasts.items()}.values())


async def sure_desk(confidence: object) -> Desk:
    desk = Desk(SETTINGS)
    desk.strategy.rationale = {"confidence": confidence}
    return await desk.start()


@pytest.mark.parametrize("price,outcome", [("3.00", 1.0), ("1.00", 0.0)])
async def test_a_confidence_is_put_down_with_the_position_and_settled_with_its_end(price: str, outcome: float) -> None:
    desk = await sure_desk(72.5)
    position = await desk.hold(2)
    (stated,) = put_down(desk)
    assert (stated.id, stated.stated, stated.stated_by) == (f"confidence:{position.id}", 0.725, desk.strategy.name)
    assert (stated.symbol, stated.settled_at, stated.facts["confidence"]) == ("SPY", None, 72.5)
    desk = await Desk(SETTINGS, store=desk.store, broker=desk.broker, clock=desk.clock, seed=2).start()
    assert len([1 for batch in desk.store.batches for _ in batch.forecasts]) == 1, "a restart states nothing anew"
    desk.broker.fill(desk.broker.stop_order, 2, price)
    await desk.settle()
    (settled,) = put_down(desk)
    assert (settled.outcome, settled.settled_at is not None) == (outcome, True)
    assert desk.engine.ledger.forecasts == {}
    await desk.ticks(4)
    assert len([1 for batch in desk.store.batches for _ in batch.forecasts]) == 2


@pytest.mark.parametrize("confidence", [None, "high", True, 101, -1])
async def test_what_is_no_confidence_is_not_put_down(confidence: object) -> None:
    desk = await sure_desk(confidence)
    await desk.hold(2)
    assert put_down(desk) == []
