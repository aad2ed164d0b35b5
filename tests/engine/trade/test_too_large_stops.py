"""A position may shrink without an order of ours: its stop then sells no more than is held, whatever else goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.events.account import BookFault, BookPart
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import ExecutionReported
from bot.domain.order import OrderState, Purpose
from bot.domain.position import PositionState
from bot.domain.session import SessionState
from tests.engine.desk import SPY_590C, Desk
from tests.engine.fake_broker import AtBroker


async def reconnect_in_doubt(desk: Desk, part: BookPart = BookPart.COMPLETED_ORDERS) -> None:
    """The socket comes back, and the comparison of the books does not end."""
    desk.broker.incomplete, desk.broker.faults = True, (BookFault(part, "no end marker"),)
    desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
    await desk.connect()
    assert desk.engine.ledger.session.state is SessionState.RECONCILING


def take_back_one(desk: Desk) -> None:
    """The broker corrects the entry's fill by one contract, and tells it."""
    last = max(desk.broker.executions.values(), key=lambda each: each.revision)
    desk.put(ExecutionReported(desk.broker.take_back(last)))


def on_sale(desk: Desk) -> int:
    return sum(order.left for order in desk.broker.live if order.key == SPY_590C.key)


async def test_what_is_taken_back_during_a_comparison_shrinks_the_stop_at_once(desk: Desk) -> None:
    await desk.hold(4)
    await reconnect_in_doubt(desk)
    take_back_one(desk)
    await desk.tick()
    assert desk.broker.stop_order.asked is not None, "in the tick that hears of it"
    assert desk.broker.stop_order.asked.quantity == 3
    desk.broker.answer()
    await desk.tick()
    assert (on_sale(desk), desk.broker.held[SPY_590C.key]) == (3, 3)
    assert desk.engine.ledger.session.state is SessionState.RECONCILING, "nothing else went on"
    row = next(row for row in desk.store.transitions if row.trigger == "amend" and "beyond" in row.evidence)
    assert (row.evidence["left"], row.evidence["beyond"]) == (3, 1)


async def test_before_the_orders_were_read_on_this_connection_the_stop_is_left_and_its_time_is_counted(
    desk: Desk,
) -> None:
    """After a gateway's reset new terms for what is gone would be a new order, so its id is proved first."""
    await desk.hold(4)
    await reconnect_in_doubt(desk, BookPart.OPEN_ORDERS)
    sent = len(desk.broker.amended)
    take_back_one(desk)
    for _ in range(12):
        await desk.tick()
        desk.broker.answer()
    assert len(desk.broker.amended) == sent
    assert "STOP_TOO_LARGE" in desk.store.alerts
    desk.quoting = False  # nothing but the comparison itself wakes the position
    desk.broker.incomplete = False
    await desk.wait(8)
    assert on_sale(desk) == 3
    row = next(row for row in desk.store.transitions if row.trigger == "amend" and "beyond" in row.evidence)
    assert row.evidence["for_s"] >= 2.5


async def test_a_halt_of_the_session_and_a_comparison_without_end_do_not_keep_the_stop_too_large(desk: Desk) -> None:
    await desk.hold(4)
    await reconnect_in_doubt(desk, BookPart.POSITIONS)
    take_back_one(desk)
    desk.quoting = False
    await desk.tick()
    desk.broker.refuse_amendment(desk.broker.stop_order)
    for _ in range(14):
        await desk.tick()
        desk.broker.answer()
    assert on_sale(desk) == 3, "asked again without a quote"


async def test_what_a_working_rung_leaves_to_the_stop_is_nothing_so_the_stop_goes(desk: Desk) -> None:
    rung, stop = await a_rung_beside_a_stop(desk)
    for _ in range(3):
        take_back_one(desk)
    await desk.settle()
    assert not stop.live
    assert (rung.left, desk.broker.held[SPY_590C.key]) == (1, 1)
    desk.broker.fill(rung, 1, "3.00")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.broker.held[SPY_590C.key] == 0


async def a_rung_beside_a_stop(desk: Desk) -> tuple[AtBroker, AtBroker]:
    await desk.hold(4)
    await desk.bid("3.00")
    return desk.broker.rung, desk.broker.stop_order


@pytest.mark.parametrize("ending", [False, True])
async def test_the_stop_of_what_is_gone_is_cancelled_in_the_middle_of_a_comparison(desk: Desk, ending: bool) -> None:
    await desk.hold(2)
    await reconnect_in_doubt(desk)
    for _ in range(2):
        take_back_one(desk)
    await desk.ticks(2)
    (stop,) = desk.store.of(Purpose.PROTECT)
    assert desk.position.state is PositionState.CLOSED
    assert desk.store.order(stop.order_ref).state is OrderState.CANCELLING
    if ending:
        desk.broker.incomplete = False
    await desk.wait(3)
    assert on_sale(desk) == 0
    assert desk.store.refused == []


async def test_new_terms_that_are_on_their_way_are_waited_for(desk: Desk) -> None:
    await desk.hold(4)
    last = max(desk.broker.executions.values(), key=lambda each: each.revision)
    desk.broker.held[SPY_590C.key] = 5
    more = replace(last, exec_id=f"{last.base_id}.02", quantity=5)
    desk.broker.executions[more.exec_id] = more
    desk.broker.commissions[more.exec_id] = desk.broker.commissions[last.exec_id]
    desk.put(ExecutionReported(more))
    await desk.tick()
    assert desk.broker.stop_order.asked is not None
    assert desk.broker.stop_order.asked.quantity == 5
    for _ in range(2):
        take_back_one(desk)
    await desk.settle()
    assert on_sale(desk) == 3
