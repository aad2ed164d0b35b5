"""Whatever the market and the broker do, in whatever order: the invariants hold."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.orders import BrokerOrderStatus, ExecutionReported
from bot.domain.events.people import AlertRaised, RequestKind
from bot.domain.order import OrderSide, Purpose
from bot.domain.position import PositionState
from tests.engine.desk import Desk
from tests.examples import examples

MOVES = st.one_of(
    st.tuples(st.just("bid"), st.integers(50, 700)),
    st.tuples(st.just("answer"), st.integers(0, 3)),
    st.tuples(st.just("fill"), st.integers(0, 20)),
    st.tuples(st.just("venue_cancels"), st.integers(0, 20)),
    st.tuples(st.just("reject"), st.integers(0, 20)),
    st.tuples(st.just("refuse_amendment"), st.integers(0, 20)),
    st.tuples(st.just("wait"), st.integers(1, 12)),
    st.tuples(st.just("close"), st.just(0)),
    st.tuples(st.just("reconnect"), st.just(0)),
    st.tuples(st.just("quiet_fill"), st.integers(0, 20)),
    st.tuples(st.just("drop"), st.integers(0, 20)),
    st.tuples(st.just("late_amendment"), st.integers(0, 20)),
    st.tuples(st.just("failing_commit"), st.just(0)),
    st.tuples(st.just("take_back"), st.integers(0, 20)),
    st.tuples(st.just("orders_lost"), st.just(0)),
    st.tuples(st.just("restored"), st.just(0)),
    st.tuples(st.just("competing"), st.just(0)),
    st.tuples(st.just("halt"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
)
TAKES_NO_STOPS = st.tuples(st.just("takes_no_stops"), st.just(0))  # from here on the broker refuses them by 387


LINK = {
    "orders_lost": LinkChange.ORDERS_LOST,
    "restored": LinkChange.RESTORED,
    "competing": LinkChange.COMPETING,
}


async def make(desk: Desk, move: str, number: int) -> None:
    """Let one thing happen."""
    live = desk.broker.live
    order = live[number % len(live)] if live else None
    if move == "bid":
        desk.quote(str(Decimal(number) / 100), str(Decimal(number + 3) / 100))
    elif move == "wait":
        desk.clock.advance(number)
    elif move == "takes_no_stops":
        desk.broker.refuses_stops, desk.broker.refuses_with = True, 387
    elif move == "answer":
        desk.broker.answer()
    elif move == "close" and desk.store.open_positions:
        await desk.command(RequestKind.CLOSE, position_id=desk.store.open_positions[0].id)
    elif move == "failing_commit":
        desk.store.fail_next = 1
        desk.put(AlertRaised("STRAY_STATUS", "", {}, desk.clock.now()))
        await desk.engine.guarded_tick()
        await desk.engine.guarded_tick()
    elif move == "reconnect":
        desk.put(LinkChanged(LinkChange.DROPPED, "", desk.clock.now()))
        await desk.connect()
    elif move in {"halt", "resume"}:
        await desk.command(RequestKind(move))
    elif not happened_by_itself(desk, move, number) and order is not None:
        touch(desk, move, number, order.ref)


def happened_by_itself(desk: Desk, move: str, number: int) -> bool:
    """Do what concerns no order in particular; say whether it was that."""
    if move in LINK:
        desk.put(LinkChanged(LINK[move], "", desk.clock.now()))
    elif move == "take_back":
        take_back(desk, number)
    return move in LINK or move == "take_back"


def take_back(desk: Desk, number: int) -> None:
    """The broker corrects an execution: one contract less, where that leaves nobody short, and no sale is on its way
    that could not know of it."""
    counted = [e for e in desk.broker.executions.values() if e.quantity and not desk.broker.is_corrected(e)]
    if not counted:
        return
    execution = counted[number % len(counted)]
    calm = not desk.inbox.depth and not list(desk.engine.ledger.order_index.awaiting_answer())
    if execution.side is OrderSide.SELL or (calm and desk.broker.held[execution.contract_key] > on_sale(desk)):
        desk.put(ExecutionReported(desk.broker.take_back(execution)))


def on_sale(desk: Desk) -> int:
    return sum(o.left for o in desk.broker.live if o.side is OrderSide.SELL)


def touch(desk: Desk, move: str, number: int, ref: str) -> None:
    order = desk.broker.book[ref]
    if move == "fill":
        desk.broker.fill(order, 1 + number % order.left, "2.00")
    elif move == "quiet_fill":
        desk.broker.execute(order, 1 + number % order.left, "2.00")
    elif move == "venue_cancels":
        desk.broker.cancel_ack(order)
    elif move == "reject" and not order.heard and not order.filled:
        desk.broker.reject(order)
    elif move == "refuse_amendment" and order.asked is not None:
        desk.broker.refuse_amendment(order)
    elif move == "drop" and not order.heard and not order.filled:
        desk.broker.drop(order)
    elif move == "late_amendment" and order.asked is not None:
        order.terms, order.asked = order.asked, None  # in force, and nothing said
        if order.left <= 0:
            order.status = BrokerOrderStatus.FILLED


def check(desk: Desk) -> None:
    """I2 and I3 at every moment; I5 is the broker's own law, which raises."""
    for signal in desk.store.signals:
        bought = sum(o.filled_quantity for o in desk.store.of(Purpose.ENTRY) if o.signal_id == signal.id)
        assert bought <= signal.quantity
    refs = [o.order_ref for o in desk.store.orders]
    assert len(refs) == len(set(refs))
    assert desk.store.refused == []
    check_indexes(desk)


