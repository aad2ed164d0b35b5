"""Somebody else's buy on a contract that we hold: the broker takes no sale beside it, neither a stop nor an exit."""

from __future__ import annotations

import pytest

from bot.domain.events.people import RequestKind
from bot.domain.order import Order, OrderSide, OrderState, OrderType, Purpose
from bot.domain.position import PositionState
from bot.domain.session import SessionState
from tests.engine.desk import Desk

NAMED = "order 5000 by hand (BUY 2 SPY 590C 20 Nov 2026 limit 0.05, working, 0 filled, client 78): take it back in TWS"


async def bought_beside_a_buy_by_hand(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.places_by_hand(desk.contract.key, OrderSide.BUY, 2, "0.05")
    desk.broker.fill(desk.broker.entry, 4, "2.00")


def refused_stops(desk: Desk) -> list[str]:
    orders = desk.store.entities.of(Order).values()
    return [o.reject_reason for o in orders if o.purpose is Purpose.PROTECT and o.state is OrderState.REJECTED]


def told(desk: Desk, code: str) -> list[str]:
    return [alert.text for batch in desk.store.batches for alert in batch.alerts if alert.code == code]


async def test_a_stop_that_is_refused_beside_it_waits_for_its_end_and_the_position_is_not_given_up(desk: Desk) -> None:
    await bought_beside_a_buy_by_hand(desk)
    await desk.wait(600)
    assert len(refused_stops(desk)) == 1, "the book names the order, so that no further stop is refused"
    assert desk.position.state is PositionState.FILLED
    assert desk.engine.ledger.session.state is SessionState.ACTIVE, "no storm of refusals trips a breaker"
    assert NAMED in told(desk, "UNPROTECTED")[-1]
    desk.broker.by_hand.clear()
    await desk.wait(5)
    assert desk.broker.stop_order.left == 4


async def test_a_stop_is_not_even_sent_beside_one_that_a_book_has_named(desk: Desk) -> None:
    await desk.entry_working(4)
    desk.broker.places_by_hand(desk.contract.key, OrderSide.BUY, 2, "0.05")
    await desk.command(RequestKind.RECONCILE)
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    await desk.wait(60)
    assert [ticket.order_type for ticket in desk.broker.submitted] == [OrderType.LIMIT]
    assert NAMED in told(desk, "UNPROTECTED")[0]


async def test_after_a_restart_it_is_known_from_the_first_book(desk: Desk) -> None:
    await bought_beside_a_buy_by_hand(desk)
    await desk.wait(10)
    again = await Desk(store=desk.store, broker=desk.broker, clock=desk.clock, seed=5).start()
    await again.wait(30)
    assert len(refused_stops(again)) == 1
    again.broker.by_hand.clear()
    await again.wait(5)
    assert again.broker.stop_order.left == 4


async def test_an_exit_waits_for_its_end_and_says_so(desk: Desk) -> None:
    await bought_beside_a_buy_by_hand(desk)
    await desk.wait(10)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    sent = len(desk.broker.submitted)
    await desk.wait(120)
    assert len(desk.broker.submitted) == sent
    assert NAMED in told(desk, "EXIT_SLOW")[-1]
    desk.broker.by_hand.clear()
    await desk.wait(5)
    assert desk.broker.one(OrderSide.SELL, OrderType.MARKET).left == 4


async def test_refusals_for_a_buy_that_no_book_names_come_ever_more_rarely(desk: Desk) -> None:
    await bought_beside_a_buy_by_hand(desk)
    desk.broker.hides_what_is_by_hand = True
    await desk.wait(300)
    assert 4 <= len(refused_stops(desk)) <= 10
    assert desk.position.state is PositionState.FILLED
    desk.broker.by_hand.clear()
    await desk.wait(61)
    assert desk.broker.stop_order.left == 4


@pytest.mark.parametrize("side, right", [(OrderSide.SELL, "C"), (OrderSide.BUY, "P")])
async def test_a_sell_by_hand_and_a_buy_elsewhere_are_in_nobodys_way(desk: Desk, side: OrderSide, right: str) -> None:
    await desk.entry_working(4)
    desk.broker.places_by_hand(f"SPY   261120{right}00590000", side, 1, "9.00")
    await desk.command(RequestKind.RECONCILE)
    desk.broker.fill(desk.broker.entry, 4, "2.00")
    await desk.settle()
    assert desk.broker.stop_order.left == 4
