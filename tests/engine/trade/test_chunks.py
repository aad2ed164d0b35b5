"""An entry larger than one order may be goes out in chunks: never side by side, never beside a stop, never too much."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.events.people import RequestKind
from bot.domain.order import OrderSide, Purpose
from bot.domain.position import PositionState
from bot.domain.signal import SignalState
from bot.engine.trade.chunks import answer_of, asked_for
from tests.engine.desk import Desk, an_order, forced
from tests.examples import examples

CHUNKS = {"risk": {"max_contracts": 4}}


async def a_desk(most: int = 4, **execution: float) -> Desk:
    return await Desk({"risk": {"max_contracts": most}, "execution": execution}).start()


async def bought(desk: Desk, quantity: int) -> None:
    desk.broker.fill(desk.broker.entry, quantity)
    await desk.settle()


def asked(desk: Desk) -> list[int]:
    return [ticket.terms.quantity for ticket in desk.broker.submitted if ticket.side is OrderSide.BUY]


def stops(desk: Desk) -> list[int]:
    return [t.terms.quantity for t in desk.broker.submitted if t.order_type.value == "STP"]


async def test_ten_contracts_go_out_as_four_four_and_two_with_one_stop_at_the_end() -> None:
    desk = await a_desk()
    await desk.propose(10)
    await desk.settle()
    assert desk.signal.quantity == 10
    assert asked(desk) == [4]
    await bought(desk, 4)
    assert (asked(desk), stops(desk)) == ([4, 4], [])
    await bought(desk, 4)
    assert (asked(desk), stops(desk)) == ([4, 4, 2], [])
    await bought(desk, 2)
    assert stops(desk) == [10]
    entries = desk.store.of(Purpose.ENTRY)
    assert len({order.order_ref for order in entries}) == 3
    assert {order.position_id for order in entries} == {desk.position.id}
    assert (desk.signal.state, desk.position.entry_quantity, len(desk.store.positions)) == (SignalState.FILLED, 10, 1)


async def test_an_entry_of_one_order_is_one_order() -> None:
    desk = await a_desk()
    await desk.hold(4)
    assert (asked(desk), stops(desk)) == ([4], [4])


async def test_what_is_displayed_bounds_each_order_at_its_own_moment() -> None:
    desk = await Desk({"risk": {"max_displayed_multiple": "0.1"}}).start()  # fifty are displayed
    await desk.propose(8)
    await desk.settle()
    assert asked(desk) == [5]
    created = next(t for t in desk.store.transitions if t.machine == "signal")
    assert "in chunks of at most 5: DISPLAYED_SIZE 50" in created.evidence["size"]
    await bought(desk, 5)
    assert asked(desk) == [5, 3]


async def test_where_nothing_may_be_asked_for_there_is_no_entry() -> None:
    desk = await Desk({"risk": {"max_displayed_multiple": "0.01"}}).start()
    await desk.propose(8)
    await desk.settle()
    assert asked(desk) == []
    assert desk.signal.state is SignalState.REJECTED


async def test_a_chunk_that_fills_in_part_ends_the_chain() -> None:
    desk = await a_desk(partial_fill_seconds=5)
    await desk.propose(10)
    await desk.settle()
    await bought(desk, 3)
    await desk.wait(8)
    assert (asked(desk), stops(desk)) == ([4], [3])
    assert desk.signal.state is SignalState.FILLED
    reason = next(t.reason for t in desk.store.transitions if t.machine == "signal" and t.trigger == "fill")
    assert reason == "3 of 10 contracts bought; the rest is given up: the last order bought 3 of 4"


async def test_the_chain_has_no_longer_than_a_partly_filled_order_has() -> None:
    desk = await a_desk(partial_fill_seconds=10)
    await desk.propose(10)
    await desk.settle()
    await bought(desk, 4)
    assert asked(desk) == [4, 4]
    await desk.wait(12)
    assert stops(desk) == [4], "the second chunk is taken back so that what is held gets its stop"
    assert {order.side for order in desk.broker.live} == {OrderSide.SELL}
    await desk.wait(60)
    assert asked(desk) == [4, 4]


@pytest.mark.parametrize(
    "kind", [RequestKind.PAUSE, RequestKind.HALT, RequestKind.CANCEL_ALL, RequestKind.FLATTEN, RequestKind.EMERGENCY]
)
@pytest.mark.parametrize("between", [True, False])
async def test_what_a_person_calls_off_is_not_gone_on_with(kind: RequestKind, between: bool) -> None:
    """Also in the very tick in which a chunk has filled and the next one would go out."""
    desk = await a_desk()
    await desk.propose(10)
    await desk.settle()
    desk.broker.fill(desk.broker.entry, 4)
    if not between:
        await desk.settle()
    await desk.command(kind, reason="enough", confirm="EMERGENCY")
    await desk.wait(5)
    assert len(asked(desk)) == (1 if between else 2)
    assert not [order for order in desk.broker.live if order.side is OrderSide.BUY]
    await desk.wait(30)
    assert len(asked(desk)) == (1 if between else 2)
    sold = kind in {RequestKind.FLATTEN, RequestKind.EMERGENCY}
    assert (desk.broker.market if sold else desk.broker.stop_order).left == 4


async def test_a_price_that_ran_away_ends_the_chain() -> None:
    desk = await a_desk()
    await desk.propose(10)
    await desk.settle()
    desk.quote("1.60", "2.40")  # a spread that no rule takes
    desk.broker.fill(desk.broker.entry, 4)
    await desk.wait(3)
    assert (asked(desk), stops(desk)) == ([4], [4])
    reason = next(t.reason for t in desk.store.transitions if t.machine == "signal" and t.trigger == "fill")
    assert "SPREAD_TOO_WIDE" in reason


async def test_after_a_restart_what_is_held_gets_its_stop_and_no_chunk_follows() -> None:
    desk = await a_desk()
    await desk.propose(10)
    await desk.settle()
    order = desk.broker.entry
    desk.broker.online = False
    desk.broker.fill(order, 4)
    desk.broker.online = True
    forced(desk.store.signals[-1], what_if={"at": "2026-11-20T15:00:00.000000Z"})  # as the store gives it back: words
    again = await Desk(CHUNKS, store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    again.quote("1.98", "2.02")
    await again.settle()
    assert (asked(again), stops(again)) == ([4], [4])
    assert again.signal.state is SignalState.FILLED
    assert answer_of(again.signal) is None


@given(filled=st.lists(st.integers(0, 6), max_size=5), sizes=st.lists(st.integers(1, 6), min_size=5, max_size=5))
def test_what_was_asked_for_is_never_less_than_what_was_bought(filled: list[int], sizes: list[int]) -> None:
    orders = [an_order(quantity=size, filled_quantity=done) for done, size in zip(filled, sizes, strict=False)]
    assert asked_for(orders) >= max(sum(filled), sum(sizes[: len(filled)]))


@settings(deadline=None, max_examples=examples(18))
@given(
    total=st.integers(1, 14),
    most=st.integers(1, 6),
    moves=st.lists(
        st.sampled_from(["fill", "part", "late", "wait", "wide", "sound", "pause", "resume", "restart"]), max_size=14
    ),
)
async def test_whatever_happens_no_more_is_bought_than_was_approved_nor_beside_a_stop(
    total: int, most: int, moves: list[str]
) -> None:
    desk = await a_desk(most, partial_fill_seconds=6, entry_timeout_s=9)
    await desk.propose(total)
    await desk.settle()
    approved = desk.signal.quantity
    desk.strategy.contract = None
    for number, move in enumerate(moves):
        desk = await _live(desk, move, most, number)
        buys = [order for order in desk.broker.live if order.side is OrderSide.BUY]
        sells = [order for order in desk.broker.live if order.side is OrderSide.SELL]
        assert len(buys) <= 1
        assert not buys or not sells
        assert all(order.terms.quantity <= most for order in buys)
    await desk.wait(40)
    entries = desk.store.of(Purpose.ENTRY)
    assert sum(order.filled_quantity for order in entries) <= approved
    assert sum(order.terms.quantity for order in entries) <= approved
    held = sum(desk.broker.held.values())
    assert held == sum(p.quantity for p in desk.store.positions if p.state is not PositionState.CLOSED)
    covered = sum(order.left for order in desk.broker.live if order.side is OrderSide.SELL)
    assert covered == held, "what is held has its stop"
    assert desk.signal.state not in {SignalState.WORKING, SignalState.APPROVED}


async def _live(desk: Desk, move: str, most: int, number: int) -> Desk:
    buys = [order for order in desk.broker.live if order.side is OrderSide.BUY]
    if move in {"fill", "part", "late"} and buys and buys[0].heard:
        desk.broker.fill(buys[0], buys[0].left if move != "part" else 1)
        if move == "late":
            await desk.wait(7)
    elif move in {"wide", "sound"}:
        desk.quote(*(("1.60", "2.40") if move == "wide" else ("1.98", "2.02")))
    elif move == "pause":
        await desk.command(RequestKind.PAUSE, reason="look")
    elif move == "resume":
        await desk.command(RequestKind.RESUME, reason="on")
    elif move == "restart":
        chunked = {"risk": {"max_contracts": most}, "execution": {"partial_fill_seconds": 6, "entry_timeout_s": 9}}
        desk = await Desk(chunked, store=desk.store, broker=desk.broker, clock=desk.clock, seed=100 + number).start()
        desk.quote("1.98", "2.02")
    await desk.settle() if move != "wait" else await desk.wait(4)
    return desk
