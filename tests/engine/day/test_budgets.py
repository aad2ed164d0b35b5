"""What takes too long is asked for, told and, where it can be, ended; an exit does not wait for ever."""

import pytest

from bot.domain.events.account import BookFault, BookPart
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import BrokerOrderStatus, OrderErred
from bot.domain.events.orders import ErrorMeaning as Meaning
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderSide, OrderState, OrderType, Purpose
from bot.domain.position import PositionState
from tests.engine.desk import Desk


async def reconnect(desk: Desk) -> None:
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.connect()


async def test_an_order_in_doubt_is_told_of_and_the_book_is_asked_all_the_while(desk: Desk) -> None:
    await desk.propose(4)
    desk.broker.incomplete = True
    await desk.ticks(8)
    desk.broker.hide.add(desk.broker.entry.ref)
    await desk.ticks(12, 1.0)
    assert desk.store.of(Purpose.ENTRY)[0].state is OrderState.UNKNOWN
    asked = desk.broker.snapshots
    await desk.ticks(60, 1.0)
    assert desk.store.alerts.count("ORDER_IN_DOUBT") == 1
    assert desk.broker.snapshots >= asked + 20


async def test_a_missing_part_is_told_once_not_with_every_book(desk: Desk) -> None:
    desk.broker.incomplete = True
    await reconnect(desk)
    await desk.ticks(30, 1.0)
    assert desk.store.alerts.count("SNAPSHOT_INCOMPLETE") == 1


async def test_an_exit_that_nobody_buys_is_told_with_the_reason(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote(None, "0.05")
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.wait(40)
    slow = [a for batch in desk.store.batches for a in batch.alerts if a.code == "EXIT_SLOW"]
    assert len(slow) == 1
    assert "nobody bids" in slow[0].text
    assert desk.position.state is PositionState.CLOSING


async def test_an_exit_that_waits_for_the_connection_says_so(desk: Desk) -> None:
    await desk.hold(4)
    desk.put(LinkChanged(LinkChange.ORDERS_LOST, "1100", desk.clock.now()))
    await desk.tick()
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.ticks(35, 1.0)
    slow = [a for batch in desk.store.batches for a in batch.alerts if a.code == "EXIT_SLOW"]
    assert "exits wait while the connection is degraded_orders" in slow[0].text


async def test_a_position_without_its_stop_is_told_within_seconds(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.fill(desk.broker.entry, 4)
    await desk.ticks(16)  # four seconds, and no answer to the stop
    bare = [a for batch in desk.store.batches for a in batch.alerts if a.code == "UNPROTECTED"]
    assert len(bare) == 1
    assert bare[0].facts["contract_s"] >= 8
    await desk.settle()
    row = next(r for r in desk.store.transitions if r.trigger == "protected")
    assert row.evidence["unprotected_contract_s"] == row.evidence["unprotected_s"] * 4


async def test_a_comparison_without_end_does_not_keep_a_position_from_leaving(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.incomplete = True  # completed orders never give their end marker
    await reconnect(desk)
    assert desk.store.session.state == "reconciling"
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.ticks(2)
    assert desk.broker.stop_order.live, "a moment is given to the comparison"
    await desk.wait(20)
    assert desk.store.session.state == "reconciling"
    assert desk.broker.market.left == 4
    desk.broker.fill(desk.broker.market, 4, "1.50")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED


@pytest.mark.parametrize("part", [BookPart.OPEN_ORDERS, BookPart.EXECUTIONS])
async def test_without_orders_or_executions_nothing_is_proved_and_nothing_is_sold(desk: Desk, part: BookPart) -> None:
    await desk.hold(4)
    desk.broker.incomplete, desk.broker.faults = True, (BookFault(part, "none"),)
    await reconnect(desk)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.ticks(60, 1.0)
    assert desk.broker.stop_order.live
    assert "EXIT_SLOW" in desk.store.alerts


async def test_what_the_broker_shows_fewer_of_is_not_sold_while_the_comparison_has_no_end(desk: Desk) -> None:
    await desk.hold(4)
    desk.broker.held[desk.contract.key] = 0  # sold by hand, and its execution is not told
    desk.broker.book.clear()
    desk.broker.incomplete = True
    await reconnect(desk)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.ticks(60, 1.0)
    assert desk.broker.live == []


CODES = [
    (110, Meaning.NOT_PLACED), (201, Meaning.REJECTED), (103, Meaning.NOT_PLACED), (104, Meaning.AMBIGUOUS),
    (135, Meaning.AMBIGUOUS), (10147, Meaning.CANCEL_REFUSED), (10148, Meaning.CANCEL_REFUSED),
    (202, Meaning.CANCEL_REPORTED), (399, Meaning.WARNING), (9999, Meaning.AMBIGUOUS),
]  # fmt: skip


@pytest.mark.parametrize("code, meaning", CODES)
async def test_no_code_on_a_live_order_ends_it_by_itself(desk: Desk, code: int, meaning: Meaning) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    desk.put(OrderErred(stop.ref, code, "words", meaning, desk.clock.now()))
    await desk.tick()
    order = desk.store.order(stop.ref)
    assert order.state in {OrderState.WORKING, OrderState.UNKNOWN}
    await desk.wait(6)
    assert desk.store.order(stop.ref).state is OrderState.WORKING, "the book says that it lives"
    assert len([t for t in desk.broker.submitted if t.side is OrderSide.SELL]) == 1
    assert desk.broker.one(OrderSide.SELL, OrderType.STOP) is stop
    assert desk.store.refused == []


async def test_a_position_beside_an_entry_that_does_not_end_is_told_to_be_without_a_stop(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    desk.broker.fill(entry, 1)
    entry.heard = True
    for _ in range(60):
        await desk.tick(1.0)  # the cancel is never answered, and the book shows the order as on its way out
        entry.status = BrokerOrderStatus.CANCELLING
    assert desk.store.order(entry.ref).state is OrderState.UNKNOWN
    assert desk.store.alerts.count("UNPROTECTED") == 1