def check_indexes(desk: Desk) -> None:
    """What the ledger finds by an index is what looking at every order finds."""
    ledger = desk.engine.ledger
    alive = [order for order in ledger.orders.values() if not order.is_done]
    assert set(ledger.order_index.open) == {order.id for order in alive}
    for key, side in {(order.contract_key, side) for order in ledger.orders.values() for side in OrderSide}:
        found = {order.id for order in ledger.order_index.live_on(key, side)}
        assert found == {order.id for order in alive if order.contract_key == key and order.side is side}
        assert ledger.has_traded(key)


async def mend_the_link(desk: Desk) -> None:
    for change in (LinkChange.RESTORED, LinkChange.DATA_RESTORED):
        desk.put(LinkChanged(change, "", desk.clock.now()))
    await desk.ticks(3)


async def come_to_an_end(desk: Desk) -> None:
    await mend_the_link(desk)
    await desk.command(RequestKind.RECONCILE)  # what happened behind our back
    await let_the_venue_work(desk, 10)
    for position in desk.store.open_positions:
        if position.state is not PositionState.CLOSING:
            await desk.command(RequestKind.CLOSE, position_id=position.id)
    await let_the_venue_work(desk, 300)


async def let_the_venue_work(desk: Desk, seconds: int) -> None:
    for second in range(seconds):
        await desk.tick(1.0)
        desk.broker.answer()
        for order in desk.broker.live:
            if order.side is OrderSide.SELL and order.heard and not order.cancel_asked and order.type == "MKT":
                desk.broker.fill(order, order.left, "1.50")
        if second > 5 and not desk.broker.live and not any(desk.broker.held.values()) and not desk.store.open_positions:
            return


@settings(max_examples=examples(30))
@given(st.integers(1, 6), st.lists(st.one_of(MOVES, TAKES_NO_STOPS), max_size=40))
async def test_the_invariants_hold_on_any_path(quantity: int, moves: list[tuple[str, int]]) -> None:
    desk = await Desk().start()
    await desk.entry_working(quantity)
    for move, number in moves:
        await make(desk, move, number)
        await desk.tick()
        check(desk)
    await come_to_an_end(desk)
    check(desk)
    assert not any(desk.broker.held.values())
    assert desk.broker.live == []
    assert sum((p.realized_pnl for p in desk.store.positions), Decimal(0)) == desk.broker.cash


@settings(max_examples=examples(20))
@given(st.integers(1, 6), st.lists(MOVES.filter(lambda m: m[0] != "close"), max_size=30))
async def test_whatever_happened_a_position_ends_up_protected_for_exactly_what_is_left(
    quantity: int, moves: list[tuple[str, int]]
) -> None:
    desk = await Desk().start()
    await desk.entry_working(quantity)
    for move, number in moves:
        await make(desk, move, number)
        await desk.tick()
    desk.quote("0.90", "0.92")  # no rung is due here
    await mend_the_link(desk)
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(70)
    held = desk.store.open_positions
    waits_to_retry = any(p.state is PositionState.CLOSING and p.exit_attempts > 0 for p in held)
    assert on_sale(desk) == sum(p.quantity for p in held) or waits_to_retry
