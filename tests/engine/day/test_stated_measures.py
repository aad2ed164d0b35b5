"""What measures state of the rest of the day is put down once at its moment and settled by the price at the close."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.chains import Chain, ChainListing
from bot.domain.events.market_data import ChainTold, QuoteReceived
from bot.domain.forecast import Forecast
from bot.domain.quotes import Quote
from bot.domain.readings import Reading
from bot.engine.day.stated_measures import GRACE, PATIENCE
from tests.engine.desk import DAY, Desk

CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
LATE = CLOSE - timedelta(minutes=10)


def quote(desk: Desk, price: str) -> None:
    now = desk.clock.now()
    desk.put(QuoteReceived("SPY", Quote(Decimal(price), Decimal(price), 50, 50, Decimal(price), now)))


def says(desk: Desk, measure: str, value: Any, unit: str = "", absent: str = "") -> None:
    """Somebody asked a measure, and this is what it said."""
    now = desk.clock.now()
    desk.engine._memory.board.measured._known[measure, "SPY"] = now, Reading(value, now, unit, absent)


def put_down(desk: Desk) -> dict[str, Forecast]:
    return {key: each for batch in desk.store.batches for key, each in batch.forecasts.items()}


async def to(desk: Desk, moment: datetime, price: str) -> None:
    desk.clock.advance((moment - desk.clock.now()).total_seconds() - 1)
    quote(desk, price)
    await desk.tick(1)


async def at(moment: datetime, price: str = "590.00") -> Desk:
    desk = await Desk(at=moment - timedelta(minutes=1)).start()
    await to(desk, moment, price)
    return desk


@pytest.mark.parametrize("direction,close,came", [(1, "590.50", 1.0), (1, "589.00", 0.0), (-1, "589.00", 1.0),
                                                  (1, "590.00", 0.0)])  # fmt: skip
async def test_the_closing_direction_is_settled_by_the_close(direction: int, close: str, came: float) -> None:
    desk = await at(LATE - timedelta(seconds=30))
    says(desk, "moc", {"value": 80.0 * direction, "direction": direction, "confidence": 80.0})
    await to(desk, LATE, "590.00")
    await to(desk, LATE + timedelta(seconds=40), "590.20")
    (stated,) = put_down(desk).values()
    assert (stated.id, stated.stated, stated.settled_at) == ("moc:SPY:2026-11-20", 0.8, None)
    assert stated.facts["price"] == 590.0, "the price when it was stated, and stated once"
    desk = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=2).start()
    await to(desk, CLOSE + timedelta(minutes=1), close)
    (settled,) = put_down(desk).values()
    assert (settled.outcome, settled.facts["close"]) == (came, float(close))


@pytest.mark.parametrize("close,came", [("592.49", 1.0), ("587.51", 1.0), ("592.51", 0.0)])
async def test_a_pin_is_within_half_a_strike_of_max_pain_as_listed(close: str, came: float) -> None:
    desk = await at(CLOSE - timedelta(hours=1, minutes=1))
    strikes = tuple(Decimal(n) for n in range(570, 615, 5))
    desk.put(ChainTold("SPY", Chain("SPY", (ChainListing("SPY", 100, (DAY,), strikes),), desk.clock.now())))
    says(desk, "pin_risk", {"value": 0.35, "strike": 590.0, "expiry": DAY.isoformat()})
    await to(desk, CLOSE - timedelta(hours=1), "590.00")
    await to(desk, CLOSE + timedelta(minutes=1), close)
    (settled,) = put_down(desk).values()
    assert (settled.stated, settled.facts["half"], settled.outcome) == (0.35, 2.5, came)


async def test_an_expected_move_is_settled_as_realized_over_implied() -> None:
    desk = await at(datetime(2026, 11, 20, 14, 44, tzinfo=UTC))
    says(desk, "expected_move", 4.0, "$ a share")
    await to(desk, datetime(2026, 11, 20, 14, 45, tzinfo=UTC), "590.00")
    await to(desk, CLOSE + timedelta(minutes=1), "587.00")
    (settled,) = put_down(desk).values()
    assert (settled.stated, settled.outcome) == (4.0, 0.75)


@pytest.mark.parametrize(
    "measure,value,unit,absent",
    [("moc", None, "", "no flow"), ("moc", {"value": 0.0, "direction": 0, "confidence": 50.0}, "", ""),
     ("vpin", 0.4, "", ""), ("expected_move", 0.01, "fraction", "")],
)  # fmt: skip
async def test_what_says_nothing_of_the_day_is_not_put_down(measure: str, value: Any, unit: str, absent: str) -> None:
    desk = await at(LATE - timedelta(seconds=30))
    says(desk, measure, value, unit, absent)
    await to(desk, LATE, "590.00")
    await to(desk, LATE + GRACE, "590.00")
    assert put_down(desk) == {}


async def test_a_close_that_nobody_told_leaves_it_without_an_answer() -> None:
    desk = await at(LATE - timedelta(seconds=30))
    says(desk, "moc", {"value": 80.0, "direction": 1, "confidence": 80.0})
    await to(desk, LATE, "590.00")
    desk.clock.advance((CLOSE + PATIENCE - LATE).total_seconds())
    await desk.ticks(2)
    assert put_down(desk)["moc:SPY:2026-11-20"].settled_at is None
    await desk.ticks(3, 61)
    void = put_down(desk)["moc:SPY:2026-11-20"]
    assert (void.outcome, void.note, void.settled_at is not None) == (None, "no price of the close came", True)
