"""A book proves something only about the time after it was asked for, and only while TWS has the broker."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import BrokerOrderStatus, OrderReported
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderState, Purpose
from bot.domain.position import PositionState
from bot.domain.session import SessionState
from tests.engine.desk import SPY_580P, TAKES_ALL, Desk


@pytest.fixture
async def desk() -> Desk:
    """What the broker holds is taken over: these are about what follows."""
    return await Desk(TAKES_ALL).start()


def link(desk: Desk, change: LinkChange) -> None:
    desk.put(LinkChanged(change, "", desk.clock.now()))


async def compare(desk: Desk, times: int, seconds: float = 3.0) -> None:
    for _ in range(times):
        await desk.command(RequestKind.RECONCILE)
        await desk.ticks(2, seconds)


async def test_a_lost_stop_is_not_sent_again_while_tws_has_no_broker(desk: Desk) -> None:
    await desk.entry_working(2)
    desk.broker.fill(desk.broker.entry, 2)
    await desk.ticks(2)
    desk.broker.drop(desk.broker.stop_order)
    link(desk, LinkChange.ORDERS_LOST)
    await desk.ticks(2)
    sent = len(desk.broker.submitted)
    await compare(desk, 6)
    assert len(desk.broker.submitted) == sent
    link(desk, LinkChange.RESTORED)
    await desk.wait(20)
    assert desk.broker.stop_order.left == 2


async def test_an_old_book_of_tws_makes_no_second_position_and_closes_none(desk: Desk) -> None:
    """In an 1100 TWS answers from what it last knew: a sale of which we heard is not in its positions yet."""
    await desk.hold(4)
    await desk.bid("3.00")
    desk.broker.fill(desk.broker.rung, 1, "3.00")
    await desk.settle()
    link(desk, LinkChange.ORDERS_LOST)
    await desk.tick()
    desk.broker.held[desk.contract.key] = 4
    await compare(desk, 4)
    assert [p.quantity for p in desk.store.positions] == [3]
    desk.broker.held[desk.contract.key] = 3
    link(desk, LinkChange.RESTORED)
    await desk.wait(10)
    assert [p.quantity for p in desk.store.positions] == [3]
    assert desk.broker.stop_order.left == 3


class SlowBook:
    """Answers a question for the book only when it is told to, with what was so when it was asked."""

    def __init__(self, desk: Desk) -> None:
        self.asked: list[BrokerSnapshot] = []
        self._take = desk.broker.snapshot
        self._desk = desk
        desk.broker.snapshot = self.snapshot  # type: ignore[method-assign]
        desk.engine._dispatcher._wait = False

    async def snapshot(self) -> Any:
        taken = await self._take()
        self.asked.append(taken)
        self.go = asyncio.Event()
        await self.go.wait()
        return replace(taken, at=self._desk.clock.now())


async def pump() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_book_that_was_asked_for_before_the_broker_was_back_does_not_end_the_comparison(desk: Desk) -> None:
    await desk.hold(4)
    slow = SlowBook(desk)
    await desk.command(RequestKind.RECONCILE)
    await pump()
    link(desk, LinkChange.ORDERS_LOST)
    await desk.tick()
    desk.broker.execute(desk.broker.stop_order, 4, "1.00")  # nobody tells us
    link(desk, LinkChange.RESTORED)
    await desk.tick()
    slow.go.set()
    await pump()
    await desk.tick()
    earlier = desk.store.session.state
    assert earlier is SessionState.RECONCILING
    await pump()
    assert len(slow.asked) == 2, "who asked while one was under way gets one of his own"
    slow.go.set()
    await pump()
    await desk.tick()
    assert desk.position.state is PositionState.CLOSED
    assert desk.store.session.state is SessionState.ACTIVE


async def test_an_order_is_not_absent_from_a_book_that_was_asked_for_before_it_was_sent(desk: Desk) -> None:
    await desk.entry_working(2)
    slow = SlowBook(desk)
    await desk.command(RequestKind.RECONCILE)
    await pump()
    desk.broker.fill(desk.broker.entry, 2)
    await desk.ticks(2)
    stop = desk.broker.stop_order
    desk.clock.advance(9)  # a part of the book is slow
    slow.go.set()
    await pump()
    await desk.tick()
    assert desk.store.order(stop.ref).state is OrderState.SUBMITTED
    assert desk.engine._tick_memory.absences.since == {}


@pytest.mark.parametrize("trouble", [LinkChange.COMPETING, LinkChange.DATA_LOST, None])
async def test_positions_may_leave_while_a_comparison_after_a_halt_does_not_end(
    desk: Desk, trouble: LinkChange | None
) -> None:
    """An order of another position stays in doubt: TWS shows it as on its way out for ever."""
    await desk.propose(2)
    await desk.tick()
    stuck = desk.broker.entry
    desk.broker.cancel(stuck.ref, stuck.order_id)
    stuck.status = BrokerOrderStatus.CANCELLING
    desk.put(OrderReported(desk.broker.view(stuck)))
    await desk.ticks(12, 1.0)
    assert desk.store.order(stuck.ref).state is OrderState.UNKNOWN
    stuck.cancel_asked = False
    stuck.heard = True
    desk.broker.held[SPY_580P.key] = 3
    desk.broker.cost[SPY_580P.key] = Decimal("1.50")
    desk.quote("2.00", "2.04", SPY_580P)
    await desk.wait(10)
    held = next(p for p in desk.store.open_positions if p.contract == SPY_580P)
    await desk.command(RequestKind.HALT)
    if trouble is not None:
        link(desk, trouble)
        await desk.tick()
    await desk.command(RequestKind.RESUME)
    await desk.ticks(3)
    assert desk.store.session.state is SessionState.RECONCILING
    await desk.command(RequestKind.CLOSE, position_id=held.id)
    await desk.wait(30)
    assert [o for o in desk.broker.live if o.key == SPY_580P.key and o.type == "MKT"], "it is on sale"


@pytest.mark.parametrize("trouble", [LinkChange.COMPETING, LinkChange.DATA_LOST])
async def test_an_order_in_doubt_is_cleared_up_while_only_data_is_missing(desk: Desk, trouble: LinkChange) -> None:
    await desk.hold(2)
    link(desk, trouble)
    await desk.tick()
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.ticks(2)
    desk.broker.answer()
    await desk.ticks(2)
    desk.broker.drop(desk.broker.market)
    await desk.wait(40)
    assert desk.broker.market.left == 2, "it went out again"


async def test_after_a_failed_commit_a_contract_in_doubt_is_not_sold_before_the_book_is_seen_again(desk: Desk) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    desk.broker.held[desk.contract.key] = 0
    stop.status = BrokerOrderStatus.CANCELLED
    desk.broker.hide.add(stop.ref)
    await desk.command(RequestKind.RECONCILE)
    await desk.tick()
    assert desk.engine.ledger.proof.doubted
    desk.put(OrderReported(desk.broker.view(stop)))
    desk.store.fail_next = 1
    await desk.engine.guarded_tick()
    desk.clock.advance(0.25)
    await desk.engine.tick()  # a stop for 4 would be a stop for nothing: the broker's law raises
    await desk.wait(10)
    assert desk.position.state is PositionState.CLOSED


async def test_an_echo_that_is_late_does_not_make_a_stop_larger_than_what_is_left_to_it(desk: Desk) -> None:
    """Beside a rung's sale a stop that is taken for as large as it was would be changed to more than it asks for."""
    await desk.hold(4)
    stop = desk.broker.stop_order
    before = desk.broker.view(stop)
    await desk.bid("3.00")
    rung = desk.broker.rung
    assert (stop.left, rung.left) == (3, 1)
    asked, amended = desk.broker.snapshots, len(desk.broker.amended)
    desk.put(OrderReported(before))
    await desk.tick()
    (ours,) = desk.store.of(Purpose.PROTECT)
    assert ours.terms.quantity == 3
    await desk.ticks(3)
    assert len(desk.broker.amended) == amended
    assert desk.broker.snapshots == asked + 1, "somebody may have changed it by hand: the book says"


async def test_what_the_book_shows_is_in_force_also_where_it_was_before(desk: Desk) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    await desk.bid("3.00")
    assert stop.left == 3
    stop.terms = replace(stop.terms, quantity=4)  # by hand
    desk.put(OrderReported(desk.broker.view(stop)))
    await desk.settle()
    assert stop.left == 3, "found by the book that the message had asked for, and shrunk"
