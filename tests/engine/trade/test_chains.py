"""Chains around the money as the engine wants them: asked for by need, centred anew, quotes as old as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.domain.chains import Chain, ChainListing, ChainNeed
from bot.domain.events.market_data import ChainTold, LinesHeard, QuoteReceived, QuoteSnapshot
from bot.domain.instruments import parse_osi
from bot.domain.quotes import QuoteFault
from bot.engine.state.board import Board
from tests.engine.desk import TEN, Desk
from tests.engine.fakes import FakeStrategy, a_quote

KEY = "SPY   261120C00591000"
AGE = timedelta(seconds=15)
STRIKES = tuple(Decimal(each) for each in range(580, 601))


async def a_desk(need: ChainNeed | None) -> Desk:
    desk = Desk(strategy=FakeStrategy(chain=need, wants={"SPY": frozenset({"quote"})}))
    await desk.start()
    await desk.ticks(8, 1.0)
    return desk


async def says(desk: Desk, price: str) -> None:
    desk.inbox.put(QuoteReceived("SPY", a_quote(price, price, desk.clock.now())))
    await desk.ticks(6, 1.0)


def strikes(desk: Desk) -> list[int]:
    return sorted({int(parse_osi(key).strike) for key in desk.broker.chain})


async def test_a_declared_need_is_asked_for_and_followed_as_the_price_moves() -> None:
    desk = await a_desk(ChainNeed(strikes=1))
    assert desk.broker.asked_chains == ["SPY"]
    await desk.ticks(13, 5.0)
    assert desk.broker.asked_chains == ["SPY"] * 2, "asked again where no answer came"
    day = desk.engine._calendar.today(desk.clock.now())
    listing = ChainListing("SPY", 100, (day,), STRIKES)
    desk.inbox.put(ChainTold("SPY", Chain("SPY", (listing,), desk.clock.now())))
    await says(desk, "590.30")
    assert strikes(desk) == [589, 590, 591]
    assert [int(parse_osi(key).strike) for key in desk.broker.chain[:2]] == [590, 590], "nearest the money first"
    await says(desk, "590.60")
    assert strikes(desk) == [589, 590, 591], "hovering moves nothing"
    await says(desk, "592.10")
    assert strikes(desk) == [591, 592, 593]
    await desk.ticks(12, 10.0)
    assert desk.broker.asked_chains == ["SPY"] * 2, "what is known of today is not asked for again"


async def test_without_a_need_nothing_is_asked_for() -> None:
    desk = await a_desk(None)
    assert (desk.broker.asked_chains, desk.broker.chain) == ([], ())


def test_what_was_asked_for_once_grows_old_and_is_neither_kept_alive_nor_lost() -> None:
    board, quote = Board(), a_quote("1.00", "1.02", TEN)
    board.apply_lines(LinesHeard(frozenset(), frozenset(), TEN))
    board.apply_snapshot(QuoteSnapshot(KEY, quote))
    later = TEN + timedelta(seconds=10)
    board.apply_lines(LinesHeard(frozenset(), frozenset(), later))
    found = board.quote(KEY)
    assert found is not None
    assert (found.lost, found.fault(later, AGE)) == (False, None)
    assert found.fault(TEN + timedelta(seconds=16), AGE) is QuoteFault.STALE
    board.apply_quote(QuoteReceived(KEY, a_quote("1.10", "1.12", later)))
    board.apply_lines(LinesHeard(frozenset(), frozenset(), later + timedelta(seconds=1)))
    lined = board.quote(KEY)
    assert lined is not None
    assert lined.lost, "a line that is gone says nothing any more"


def test_a_healthy_line_knows_better_than_what_was_asked_for_once() -> None:
    board = Board()
    board.apply_quote(QuoteReceived(KEY, a_quote("1.10", "1.12", TEN)))
    board.apply_lines(LinesHeard(frozenset({KEY}), frozenset(), TEN))
    board.apply_snapshot(QuoteSnapshot(KEY, replace(a_quote("1.00", "1.02", TEN), delayed=True)))
    found = board.quote(KEY)
    assert found is not None
    assert found.bid == Decimal("1.10")
