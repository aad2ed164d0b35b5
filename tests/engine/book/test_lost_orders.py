"""A store that is lost while positions and their stops are at the broker: taken on, protected once, never oversold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.events.orders import BrokerOrderStatus
from bot.domain.events.people import RequestKind
from bot.domain.money import to_price
from bot.domain.order import OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import CloseReason, Origin, PositionState, Protection
from tests.engine.desk import SPY_580P, SPY_590C, TAKES_ALL, Desk
from tests.engine.fake_broker import AtBroker, FakeBroker
from tests.engine.fake_store import FakeStore

LOST = "qty-01JD0000000000000000000"


def with_lost_store(*orders: AtBroker, held: int = 4) -> Desk:
    """A desk whose store is empty while the broker holds contracts and the old store's orders."""
    desk = Desk(store=FakeStore())
    desk.broker.held[SPY_590C.key] = held
    for order in orders:
        desk.broker.book[order.ref] = order
    return desk


def lost(number: int, quantity: int = 4, stop: str | None = "1.00", **changes: object) -> AtBroker:
    terms = Terms(quantity, stop_price=Decimal(stop)) if stop else Terms(quantity, limit_price=Decimal(3))
    kind = OrderType.STOP if stop else OrderType.LIMIT
    order = AtBroker(f"{LOST}{number:03d}", SPY_590C.key, OrderSide.SELL, kind, terms, number, 9000 + number)
    order.status, order.heard = BrokerOrderStatus.WORKING, True
    for name, value in changes.items():
        setattr(order, name, value)
    return order


def on_sale(broker: FakeBroker) -> int:
    return sum(order.left for order in broker.live if order.side is OrderSide.SELL)


async def start(desk: Desk) -> None:
    """Start and let two comparisons pass; the fake broker itself refuses more on sale than is held."""
    await desk.start()
    desk.quote("2.00", "2.04")
    for _ in range(12):
        await desk.wait(1)
        assert on_sale(desk.broker) <= desk.broker.held[SPY_590C.key]


async def test_the_lost_stores_stop_becomes_the_adopted_positions_own() -> None:
    desk = with_lost_store(lost(7))
    await start(desk)
    assert (desk.position.origin, desk.position.quantity) == (Origin.BROKER, 4)
    (stop,) = desk.store.of(Purpose.PROTECT)
    assert (stop.order_ref, stop.state, stop.remaining) == (f"{LOST}007", OrderState.WORKING, 4)
    assert desk.broker.submitted == [], "there is a stop already: none is placed beside it"
    assert desk.position.unprotected_since is None
    assert {"POSITION_ADOPTED"} <= set(desk.store.alerts)
    assert desk.store.refused == []


async def test_a_lost_rung_beside_the_stop_is_cancelled_before_the_position_is_adopted() -> None:
    desk = with_lost_store(lost(7, 3), lost(8, 1, stop=None))
    await start(desk)
    assert [o.ref for o in desk.broker.live] == [f"{LOST}007"]
    assert on_sale(desk.broker) == 4, "the stop grew to what is held once the rung was gone"
    assert desk.position.unprotected_since is None


async def test_of_two_lost_stops_that_each_fit_one_stays() -> None:
    desk = with_lost_store(lost(7, 2), lost(8, 2))
    await start(desk)
    assert len(desk.broker.live) == 1
    assert on_sale(desk.broker) == 4


def with_a_stop_partly_filled() -> tuple[Desk, AtBroker]:
    desk = with_lost_store(lost(7, 4))
    stop = desk.broker.book[f"{LOST}007"]
    desk.broker.execute(stop, 1, "0.99")
    return desk, stop


async def test_a_lost_stop_that_filled_in_part_stays_for_the_rest() -> None:
    desk, stop = with_a_stop_partly_filled()
    await start(desk)
    assert desk.broker.live == [stop]
    assert desk.broker.submitted == []
    assert (desk.position.quantity, desk.position.unprotected_contract_ms) == (3, 0)
    assert (desk.store.order(stop.ref).filled_quantity, desk.store.order(stop.ref).remaining) == (1, 3)
    desk.broker.fill(stop, 2, "0.99")
    desk.broker.fill(stop, 1, "0.98")
    await desk.settle()
    assert desk.position.state is PositionState.CLOSED
    assert desk.position.close_reason is CloseReason.STOP
    assert desk.store.refused == []
    assert desk.broker.held[SPY_590C.key] == 0


async def test_a_lost_stop_whose_executions_are_not_all_known_is_replaced() -> None:
    desk = with_lost_store(lost(7, 4, filled=1), held=3)
    await start(desk)
    (stop,) = desk.broker.live
    assert stop.ref != f"{LOST}007"
    assert on_sale(desk.broker) == 3


async def test_a_lost_stop_that_fills_while_its_position_is_being_adopted_is_never_oversold() -> None:
    desk, stop = with_a_stop_partly_filled()
    await desk.start()
    desk.quote("2.00", "2.04")
    for second in range(14):
        await desk.wait(1)
        if second in {0, 2, 5}:
            desk.broker.fill(stop, 1, "0.99")
        assert on_sale(desk.broker) <= desk.broker.held[SPY_590C.key]
    assert desk.broker.held[SPY_590C.key] == 0
    assert desk.store.open_positions == []
    assert desk.broker.live == []


