"""A look is not repeated while nothing that its strategy declared has changed, and never kept too long."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.config.ideas.zero_dte_gamma import ZeroDteGammaSettings
from bot.domain.data.sets import GEX_BY_STRIKE
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.market_data import BookReceived, QuoteReceived
from bot.domain.market import MarketView
from bot.strategies.conditions import Seen
from bot.strategies.zero_dte_gamma import ZeroDteGamma
from tests.engine.desk import DAY, Desk
from tests.engine.fakes import a_quote
from tests.strategies.test_ten import book, gex


class Counting(ZeroDteGamma):
    """Counts how often it measured."""

    measures = 0
    due_every_s = 0.0

    def measured(self, symbol: str, view: MarketView, now: datetime) -> Seen | tuple[str, str]:
        self.measures += 1
        return super().measured(symbol, view, now)


async def a_desk(strategy: Counting) -> Desk:
    desk = await Desk(others=[strategy]).start()
    desk.equity(100_000)
    tell(desk)
    await desk.tick()
    assert strategy.measures == 1
    return desk


def tell(desk: Desk) -> None:
    """A price near a pin, and a book that leans nowhere."""
    now = desk.clock.now()
    desk.put(QuoteReceived("SPY", a_quote("599.80", "599.82", now)))
    desk.put(BookReceived("SPY", replace(book(500, 490), at=now)))
    desk.put(DatumReceived(GEX_BY_STRIKE, "SPY", gex("600"), now, now, 180, "unusual_whales"))


async def test_nothing_new_is_no_new_look_and_what_is_new_is_one() -> None:
    strategy = Counting(ZeroDteGammaSettings(symbols=("SPY",)))
    desk = await a_desk(strategy)
    await desk.ticks(8)
    assert strategy.measures == 1
    desk.put(BookReceived("SPY", replace(book(600, 490), at=desk.clock.now())))
    await desk.tick()
    assert strategy.measures == 2
    desk.put(QuoteReceived("SPY", a_quote("599.70", "599.72", desk.clock.now())))
    await desk.tick()
    assert strategy.measures == 3


async def test_what_grows_old_is_seen_though_nothing_came() -> None:
    strategy = Counting(ZeroDteGammaSettings(symbols=("SPY",)))
    desk = await a_desk(strategy)
    await desk.tick(16)
    (said,) = [line for line in desk.engine._tick_memory.scanner.waiting_for(desk.engine.ledger) if "stale" in line]
    assert "stale:quote:SPY 16s>15s" in said


async def test_a_window_that_ends_is_seen_though_nothing_came() -> None:
    strategy = Counting(ZeroDteGammaSettings(symbols=("SPY",), price_max_age_s=3600, book_max_age_s=3600))
    desk = await a_desk(strategy)
    session = desk.calendar.session_on(DAY)
    assert session is not None
    seen = strategy.look("SPY", desk.engine.board, session, desk.clock.now())
    until = strategy.settled_until("SPY", seen, desk.engine.board, session, desk.clock.now())
    assert until <= session.cut_off(ZeroDteGammaSettings().window_to)
    assert until <= desk.clock.now() + timedelta(seconds=180), "gamma is old by then"
