"""The machine's clock is set: no entries until it agrees and the book was compared, exits go on, nothing waits for
hours."""

from datetime import timedelta

from bot.clocks.clock import ManualClock
from bot.domain.events.host import ClockParted
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderState, OrderType, Purpose
from bot.domain.position import CloseReason, PositionState
from tests.engine.desk import TEN, Desk
from tests.engine.fake_broker import FakeBroker
from tests.engine.fake_store import FakeStore


def alerts(store: FakeStore) -> list[str]:
    return [alert.code for batch in store.batches for alert in batch.alerts]


def waiting_for(desk: Desk) -> str:
    return " ".join(desk.store.status.waiting_for)


async def test_no_entry_while_the_clock_is_set_and_none_before_the_book_was_compared() -> None:
    desk = await Desk().start()
    desk.equity(100_000)
    desk.put(ClockParted(7200.0, desk.clock.now()))
    await desk.settle()
    desk.quote("1.98", "2.02")
    desk.strategy.contract = desk.contract
    await desk.wait(3)
    assert desk.store.signals == []
    assert "the machine's clock is 7200.0 s ahead" in waiting_for(desk)
    desk.broker.incomplete = True
    desk.put(ClockParted(0.0, desk.clock.now()))
    await desk.wait(5)
    assert desk.store.signals == [], "it agrees, and nobody has compared the book"
    desk.broker.incomplete = False
    await desk.wait(5)
    assert desk.signal.contract == desk.contract
    assert alerts(desk.store).count("CLOCK_PARTED") == 1
    assert alerts(desk.store).count("CLOCK_AGREES") == 1


async def test_an_order_that_was_decided_before_the_clock_was_set_does_not_leave_after_it() -> None:
    desk = await Desk().start()
    await desk.propose()
    desk.put(ClockParted(-300.0, desk.clock.now()))
    await desk.settle()
    assert desk.broker.submitted == []


async def test_profit_is_taken_while_the_clock_is_wrong() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    desk.put(ClockParted(-7200.0, desk.clock.now()))
    await desk.bid("3.10")
    assert desk.store.of(Purpose.EXIT), "the first rung is sold"


async def a_store_from_the_future(ahead: timedelta) -> tuple[FakeStore, FakeBroker, ManualClock]:
    """Return what is left of a bot that died two hours ahead of the clock that the next one starts with."""
    desk = Desk({"risk": {"max_pair_correlation": 1, "max_correlation": 1}}, at=TEN + ahead)
    await desk.start()
    await desk.hold(4)
    desk.contract = desk.contract.__class__(
        desk.contract.symbol, desk.contract.expiry, desk.contract.right, desk.contract.strike + 5
    )
    await desk.entry_working()
    desk.broker.clock = clock = ManualClock(TEN)
    return desk.store, desk.broker, clock


async def test_a_start_on_a_store_from_the_future_calls_entries_off_and_goes_on_with_what_is_held() -> None:
    store, broker, clock = await a_store_from_the_future(timedelta(hours=2))
    desk = Desk(store=store, broker=broker, clock=clock)
    await desk.start()
    await desk.settle()
    entry = next(o for o in store.orders if o.purpose is Purpose.ENTRY and o.state is not OrderState.FILLED)
    assert entry.state is OrderState.CANCELLED
    assert "CLOCK_BEHIND_STORE" in alerts(store)
    assert broker.stop_order.live
    assert max(o.state_since for o in desk.engine.ledger.order_index.open.values()) <= clock.now()
    assert store.refused == []


async def test_an_order_of_the_future_that_nobody_answers_is_asked_for_after_its_deadline_and_not_after_hours() -> None:
    store, broker, clock = await a_store_from_the_future(timedelta(hours=2))
    desk = Desk(store=store, broker=broker, clock=clock)
    await desk.engine.start()
    since = [o.state_since for o in desk.engine.ledger.order_index.open.values()]
    assert since
    assert all(moment <= clock.now() for moment in since)


async def test_a_sale_that_failed_in_the_future_is_tried_again_after_seconds_and_not_after_hours() -> None:
    ahead = Desk(at=TEN + timedelta(hours=2))
    await ahead.start()
    await ahead.hold(4)
    await ahead.command(RequestKind.CLOSE, position_id=ahead.position.id)
    await ahead.settle()
    failed = ahead.broker.market
    ahead.broker.reject(failed)
    await ahead.tick()
    ahead.broker.clock = clock = ManualClock(TEN)
    desk = Desk(store=ahead.store, broker=ahead.broker, clock=clock, seed=2)
    await desk.start()
    await desk.wait(10)
    assert desk.broker.market.left == 4
    assert desk.broker.market is not failed


async def test_orders_of_the_future_do_not_count_as_the_last_minutes() -> None:
    store, broker, clock = await a_store_from_the_future(timedelta(hours=2))
    desk = Desk({"risk": {"max_orders_per_minute": 1}}, store=store, broker=broker, clock=clock)
    await desk.start()
    await desk.ticks(8)
    assert desk.engine.ledger.breakers["order_rate"].value == "0 a minute"


async def test_a_start_a_moment_behind_the_store_is_nothing_to_tell() -> None:
    store, broker, clock = await a_store_from_the_future(timedelta(0))
    clock.advance_to(max(o.state_since for o in store.orders) - timedelta(seconds=0.5))
    await Desk(store=store, broker=broker, clock=clock).start()
    assert "CLOCK_BEHIND_STORE" not in alerts(store)


async def test_what_a_clock_that_was_ahead_let_expire_is_sold_after_the_restart_and_is_at_rest() -> None:
    desk = await Desk().start()
    await desk.hold(4)
    desk.clock.advance(10 * 3600)
    desk.quoting = False
    await desk.ticks(2)
    assert desk.position.close_reason is CloseReason.AWAITING_SETTLEMENT
    desk.broker.clock = clock = ManualClock(TEN + timedelta(minutes=2))
    again = await Desk(store=desk.store, broker=desk.broker, clock=clock, seed=2).start()
    again.quote("2.10", "2.14")
    await again.settle()
    (sale,) = desk.broker.live
    assert sale.type is OrderType.MARKET, "its stop was taken back for it"
    desk.broker.fill(sale, 4, "2.10")
    await again.settle()
    (position,) = desk.store.positions
    assert (position.state, position.close_reason) == (PositionState.CLOSED, CloseReason.FLAT_TIME)
    assert not position.is_unsettled
    assert "EXPIRED_TOO_EARLY" in alerts(desk.store)
    assert desk.store.refused == []