async def test_a_lost_order_without_a_position_is_cancelled() -> None:
    desk = with_lost_store(lost(7, key=SPY_580P.key), held=0)
    await desk.start()
    await desk.wait(8)
    assert desk.broker.live == []
    assert "LOST_ORDER_CANCELLED" in desk.store.alerts


async def test_orders_of_other_people_are_left_alone() -> None:
    order = lost(7)
    order.ref = "theirs-1"
    desk = with_lost_store(order, held=0)
    await desk.start()
    await desk.wait(8)
    assert order.live
    assert desk.broker.submitted == []


async def test_the_next_comparisons_change_nothing() -> None:
    desk = with_lost_store(lost(7))
    await start(desk)
    rows = len(desk.store.transitions)
    for _ in range(2):
        assert (await desk.command(RequestKind.RECONCILE))[0] == "done"
        await desk.wait(5)
    assert len(desk.store.transitions) == rows


# ---- a position of which the broker names no cost


async def adopted_without_cost(cost: str) -> Desk:
    desk = Desk(TAKES_ALL, store=FakeStore())
    desk.broker.held[SPY_590C.key], desk.broker.cost[SPY_590C.key] = 4, Decimal(cost)
    await desk.start()
    await desk.wait(4)
    return desk


@pytest.mark.parametrize("cost", ["0", "-1"])
async def test_without_a_cost_there_is_no_stop_at_nothing_and_no_rung_until_a_bid_has_come(cost: str) -> None:
    desk = await adopted_without_cost(cost)
    assert desk.broker.submitted == []
    assert "no cost is named there" in text_of(desk, "POSITION_ADOPTED")
    assert "no bid has come to take a stop from" in text_of(desk, "UNPROTECTED")
    assert (desk.position.protection, desk.position.unprotected_quantity) == (Protection.WANTED, 4)
    desk.quote("2.10", "2.00")  # crossed: a price that is none
    await desk.settle()
    desk.quote("0", "0.05")
    await desk.settle()
    assert desk.broker.submitted == []


async def test_without_a_cost_stop_and_rungs_are_taken_from_the_first_usable_bid() -> None:
    desk = await adopted_without_cost("0")
    desk.quote("2.00", "2.04")
    await desk.settle()
    assert (desk.position.entry_price, desk.position.stop_price) == (Decimal(2), Decimal(1))
    assert (desk.broker.stop_order.left, desk.broker.stop_order.terms.stop_price) == (4, Decimal(1))
    assert (desk.position.rungs_done, desk.position.exit_quantity) == (0, 0), "nothing is sold in haste"
    assert (desk.position.protection, desk.position.unprotected_quantity) == (Protection.WORKING, 0)
    assert desk.position.unprotected_contract_ms > 0
    desk.quoting = False
    await desk.bid("3.00")
    assert desk.broker.rung.left == 1, "half above that bid the first rung is due"
    assert desk.store.refused == []


async def test_a_cost_that_came_with_a_bid_outlives_a_restart() -> None:
    desk = await adopted_without_cost("0")
    desk.quote("2.00", "2.04")
    await desk.settle()
    again = await Desk(TAKES_ALL, store=desk.store, broker=desk.broker, clock=desk.clock, seed=7).start()
    again.quote("2.60", "2.64")
    await again.settle()
    assert (again.position.entry_price, again.broker.stop_order.terms.stop_price) == (Decimal(2), Decimal(1))


def text_of(desk: Desk, code: str) -> str:
    return next(alert.text for batch in desk.store.batches for alert in batch.alerts if alert.code == code)


# ---- what is never taken over by itself


async def test_the_long_leg_of_a_spread_is_left_alone_and_told_once() -> None:
    desk = Desk(TAKES_ALL, store=FakeStore())
    desk.broker.held[SPY_590C.key], desk.broker.held[SPY_580P.key] = 4, -4
    await desk.start()
    desk.quote("2.00", "2.04")
    for _ in range(3):
        await desk.command(RequestKind.RECONCILE)
        await desk.wait(5)
    assert desk.store.positions == []
    assert desk.broker.submitted == []
    assert desk.store.alerts.count("NOT_ADOPTED") == 1
    assert "sold short" in text_of(desk, "NOT_ADOPTED")
    assert desk.store.session.state == "active", "what is left alone keeps nothing in doubt"


async def test_the_stop_of_what_is_adopted_far_above_the_market_is_taken_from_the_bid() -> None:
    desk = Desk(TAKES_ALL, store=FakeStore())
    desk.broker.held[SPY_590C.key], desk.broker.cost[SPY_590C.key] = 4, Decimal(10)
    desk.quote("2.00", "2.04")
    await desk.start()
    await desk.wait(8)
    stop = desk.broker.stop_order.terms.stop_price
    assert stop is not None
    assert Decimal("0.9") < stop < Decimal(2)


async def test_a_cost_finer_than_the_store_keeps_is_one_sum_in_memory_and_on_disk() -> None:
    """A mean of fills and commissions has as many digits as the broker likes."""
    desk = with_lost_store(lost(7, 1), held=1)
    desk.broker.cost[SPY_590C.key] = Decimal("2.37845")
    await start(desk)
    assert desk.position.entry_value == to_price(desk.position.entry_value) == Decimal("2.3784")
    assert desk.position.high == to_price(desk.position.high)
