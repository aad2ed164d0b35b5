"""What is kept with every change is what counting anew would find, whatever came in whatever order."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.order import Order, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import ExitPlan, Position, PositionState, Settlement
from bot.engine.state.tallies import Tallies, counted_anew
from tests.engine.desk import SPY_580P, SPY_590C, TEN, forced

PLAN = ExitPlan((), Decimal("0.5"), Decimal("0.25"), Decimal("0.5"), None)
MOMENTS = st.integers(-3, 9).map(lambda minutes: TEN + timedelta(minutes=minutes))
ORDERS = st.tuples(
    st.just("order"), st.integers(0, 5), MOMENTS, st.sampled_from(tuple(Purpose)), st.integers(0, 2), st.integers(0, 2)
)
POSITIONS = st.tuples(
    st.just("position"), st.integers(0, 5), st.none() | MOMENTS, st.sampled_from((SPY_590C, SPY_580P)),
    st.none() | st.integers(0, 1), st.none() | st.sampled_from(tuple(Settlement)),
)  # fmt: skip


def an_order(number: int, at: Any, purpose: Purpose) -> Order:
    side = OrderSide.BUY if purpose is Purpose.ENTRY else OrderSide.SELL
    return Order(
        f"O{number}", f"bot-O{number}", SPY_590C.key, purpose, side, OrderType.LIMIT, Terms(2), at, at,
        OrderState.WORKING,
    )  # fmt: skip


@given(st.lists(st.one_of(ORDERS, POSITIONS), max_size=25), MOMENTS)
def test_what_is_kept_is_what_counting_anew_finds(changes: list[Any], moment: Any) -> None:
    tallies, orders, over = Tallies(), dict[str, Order](), dict[str, Position]()
    for what, number, *given_ in changes:
        if what == "order":
            at, purpose, reported, filled = given_
            known = orders.get(f"O{number}")
            order = known or orders.setdefault(f"O{number}", an_order(number, at, purpose))
            if known is None:
                tallies.order_born(order)
            forced(order, reported_filled=reported, filled_quantity=filled)
            tallies.order_changed(order)
            continue
        ended, contract, shares, settlement = given_
        fresh = Position(f"P{number}", contract, "fake", PLAN, TEN, state=PositionState.CLOSED)
        position = over.setdefault(f"P{number}", fresh)
        forced(position, closed_at=ended, shares_before=shares, settlement=settlement)
        tallies.position_over(position)
    assert tallies == counted_anew(orders.values(), over.values())
    assert {o.id for o in tallies.orders_since(moment)} == {o.id for o in orders.values() if o.created_at >= moment}
    assert list(tallies.unseen) == [] or all(o.unseen for o in tallies.unseen.values())
    ends = [(p.closed_at, p.id) for p in over.values() if p.closed_at is not None]
    assert [(p.closed_at, p.id) for p in tallies.latest_ended()] == sorted(ends, reverse=True)
    assert {p.id for p in tallies.ended_since(moment)} == {i for at, i in ends if at >= moment}
    for contract in (SPY_590C, SPY_580P):
        there = {p.id for p in over.values() if p.contract == contract}
        assert tallies.has_held(contract.key) is bool(there)
    assert {p.id for p in tallies.delivered_on("SPY")} == {i for i, p in over.items() if p.shares_before is not None}
