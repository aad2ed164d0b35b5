"""A stop that the broker refuses: repriced, watched by the tick or sold, by the reason of the refusal."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.events.orders import ExecutionReported
from bot.domain.order import OrderSide, OrderType, Purpose, Terms
from bot.domain.position import CloseReason, Position, PositionState, Protection
from bot.engine.trade.refusals import POLICY_OF, Policy
from tests.engine.desk import Desk


async def hold_with_refusals(desk: Desk, code: int, price: str = "2.02") -> Position:
    desk.broker.refuses_stops, desk.broker.refuses_with = True, code
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4, price)
    await desk.tick()
    return desk.position


async def test_a_stop_off_the_grid_goes_out_again_on_one_that_every_class_takes(desk: Desk) -> None:
    await hold_with_refusals(desk, 110)
    await desk.tick()
    first = desk.broker.stop_order
    assert first.terms.stop_price == Decimal("1.01")
    desk.broker.reject(first, 110)
    await desk.ticks(2)
    desk.broker.refuses_stops = False
    await desk.settle()
    assert desk.broker.stop_order.terms.stop_price == Decimal("1.05"), "rounded up: it sells sooner"
    assert desk.position.unprotected_since is None


async def test_a_stop_that_is_never_taken_is_watched_by_the_tick(desk: Desk) -> None:
    await hold_with_refusals(desk, 387)
    await desk.settle()
    assert len(desk.store.of(Purpose.PROTECT)) == 1, "it is not asked again and again"
    assert desk.position.state is PositionState.FILLED
    assert desk.position.unprotected_since is not None, "and it goes on being shown as without a stop"
    assert (desk.position.protection, desk.position.unprotected_quantity) == (Protection.SYNTHETIC, 4)
    assert "PROTECTION_LOST" in desk.store.alerts
    await desk.bid("1.05")
    assert desk.position.state is PositionState.FILLED
    await desk.bid("1.01")
    assert desk.broker.market.left == 4
    desk.broker.fill(desk.broker.market, 4, "1.00")
    await desk.settle()
    assert desk.position.close_reason is CloseReason.STOP
    assert desk.store.refused == []


async def test_a_watched_stop_wakes_the_tick_when_the_bid_reaches_it(desk: Desk) -> None:
    await hold_with_refusals(desk, 387)
    await desk.settle()
    desk.inbox.take()
    desk.quote("1.00", "1.02")
    assert desk.inbox.urgent


async def test_under_a_watched_stop_the_ladder_goes_on_to_the_trail(desk: Desk) -> None:
    await hold_with_refusals(desk, 387, "2.00")
    await desk.settle()
    for bid, contracts in (("3.00", 1), ("4.00", 2)):
        await desk.bid(bid)
        assert desk.broker.rung.left == contracts
        desk.broker.fill(desk.broker.rung, contracts, bid)
        await desk.settle()
    assert (desk.position.state, desk.position.quantity) == (PositionState.TRAILING, 1)
    assert desk.position.stop_price == Decimal("3.00")
    await desk.bid("4.80")
    assert desk.position.stop_price == Decimal("3.60")
    await desk.bid("4.00")
    assert desk.position.stop_price == Decimal("3.60"), "it never falls"
    await desk.bid("3.55")
    assert desk.broker.one(OrderSide.SELL, OrderType.MARKET).left == 1
    desk.broker.fill(desk.broker.market, 1, "3.55")
    await desk.settle()
    assert desk.position.close_reason is CloseReason.TRAIL
    assert len(desk.store.of(Purpose.PROTECT)) == 1
    assert desk.position.realized_pnl == desk.broker.cash
    assert desk.store.refused == []


async def test_a_watched_stop_that_is_hit_takes_the_rung_back_before_it_sells(desk: Desk) -> None:
    await hold_with_refusals(desk, 387, "2.00")
    await desk.settle()
    await desk.bid("3.00")
    rung = desk.broker.rung
    desk.quote("0.98", "1.00")
    await desk.ticks(5)  # one look at it is none
    assert rung.cancel_asked
    assert len(desk.broker.live) == 1, "nothing is sold beside it"
    await desk.settle()
    assert desk.broker.market.left == 4


async def test_a_watched_rung_that_sold_more_than_we_heard_of_keeps_the_next_one_back(desk: Desk) -> None:
    await hold_with_refusals(desk, 387, "2.00")
    await desk.settle()
    await desk.bid("3.00")
    quiet = desk.broker.execute(desk.broker.rung, 1, "3.00")
    desk.broker.report(desk.broker.book[quiet.order_ref])
    desk.broker.hide.add(quiet.order_ref)
    await desk.bid("4.00")
    assert desk.broker.live == [], "one is sold, and by which price nobody knows yet"
    desk.put(ExecutionReported(quiet))
    await desk.settle()
    assert desk.broker.rung.left == 2


@pytest.mark.parametrize("code", sorted(POLICY_OF))
async def test_each_reason_has_its_policy_and_is_told_within_seconds(desk: Desk, code: int) -> None:
    await hold_with_refusals(desk, code)
    await desk.ticks(2)
    desk.broker.answer()
    asked = desk.clock.now()
    await desk.tick()
    told = [a for batch in desk.store.batches for a in batch.alerts if a.code in {"ORDER_REJECTED", "PROTECTION_LOST"}]
    assert [(a.code, a.severity, a.at <= asked + timedelta(seconds=1)) for a in told] == [
        ("ORDER_REJECTED", "critical", True), ("PROTECTION_LOST", "critical", True),
    ]  # fmt: skip
    desk.broker.refuses_stops = False
    await desk.settle()
    assert WHAT_FOLLOWS[POLICY_OF[code]](desk)
    assert desk.store.refused == []


WHAT_FOLLOWS: dict[Policy, Callable[[Desk], bool]] = {
    Policy.REPRICE: lambda desk: desk.broker.stop_order.terms == Terms(4, stop_price=Decimal("1.05")),
    Policy.WATCH: lambda desk: desk.position.protection is Protection.SYNTHETIC and not desk.broker.live,
    Policy.FLATTEN: lambda desk: (
        desk.broker.market.left == 4 and desk.position.close_reason is CloseReason.PROTECTION_FAILED
    ),
    Policy.RETRY: lambda desk: desk.broker.stop_order.terms == Terms(4, stop_price=Decimal("1.01")),
}


async def test_a_reason_without_a_policy_is_tried_again_at_once(desk: Desk) -> None:
    await hold_with_refusals(desk, 201)
    await desk.ticks(2)
    desk.broker.answer()
    desk.broker.refuses_stops = False
    await desk.settle()
    assert WHAT_FOLLOWS[Policy.RETRY](desk)


async def test_a_watched_stop_without_a_quote_to_watch_is_no_protection_so_the_position_is_sold(desk: Desk) -> None:
    await hold_with_refusals(desk, 387)
    await desk.settle()
    desk.quoting = False
    await desk.wait(20)
    assert desk.position.close_reason is CloseReason.PROTECTION_FAILED
    assert desk.broker.market.left == 4


async def test_a_watched_stop_is_still_watched_after_a_restart(desk: Desk) -> None:
    await hold_with_refusals(desk, 203)
    await desk.settle()
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    again.quote("0.99", "1.02")
    await again.settle()
    assert again.broker.market.left == 4
