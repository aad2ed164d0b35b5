"""What the broker says is true in whatever order it says it; silence is doubt, and only evidence ends doubt."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events import Event
from bot.domain.events.orders import (
    BrokerOrderStatus,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
    OrderSent,
)
from bot.domain.order import OrderState, Purpose, Terms
from bot.domain.position import PositionState
from bot.domain.signal import SignalState
from tests.engine.desk import Desk
from tests.engine.fake_broker import FEE

FACTS = ("sent", "ack", "first", "second", "commissions", "filled")


async def final_state(order_of_facts: tuple[str, ...], *, one_tick: bool) -> tuple[Any, ...]:
    """Tell the facts of one filled entry in some order and return what is left of it."""
    desk = await Desk().start()
    await desk.propose(4)
    sent: list[Event] = []
    desk.engine._dispatcher._inbox = _Keeping(sent)  # type: ignore[assignment]
    await desk.tick()
    desk.engine._dispatcher._inbox = desk.inbox
    entry = desk.broker.entry
    ack = OrderReported(replace(desk.broker.view(entry), status=BrokerOrderStatus.WORKING))
    first, second = desk.broker.execute(entry, 1, "1.99"), desk.broker.execute(entry, 3, "2.00")
    facts: dict[str, list[Event]] = {
        "sent": [e for e in sent if isinstance(e, OrderSent)],
        "ack": [ack],
        "first": [ExecutionReported(first)],
        "second": [ExecutionReported(second)],
        "commissions": [
            CommissionReported(e.exec_id, desk.broker.commissions[e.exec_id], e.executed_at) for e in (first, second)
        ],
        "filled": [OrderReported(desk.broker.view(entry))],
    }
    assert facts["sent"]
    for name in order_of_facts:
        for fact in facts[name]:
            desk.put(fact)
        if not one_tick:
            await desk.tick()
    await desk.settle()
    order, position = desk.store.order(entry.ref), desk.position
    assert desk.store.refused == []
    assert len(desk.store.positions) == 1
    return (
        order.state,
        order.order_id,
        order.perm_id,
        order.filled_quantity,
        order.average_price,
        position.state,
        position.quantity,
        position.entry_price,
        position.commissions,
        desk.signal.state,
        desk.broker.stop_order.left,
    )


class _Keeping:
    def __init__(self, kept: list[Event]) -> None:
        self._kept = kept

    def put(self, event: Event) -> None:
        self._kept.append(event)


EXPECTED = (
    OrderState.FILLED, 1, 9001, 4, Decimal("1.9975"), PositionState.FILLED, 4, Decimal("1.9975"), 4 * FEE,
    SignalState.FILLED, 4,
)  # fmt: skip


@given(st.permutations(FACTS), st.booleans())
async def test_the_facts_of_a_fill_end_in_one_state_in_any_order(order: list[str], one_tick: bool) -> None:
    assert await final_state(tuple(order), one_tick=one_tick) == EXPECTED


@given(st.lists(st.sampled_from(FACTS), max_size=6), st.permutations(FACTS))
async def test_repeated_facts_change_nothing(repeats: list[str], order: list[str]) -> None:
    assert await final_state((*order, *repeats), one_tick=False) == EXPECTED


@pytest.mark.parametrize("order", list(permutations(("ack", "first", "second")))[:6])
async def test_the_named_orders_of_a_fill(order: tuple[str, ...]) -> None:
    rest = tuple(f for f in FACTS if f not in order)
    assert await final_state((*order, *rest), one_tick=False) == EXPECTED


async def test_a_correction_replaces_what_it_corrects(desk: Desk) -> None:
    await desk.entry_working(2)
    execution = desk.broker.fill(desk.broker.entry, 2, "2.00")
    await desk.settle()
    corrected = replace(execution, exec_id=execution.exec_id[:-1] + "2", price=Decimal("1.95"))
    desk.put(ExecutionReported(corrected))
    desk.put(ExecutionReported(execution))  # the old one again
    desk.put(CommissionReported(corrected.exec_id, Decimal("1.10"), desk.clock.now()))
    await desk.settle()
    assert desk.position.entry_price == Decimal("1.95")
    assert desk.position.quantity == 2
    assert desk.position.commissions == Decimal("1.10"), "its commission replaces the other's too"
    assert "EXECUTION_CORRECTED" in desk.store.alerts


async def test_a_correction_of_a_closed_position_reaches_its_result(desk: Desk) -> None:
    await desk.hold(2)
    execution = desk.broker.fill(desk.broker.stop_order, 2, "1.00")
    await desk.settle()
    before = desk.position.realized_pnl
    corrected = replace(execution, exec_id=execution.exec_id[:-1] + "2", price=Decimal("1.01"))
    desk.put(ExecutionReported(corrected))
    await desk.settle()
    assert desk.position.realized_pnl - before == 2


async def test_an_order_that_nobody_answers_becomes_unknown_and_is_asked_for(desk: Desk) -> None:
    await desk.propose(4)
    desk.broker.incomplete = True
    await desk.ticks(8)
    desk.broker.hide.add(desk.broker.entry.ref)
    asked = desk.broker.snapshots
    await desk.ticks(12, 1.0)
    assert desk.store.of(Purpose.ENTRY)[0].state is OrderState.UNKNOWN
    assert desk.broker.snapshots > asked
    assert len(desk.broker.submitted) == 1, "nothing is sent again on silence"


async def test_the_brokers_book_ends_the_doubt(desk: Desk) -> None:
    await desk.propose(4)
    await desk.ticks(13, 1.0)
    order = desk.store.of(Purpose.ENTRY)[0]
    assert order.state is OrderState.WORKING
    assert "lose_sight" in desk.store.path(order.id)


@pytest.mark.parametrize("in_force", [True, False])
async def test_an_unanswered_amendment_is_doubt_and_the_terms_in_force_are_learned(desk: Desk, in_force: bool) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    stop = desk.broker.stop_order
    if in_force:
        assert stop.asked is not None
        stop.terms = stop.asked
    stop.asked = None
    desk.quote("2.50", "2.52")
    await desk.ticks(11, 1.0)
    assert "lose_sight" in desk.store.path(desk.store.order(stop.ref).id)
    await desk.wait(5)
    total = sum(o.left for o in desk.broker.live)
    assert total == 4, "stop and rung cover the position again"
    assert desk.store.order(stop.ref).terms == stop.terms


async def test_an_amendment_given_up_for_lost_that_comes_into_force_is_seen(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    stop = desk.broker.stop_order
    asked, stop.asked = stop.asked, None
    assert asked is not None
    desk.quote("2.50", "2.52")
    await desk.wait(15)
    assert desk.broker.stop_order.left == 4
    stop.terms = asked
    desk.broker.report(stop)
    await desk.settle()
    assert desk.broker.stop_order.left == 4, "it covers everything again"


async def test_an_error_on_a_live_order_is_doubt_not_an_end(desk: Desk) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    desk.put(OrderErred(stop.ref, 201, "strange", ErrorMeaning.REJECTED, desk.clock.now()))
    await desk.tick()
    assert desk.store.order(stop.ref).state is OrderState.UNKNOWN
    await desk.settle()
    assert desk.store.order(stop.ref).state is OrderState.WORKING
    assert len(desk.broker.live) == 1


async def test_a_cancel_that_could_not_be_sent_is_doubt(desk: Desk) -> None:
    await desk.entry_working(4)
    await desk.ticks(59, 1.0)
    desk.broker.online = False
    await desk.ticks(3, 1.0)
    desk.broker.online = True
    await desk.wait(6)
    assert desk.broker.live == []
    assert desk.signal.state is SignalState.CANCELLED


async def test_a_cancel_that_is_refused_is_looked_into(desk: Desk) -> None:
    await desk.entry_working(4)
    entry = desk.broker.entry
    await desk.ticks(61, 1.0)
    desk.put(OrderErred(entry.ref, 10148, "too late to cancel", ErrorMeaning.CANCEL_REFUSED, desk.clock.now()))
    desk.broker.fill(entry, 4)
    await desk.settle()
    assert desk.signal.state is SignalState.FILLED
    assert desk.broker.stop_order.left == 4


async def test_an_amendment_that_shrinks_an_order_to_what_is_filled_completes_it(desk: Desk) -> None:
    await desk.hold(4)
    desk.quote("3.00", "3.02")
    await desk.ticks(2)
    stop = desk.broker.stop_order
    stop.terms, stop.asked = Terms(3, stop_price=stop.terms.stop_price), None
    desk.put(ExecutionReported(desk.broker.execute(stop, 3, "1.00")))
    desk.broker.report(stop)
    await desk.settle()
    assert desk.store.order(stop.ref).state is OrderState.FILLED
