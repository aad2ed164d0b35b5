"""Halted and no-bid markets while something has to be sold: named once, no spinning, and what is left is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.events.market_data import QuoteReceived
from bot.domain.events.orders import BrokerOrderStatus
from bot.domain.events.people import RequestKind
from bot.domain.order import OrderType, Purpose
from bot.domain.position import CloseReason, PositionState
from bot.domain.quotes import Quote
from tests.engine.desk import SPY_590C, Desk

FLAT = datetime(2026, 11, 20, 20, 50, tzinfo=UTC)  # 15:50 in New York
CLOSE = FLAT + timedelta(minutes=10)


def quote(desk: Desk, bid: str | None, ask: str | None, *, halted: bool = False, key: str = SPY_590C.key) -> None:
    """The line says something now, and nothing more until the next call."""
    desk._quoted.pop(key, None)
    sides = [Decimal(each) if each else None for each in (bid, ask)]
    desk.put(QuoteReceived(key, Quote(sides[0], sides[1], 1, 1, None, desk.clock.now(), halted=halted)))


def texts(desk: Desk, code: str) -> list[str]:
    return [alert.text for batch in desk.store.batches for alert in batch.alerts if alert.code == code]


async def until(desk: Desk, when: datetime) -> None:
    desk.clock.advance((when - desk.clock.now()).total_seconds())
    await desk.tick()


@pytest.mark.parametrize("key", [SPY_590C.key, "SPY"], ids=["the option", "its underlying"])
async def test_in_a_halt_the_time_to_be_flat_leaves_the_stop_and_the_exit_waits(desk: Desk, key: str) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    await until(desk, FLAT - timedelta(seconds=2))
    quote(desk, None, None, halted=True, key=key)
    await desk.wait(120)
    assert (desk.position.state, desk.position.close_reason) == (PositionState.CLOSING, CloseReason.FLAT_TIME)
    assert desk.broker.live == [stop], "nothing can be sold in its place"
    (told,) = texts(desk, "EXIT_IN_HALT")
    assert "4 x SPY 590C 20 Nov 2026 has to be sold (flat_time)" in told
    quote(desk, "1.50", "1.52", key=SPY_590C.key)
    quote(desk, "591.00", "591.02", key="SPY")
    await desk.settle()
    assert desk.broker.market.left == 4
    assert len(texts(desk, "EXIT_GOES_ON")) == 1
    desk.broker.fill(desk.broker.market, 4, "1.50")
    await desk.settle()
    assert desk.position.realized_pnl == desk.broker.cash


async def test_a_halt_that_nobody_confirms_any_more_is_not_waited_for(desk: Desk) -> None:
    await desk.hold(2)
    quote(desk, None, None, halted=True)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.wait(300, 5)
    assert desk.broker.stop_order.left == 2
    await desk.wait(330, 5)
    assert desk.broker.market.left == 2


async def test_without_a_stop_the_sale_rests_at_the_venue_through_the_halt(desk: Desk) -> None:
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.settle()
    order = desk.broker.market
    desk.broker.cancel_ack(order)
    quote(desk, None, None, halted=True)
    await desk.wait(30)
    assert desk.broker.market.left == 2, "a venue holds it until the halt is lifted"
    sent = len(desk.broker.submitted)
    await desk.wait(60)
    assert len(desk.broker.submitted) == sent


@pytest.mark.parametrize("bid", [None, "0"])
async def test_what_nobody_bids_for_is_offered_at_one_tick_once(desk: Desk, bid: str | None) -> None:
    await desk.hold(4)
    await until(desk, FLAT - timedelta(seconds=2))
    for _ in range(60):
        quote(desk, bid, "0.03")
        await desk.tick(1.0)
        desk.broker.answer()
    offered = desk.broker.one(desk.broker.live[0].side, OrderType.LIMIT)
    assert (offered.terms.limit_price, offered.left) == (Decimal("0.01"), 4)
    assert len(desk.store.of(Purpose.EXIT)) == 1, "no spinning"
    (told,) = texts(desk, "EXIT_WITHOUT_BID")
    assert "offered at one tick and may expire worthless" in told
    quote(desk, "0.05", "0.07")
    await desk.tick()
    assert len(texts(desk, "EXIT_GOES_ON")) == 1
    desk.broker.fill(offered, 4, "0.05")
    await desk.settle()
    assert (desk.position.state, desk.position.close_reason) == (PositionState.CLOSED, CloseReason.FLAT_TIME)
    assert desk.position.realized_pnl == desk.broker.cash


async def test_what_nobody_bid_for_until_the_end_expires_and_is_told_as_such(desk: Desk) -> None:
    await desk.hold(4)
    await until(desk, FLAT - timedelta(seconds=2))
    for _ in range(12):
        quote(desk, None, "0.02")
        await desk.tick(1.0)
        desk.broker.answer()
    await until(desk, CLOSE)
    for order in desk.broker.live:
        desk.broker.cancel_ack(order)
    await desk.wait(20)
    assert desk.position.close_reason is CloseReason.AWAITING_SETTLEMENT
    assert len(texts(desk, "HELD_THROUGH_EXPIRY")) == 1
    desk.broker.held.clear()
    await desk.command(RequestKind.RECONCILE)
    await desk.wait(6)
    assert desk.position.state is PositionState.CLOSED
    assert desk.broker.live == []


async def test_an_offer_that_is_refused_is_tried_again_with_growing_patience(desk: Desk) -> None:
    await desk.hold(2)
    quote(desk, None, "0.03")
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    for _ in range(120):
        quote(desk, None, "0.03")
        await desk.tick(1.0)
        desk.broker.answer()
        for order in desk.broker.live:
            if order.type is OrderType.LIMIT and order.status is BrokerOrderStatus.WORKING:
                desk.broker.reject(order)
    assert 3 <= len(desk.store.of(Purpose.EXIT)) <= 7


async def test_a_watched_stop_that_sees_no_bid_or_a_halt_says_so(desk: Desk) -> None:
    desk.broker.refuses_stops, desk.broker.refuses_with = True, 387
    await desk.hold(2)
    quote(desk, None, None, halted=True)
    await desk.wait(10)
    (told,) = texts(desk, "EXIT_IN_HALT")
    assert "its stop is watched by the tick" in told
    assert desk.position.state is PositionState.FILLED


async def test_a_quote_that_flickers_is_told_once(desk: Desk) -> None:
    await desk.hold(2)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    for number in range(60):
        quote(desk, None if number % 2 else "0.05", "0.07")
        await desk.tick(1.0)
        desk.broker.answer()
    assert len(texts(desk, "EXIT_WITHOUT_BID")) == 1


async def test_what_is_on_its_way_out_and_not_of_this_day_is_told_at_the_close() -> None:
    desk = await Desk().start()
    desk.contract = SPY_590C.__class__("SPY", SPY_590C.expiry + timedelta(days=7), SPY_590C.right, SPY_590C.strike)
    await desk.hold(2)
    await until(desk, CLOSE - timedelta(seconds=20))
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.wait(30)
    (told,) = texts(desk, "LEFT_AT_CLOSE")
    assert "could not be sold before the close" in told


# ---- held on


@pytest.mark.parametrize(
    "key, halted, code",
    [(SPY_590C.key, True, "HELD_IN_HALT"), ("SPY", True, "HELD_IN_HALT"), (SPY_590C.key, False, "HELD_WITHOUT_BID")],
    ids=["halted", "its underlying halted", "no bid"],
)
async def test_what_is_held_in_a_silent_market_is_named_when_it_begins_and_when_it_ends(
    desk: Desk, key: str, halted: bool, code: str
) -> None:
    await desk.hold(4)
    stop = desk.broker.stop_order
    quote(desk, None, "0.05", halted=halted, key=key)
    await desk.wait(10)
    (told,) = texts(desk, code)
    assert told.startswith("4 x SPY 590C 20 Nov 2026 is held and ")
    assert "its stop rests at the broker, rungs and trail wait for a quote" in told
    assert desk.broker.live == [stop]
    quote(desk, "590.00", "590.02", key="SPY")
    quote(desk, "2.00", "2.02")
    await desk.wait(5)
    assert len(texts(desk, "QUOTED_AGAIN")) == 1
    assert texts(desk, "EXIT_GOES_ON") == []


async def test_what_was_held_in_a_halt_and_has_to_go_is_told_as_that(desk: Desk) -> None:
    await desk.hold(4)
    quote(desk, None, None, halted=True)
    await desk.wait(5)
    await desk.command(RequestKind.CLOSE, position_id=desk.position.id)
    await desk.wait(5)
    assert len(texts(desk, "HELD_IN_HALT")) == len(texts(desk, "EXIT_IN_HALT")) == 1
    quote(desk, "1.50", "1.52")
    await desk.settle()
    assert len(texts(desk, "EXIT_GOES_ON")) == 1
