"""A position over nights and a weekend: its DAY stop is renewed after the close, rests at the broker until the opening
is over, and no opening print sells; what stands after it does."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.order import OrderState, Purpose
from bot.domain.position import PositionState
from tests.engine.desk import Desk
from tests.engine.trade.test_exit_plans import LATER

HALF_PAST_THREE = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
MONDAY_OPEN = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
LIVE_AGAIN = datetime(2026, 11, 23, 14, 30, 30, tzinfo=UTC)


async def over_the_weekend(settings: dict[str, Any] | None = None) -> Desk:
    """Hold four from Friday afternoon; the venue ends the DAY stop with the session."""
    desk = Desk(settings, at=HALF_PAST_THREE)
    desk.contract = LATER
    await desk.start()
    await desk.hold(4)
    assert desk.store.of(Purpose.PROTECT)[-1].good_after is None  # in the session: at once
    desk.quoting = False
    desk.clock.advance(31 * 60)
    await desk.tick()
    desk.broker.cancel_ack(desk.broker.stop_order)
    await desk.settle()
    return desk


async def to(desk: Desk, at: datetime) -> None:
    desk.clock.advance((at - desk.clock.now()).total_seconds())
    await desk.tick()


async def test_the_stop_is_renewed_after_the_close_for_after_the_next_opening() -> None:
    desk = await over_the_weekend()
    first, second = desk.store.of(Purpose.PROTECT)
    assert first.state is OrderState.CANCELLED
    assert (second.state, second.terms, second.good_after) == (OrderState.WORKING, first.terms, LIVE_AGAIN)
    assert desk.position.state is PositionState.FILLED
    assert "after the opening" in next(t.reason for t in reversed(desk.store.transitions) if t.trigger == "protect")


async def test_no_opening_print_lowers_it_or_sells() -> None:
    desk = await over_the_weekend()
    await to(desk, MONDAY_OPEN)
    await desk.bid("0.05")
    assert desk.position.state is PositionState.FILLED
    assert desk.position.stop_price == Decimal("1.00")
    assert [o.purpose for o in desk.store.orders if not o.is_done] == [Purpose.PROTECT]


async def test_one_that_is_lost_while_the_market_opens_comes_back_at_its_own_price() -> None:
    """The broker ends it at the bell, and the first bid is wild: neither sold at it, nor lowered below it."""
    desk = await over_the_weekend()
    await to(desk, MONDAY_OPEN)
    desk.broker.cancel_ack(desk.broker.stop_order)
    await desk.bid("0.05")
    last = desk.store.of(Purpose.PROTECT)[-1]
    assert (last.state, last.terms.stop_price, last.good_after) == (OrderState.WORKING, Decimal("1.00"), LIVE_AGAIN)
    assert desk.position.state is PositionState.FILLED


async def test_the_same_after_the_opening_is_sold_at_once() -> None:
    desk = await over_the_weekend()
    await to(desk, LIVE_AGAIN)
    desk.broker.cancel_ack(desk.broker.stop_order)
    await desk.bid("0.05")
    assert desk.position.state is PositionState.CLOSING


async def test_a_restart_in_the_night_finds_it_as_it_is() -> None:
    desk = await over_the_weekend()
    again = Desk(store=desk.store, broker=desk.broker, clock=desk.clock, at=desk.clock.now(), seed=2)
    again.contract, again.quoting = LATER, False
    await again.start()
    await again.settle()
    stops = [o for o in again.store.of(Purpose.PROTECT) if not o.is_done]
    assert [(o.terms.quantity, o.good_after) for o in stops] == [(4, LIVE_AGAIN)]
    assert not again.store.of(Purpose.EXIT)


async def test_a_wild_high_at_the_opening_sells_no_rung_and_raises_nothing() -> None:
    desk = await over_the_weekend()
    await to(desk, MONDAY_OPEN)
    await desk.bid("6.00")
    await desk.wait(5)
    assert (desk.position.high, desk.position.rungs_done, desk.position.room_for) == (Decimal("2.00"), 0, 0)
    assert desk.broker.amended == []


async def test_what_is_changed_after_the_opening_waits_for_no_moment() -> None:
    desk = await over_the_weekend()
    await to(desk, LIVE_AGAIN)
    await desk.bid("3.10")
    await desk.wait(2)
    assert {ticket.good_after for ticket in desk.broker.amended} == {None}
    assert desk.broker.stop_order.terms.quantity == 3


@pytest.mark.parametrize("guard", [0])
async def test_without_a_guard_it_is_live_with_the_opening(guard: int) -> None:
    desk = await over_the_weekend({"execution": {"opening_guard_s": guard}})
    assert desk.store.of(Purpose.PROTECT)[-1].good_after is None
