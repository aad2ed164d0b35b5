"""What the broker in process tells beside quotes and orders, as the adapter at a TWS does: prints, bars, who holds
which line, what each holding brought, the account in its currency."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.bars import PriceBar
from bot.domain.events import Event
from bot.domain.events.account import CurrencyTold, PositionPnlTold
from bot.domain.events.market_data import BarsReceived, LineReported, TradesReceived
from bot.domain.instructions import Subscribe
from bot.domain.lines import LineState, Rank
from bot.domain.quotes import TradePrint
from bot.sim.valuation import mark
from bot.sim.vocabulary import Market, TopOfBook, VenueInstrument, VenuePosition

BAR_S: Final = 5
DOLLARS: Final = "USD"
Held = Mapping[tuple[str, str], str]
"""Key and kind of a line, and what it is for."""


def trades_of(
    market: Market, key: str, instrument: VenueInstrument, since: datetime, now: datetime, top: TopOfBook | None
) -> list[Event]:
    """Return the prints between two moments, each with the quote that stands."""
    bid, ask = (top.bid, top.ask) if top is not None else (None, None)
    told = tuple(
        TradePrint(each.price, each.size, each.at, bid, ask, each.exchange, each.conditions)
        for each in market.prints(instrument, since, now)
    )
    return [TradesReceived(key, told)] if told else []


def bars_of(market: Market, key: str, instrument: VenueInstrument, since: datetime, now: datetime) -> list[Event]:
    """Return the five-second bars that began and ended between two moments."""
    told = tuple(
        PriceBar(each.at, BAR_S, each.open, each.high, each.low, each.close, each.volume, each.count)
        for each in market.bars(instrument, _floor(since), _floor(now), BAR_S)
    )
    return [BarsReceived(key, told)] if told else []


def _floor(at: datetime) -> datetime:
    return at - timedelta(seconds=at.timestamp() % BAR_S)


def held_lines(wanted: Subscribe) -> dict[tuple[str, str], str]:
    """Return the lines of a subscription with what each is for."""
    return {
        (key, kind): (Rank.POSITION if key in wanted.held else Rank.CANDIDATE).word
        for key, kinds in wanted.wanted.items()
        for kind in sorted(kinds)
    }


def lines_told(before: Held, now_held: Held, listed: Collection[str], now: datetime) -> list[Event]:
    """Return how lines stand that are new, stand otherwise, or are over."""
    told: list[Event] = []
    for (key, kind), rank in now_held.items():
        if before.get((key, kind)) != rank:
            state, detail = (LineState.OPEN, "") if key in listed else (LineState.REFUSED, "the venue does not list it")
            told.append(_line(key, kind, rank, state, detail, now))
    for (key, kind), rank in before.items():
        if (key, kind) not in now_held:
            told.append(_line(key, kind, rank, LineState.CLOSED, "", now))
    return told


def _line(key: str, kind: str, rank: str, state: LineState, detail: str, now: datetime) -> LineReported:
    return LineReported(key, kind, rank, "", state.value, detail, None, 0, now)


def brought(market: Market, key: str, held: VenuePosition, now: datetime) -> PositionPnlTold:
    """Return what a holding brought by the venue's mark; of the day since the close before where that is known."""
    price = mark(market, held.instrument, now)
    value = price * held.quantity * held.instrument.multiplier
    unrealized = value - held.average_cost * held.quantity
    close = market.top(held.instrument, now).close
    daily = unrealized if close is None else (price - close) * held.quantity * held.instrument.multiplier
    return PositionPnlTold(key, held.quantity, daily, unrealized, held.realized_pnl, value, now)


def in_dollars(account: str, values: Mapping[str, Decimal], now: datetime) -> CurrencyTold:
    """Return the account in the one currency that it has here."""
    return CurrencyTold(account, DOLLARS, values["TotalCashValue"], values["NetLiquidation"], 1.0, now)
