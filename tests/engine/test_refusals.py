"""A stop that the broker refuses: repriced, watched by the tick or sold, by the reason of the refusal."""

from decimal import Decimal

from bot.domain.order import OrderSide, OrderType, Purpose
from bot.domain.position import CloseReason, Position, PositionState, Protection
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


async def test_a_watched_stop_follows_the_high(desk: Desk) -> None:
    await hold_with_refusals(desk, 387, "2.00")
    await desk.settle()
    await desk.bid("4.00")
    assert desk.position.state is PositionState.TRAILING
    assert desk.position.stop_price == Decimal("3.00")
    await desk.bid("2.95")
    assert desk.broker.one(OrderSide.SELL, OrderType.MARKET).left == 4
    assert desk.position.close_reason is CloseReason.TRAIL


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
