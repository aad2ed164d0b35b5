"""Entry orders: moved once, given up in time, and right about fills that race the cancel."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import ExecutionReported
from bot.domain.order import OrderState, Purpose
from bot.domain.position import PositionState
from bot.domain.signal import SignalState
from tests.engine.desk import SPY_590C, Desk


async def test_an_unfilled_entry_moves_once_by_a_quarter_of_the_spread(desk: Desk) -> None:
    await desk.propose(4, "1.90", "2.10")
    await desk.settle()
    entry = desk.broker.entry
    await desk.wait(27)
    assert desk.broker.amended == []
    await desk.wait(4)
    assert entry.terms.limit_price == Decimal("2.05")
    await desk.wait(20)
    assert len(desk.broker.amended) == 1


@pytest.mark.parametrize(
    "bid, ask, expected",
    [
        ("1.95", "2.05", "2.02"),
        ("1.96", "1.99", None),
        ("1.92", "2.01", "2.01"),
        ("1.99", "2.02", None),
        ("2.00", "2.01", "2.01"),
    ],
)
async def test_the_move_is_at_most_a_quarter_of_the_spread_and_never_past_the_ask(
    desk: Desk, bid: str, ask: str, expected: str | None
) -> None:
    await desk.entry_working(4)
    desk.quote(bid, ask)
    await desk.wait(32)
    price = desk.broker.entry.terms.limit_price
    assert price == (Decimal(expected) if expected else Decimal("2.00"))


async def test_an_entry_is_not_moved_on_an_old_quote(desk: Desk) -> None:
    await desk.propose(4, "1.90", "2.10")
    await desk.settle()
    desk.quoting = False
    await desk.wait(40)
    assert desk.broker.amended == []


async def test_an_entry_unfilled_after_a_minute_is_cancelled_and_so_is_its_signal(desk: Desk) -> None:
    await desk.entry_working(4)
    await desk.wait(62)
    assert desk.broker.live == []
    assert desk.signal.state is SignalState.CANCELLED
    assert desk.store.positions == []


async def test_an_entry_is_cancelled_when_the_spread_opens(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.quote("1.80", "2.05")
    await desk.settle()
    assert desk.broker.live == []
    assert "spread" in next(r.reason for r in desk.store.transitions if r.trigger == "request_cancel")


async def test_an_entry_is_cancelled_when_its_signal_expires() -> None:
    desk = await Desk({"approval": {"signal_ttl_s": 20}}).start()
    await desk.entry_working(4)
    await desk.wait(22)
    assert desk.broker.live == []
    assert desk.signal.state is SignalState.EXPIRED


async def test_a_partly_filled_entry_gives_up_its_rest_and_is_protected_for_what_it_has(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 3)
    await desk.settle()
    await desk.wait(15)
    assert len(desk.broker.live) == 1, "no stop beside a working buy on the same contract"
    await desk.wait(8)
    assert desk.broker.stop_order.terms.quantity == 3
    assert desk.signal.state is SignalState.FILLED
    limit = timedelta(seconds=desk.settings.execution.protection_limit_s)
    ended = next(r for r in desk.store.transitions if r.trigger == "confirm_cancel").event_at
    protected = next(r for r in desk.store.transitions if r.trigger == "protected").event_at
    assert protected - ended <= limit


async def test_a_fill_while_the_cancel_is_under_way_is_kept_and_protected(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    await desk.ticks(62, 1.0)
    assert desk.store.order(entry.ref).state is OrderState.CANCELLING
    desk.broker.fill(entry, 4)
    await desk.settle()
    assert desk.signal.state is SignalState.FILLED
    assert desk.broker.stop_order.terms.quantity == 4


async def test_a_part_fill_while_the_cancel_is_under_way_is_kept_and_protected(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    await desk.ticks(62, 1.0)
    desk.broker.fill(entry, 1)
    await desk.settle()
    assert desk.store.order(entry.ref).state is OrderState.CANCELLED
    assert desk.signal.state is SignalState.FILLED
    assert desk.broker.stop_order.terms.quantity == 1


@pytest.mark.parametrize("ticks_late", [0, 1, 5])
@pytest.mark.parametrize("quantity", [2, 4])
async def test_a_fill_heard_of_after_the_cancel_makes_a_protected_position(
    desk: Desk, ticks_late: int, quantity: int
) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    await desk.ticks(62, 1.0)
    execution = desk.broker.execute(entry, quantity, "2.00")
    seen, entry.filled = entry.filled, 0  # the cancel's own word says nothing of the fill
    desk.broker.cancel_ack(entry)
    entry.filled = seen
    await desk.ticks(ticks_late)
    desk.put(ExecutionReported(execution))
    await desk.settle()
    assert desk.position.quantity == quantity
    assert desk.position.strategy == "fake"
    assert desk.signal.state is SignalState.FILLED
    assert desk.signal.position_id == desk.position.id
    assert desk.broker.stop_order.left == quantity
    assert desk.store.refused == []


async def test_a_signal_is_not_over_while_an_execution_that_was_counted_is_missing(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    await desk.ticks(62, 1.0)
    execution = desk.broker.execute(entry, 2, "2.00")
    desk.broker.hide.add(entry.ref)  # a snapshot would bring it
    desk.broker.cancel_ack(entry)
    await desk.ticks(3)
    earlier = desk.signal.state
    assert earlier is SignalState.WORKING
    desk.put(ExecutionReported(execution))
    await desk.settle()
    assert desk.signal.state is SignalState.FILLED
    assert desk.broker.stop_order.terms.quantity == 2


async def test_an_execution_that_never_came_is_fetched(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.execute(entry, 4, "2.00")
    desk.broker.report(entry)  # Filled, and no execution
    await desk.wait(15)
    assert desk.position.quantity == 4
    assert desk.broker.stop_order.terms.quantity == 4


async def test_a_refused_entry_ends_its_signal_with_the_brokers_reason(desk: Desk) -> None:
    await desk.propose(4)
    await desk.tick()
    desk.broker.reject(desk.broker.entry, 201, "margin")
    await desk.settle()
    assert desk.signal.state is SignalState.REJECTED
    assert "ORDER_REJECTED" in desk.store.alerts
    assert "margin" in desk.store.transitions[-1].reason


async def test_an_entry_that_could_not_be_sent_ends_its_signal(desk: Desk) -> None:
    await desk.propose(4)
    desk.broker.online = False
    await desk.ticks(3)
    assert desk.signal.state is SignalState.REJECTED
    assert desk.store.of(Purpose.ENTRY)[0].state is OrderState.REJECTED


async def test_no_cancel_and_no_move_is_sent_while_orders_are_degraded(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.put(LinkChanged(LinkChange.ORDERS_LOST, "1100", desk.clock.now()))
    await desk.ticks(65, 1.0)
    assert desk.broker.amended == []
    assert not desk.broker.entry.cancel_asked
    desk.put(LinkChanged(LinkChange.RESTORED, "1102", desk.clock.now()))
    await desk.wait(3)
    assert desk.broker.live == []


async def test_a_late_fill_after_the_stop_stands_makes_the_stop_grow(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.fill(entry, 1)
    await desk.ticks(22, 1.0)
    late = desk.broker.execute(entry, 1, "2.00")
    entry.filled = 1
    desk.broker.cancel_ack(entry)
    entry.filled = 2
    await desk.settle()
    assert desk.broker.stop_order.left == 1
    desk.put(ExecutionReported(late))
    await desk.settle()
    assert desk.broker.stop_order.left == 2
    assert desk.position.unprotected_since is None
    assert desk.position.state is PositionState.FILLED


async def test_an_entry_in_doubt_is_neither_moved_nor_cancelled_until_it_is_found(desk: Desk) -> None:
    await desk.propose(4)
    await desk.tick()
    entry = desk.broker.entry
    desk.broker.hide.add(entry.ref)
    desk.broker.incomplete = True
    await desk.ticks(70, 1.0)
    assert desk.store.order(entry.ref).state is OrderState.UNKNOWN
    assert not entry.cancel_asked
    desk.broker.hide.clear()
    desk.broker.incomplete = False
    await desk.wait(5)
    assert desk.broker.live == [], "found again, it is too old and is cancelled"
    assert SPY_590C.key in {o.contract_key for o in desk.store.orders}
