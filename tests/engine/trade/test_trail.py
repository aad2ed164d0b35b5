"""The trailing stop on any path of quotes: up only, by the least step, no more often than the interval, never while the
orders are degraded, and by a bounded number of messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.connection import Permission
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.order import OrderTicket, OrderType, Purpose
from bot.domain.position import PositionState
from tests.engine.desk import Desk
from tests.engine.fake_broker import FakeBroker
from tests.examples import examples

MOVES = st.one_of(
    st.tuples(st.just("bid"), st.integers(60, 1400)),
    st.tuples(st.just("bid"), st.integers(300, 1400)),
    st.tuples(st.just("wait"), st.integers(1, 12)),
    st.tuples(st.just("refuse"), st.just(0)),
    st.tuples(st.just("degrade"), st.just(0)),
    st.tuples(st.just("restore"), st.just(0)),
    st.tuples(st.just("venue_cancels"), st.just(0)),
)


class Wire(FakeBroker):
    """Remembers every stop that left, with its time and whether changes were allowed then."""

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.moves: list[tuple[datetime, Decimal]] = []
        self.degraded = False
        self.least_step = Desk().settings.execution.trail_min_step

    def amend(self, ticket: OrderTicket) -> None:
        before = self.book[ticket.order_ref].terms.stop_price
        if ticket.order_type is OrderType.STOP and ticket.terms.stop_price != before:
            assert not self.degraded, "a change was sent while orders are degraded"
            assert before is not None
            assert ticket.terms.stop_price is not None
            assert ticket.terms.stop_price - before >= before * self.least_step, "lowered, or raised by too little"
            self.moves.append((self.clock.now(), ticket.terms.stop_price))
        super().amend(ticket)


async def trailing(**execution: Any) -> Desk:
    desk = Desk({"execution": execution})
    desk.broker = Wire(desk.clock)
    desk.broker.sink, desk.broker.online = desk.inbox.put, True
    for room in (desk.engine._memory, desk.engine._intake, desk.engine._dispatcher):
        room._broker = desk.broker
    await desk.start()
    await desk.hold(1)
    await desk.bid("3.10")
    assert desk.position.state is PositionState.TRAILING
    return desk


async def make(desk: Desk, move: str, number: int) -> None:
    broker = desk.broker
    assert isinstance(broker, Wire)
    stops = [o for o in broker.live if o.type is OrderType.STOP]
    if move == "bid":
        desk.quote(str(Decimal(number) / 100), str(Decimal(number + 2) / 100))
    elif move == "wait":
        await desk.tick(float(number))
    elif move == "degrade" and not broker.degraded:
        desk.put(LinkChanged(LinkChange.ORDERS_LOST, "1100", desk.clock.now()))
        await desk.tick()
        broker.degraded = not desk.engine.ledger.connection.allows(Permission.MODIFY)
    elif move == "restore" and broker.degraded:
        broker.degraded = False
        desk.put(LinkChanged(LinkChange.RESTORED, "1102", desk.clock.now()))
    elif move == "refuse" and stops and stops[0].asked is not None:
        broker.refuse_amendment(stops[0])
    elif move == "venue_cancels" and stops and not broker.degraded:
        broker.cancel_ack(stops[0])
    await desk.tick()
    if not broker.degraded:
        broker.answer()


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(MOVES, max_size=50))
async def test_on_any_path_the_stop_only_rises_in_time_and_in_measure(moves: list[tuple[str, int]]) -> None:
    desk = await trailing()
    broker, execution = desk.broker, desk.settings.execution
    assert isinstance(broker, Wire)
    highest = Decimal(0)
    for move, number in moves:
        await make(desk, move, number)
        for stop in desk.store.of(Purpose.PROTECT):
            if not stop.is_done:
                assert stop.terms.stop_price is not None
                assert stop.terms.stop_price >= highest
                highest = stop.terms.stop_price
    times = [at for at, _ in broker.moves]
    for before, after in pairwise(times):
        assert after - before >= timedelta(seconds=execution.trail_min_interval_s)
    assert desk.store.refused == []


async def test_a_stop_that_was_raised_often_is_raised_by_larger_steps() -> None:
    desk = await trailing(trail_moves_most=3)
    broker = desk.broker
    assert isinstance(broker, Wire)
    bid = Decimal("3.10")
    for _ in range(30):
        bid *= Decimal("1.03")
        await desk.bid(str(bid.quantize(Decimal("0.01"))))
        await desk.wait(6)
    prices = [price for _, price in broker.moves]
    steps = [(b - a) / a for a, b in pairwise(prices)]
    assert all(step >= Decimal("0.02") for step in steps)
    assert all(step >= Decimal("0.10") for step in steps[4:])
    assert len(prices) < 15
    assert prices[-1] >= bid * Decimal("0.75") * Decimal("0.88"), "it still follows"


@pytest.mark.parametrize("seconds", [1, 4])
async def test_a_refused_move_is_not_repeated_at_the_ticks_pace(seconds: int) -> None:
    desk = await trailing()
    broker = desk.broker
    assert isinstance(broker, Wire)
    await desk.wait(6)
    desk.quote("5.00", "5.02")
    await desk.ticks(5)
    broker.refuse_amendment(broker.stop_order)
    sent = len(broker.moves)
    await desk.ticks(seconds * 4)
    assert len(broker.moves) == sent
    assert desk.store.alerts.count("STOP_CHANGE_REFUSED") == 1
    await desk.wait(6)
    assert broker.stop_order.terms.stop_price == Decimal("3.75")


@pytest.mark.parametrize("bid", ["4.50", "4.49", "3.00"])
async def test_no_trail_to_the_bid(bid: str) -> None:
    """The high was made while a move had to wait, and then the market came back: a stop there would be a sale."""
    desk = await trailing()
    broker = desk.broker
    assert isinstance(broker, Wire)
    await desk.bid("6.00")
    desk.quote(bid, "6.02")
    sent = list(broker.moves)
    await desk.wait(60)
    assert desk.position.high == Decimal("6.00")
    assert broker.moves == sent
    assert desk.position.state is PositionState.TRAILING
    await desk.bid("4.51")
    await desk.wait(6)
    assert [price for _, price in broker.moves[len(sent) :]] == [Decimal("4.50")]
    assert broker.stop_order.terms.stop_price == desk.position.stop_price == Decimal("4.50")
