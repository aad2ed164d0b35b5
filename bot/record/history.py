"""The market's past as recordings have it: the latest prints and the minutes of some symbols before a day.

A minute comes from the broker's bars where there are some, else from the last price of its quotes (their middle where
no trade was told): then it has a close and nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from bot.domain.bars import PriceBar, gathered
from bot.domain.errors import BotError
from bot.domain.events.market_data import BarsReceived, QuoteReceived, TradesReceived
from bot.domain.plain import NotPlain
from bot.domain.quotes import Quote, TradePrint
from bot.domain.recording import EventKind, RecordingFault, Row, fact_of
from bot.record import manifest
from bot.record.library import Recording, recordings

_MINUTE_S: Final = 60
_TOLD: Final = frozenset({EventKind.TRADES, EventKind.QUOTES})


@dataclass(slots=True)
class SymbolPast:
    """Of one symbol: prints, the latest last, and minutes, oldest first; `from_quotes`: some have a close alone."""

    prints: deque[TradePrint]
    by_bars: dict[datetime, PriceBar] = field(default_factory=dict)
    by_quotes: dict[datetime, Decimal] = field(default_factory=dict)

    @property
    def minutes(self) -> list[PriceBar]:
        found = dict(self.by_bars)
        for at, close in self.by_quotes.items():
            found.setdefault(at, PriceBar(at, _MINUTE_S, close, close, close, close, 0))
        return [found[at] for at in sorted(found)]


@dataclass(slots=True)
class Past:
    """What was read, of which days; `faults` are what could not be."""

    symbols: dict[str, SymbolPast]
    days: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


Told = Callable[[int, int, str], None]
"""Takes how many days were read, of how many, and the one that is next."""


def days_before(root: Path, day: date, most: int) -> list[Recording]:
    """Return the latest recordings before a day, oldest first."""
    known = [each for each in recordings(root) if (of := manifest.day_of(each.folder)) is not None and of < day]
    return known[-most:]


def read_past(found: Sequence[Recording], symbols: Collection[str], most_prints: int, tell: Told) -> Past:
    """Return what recordings tell of some symbols; a row that cannot be read is left out."""
    past = Past({symbol: SymbolPast(deque(maxlen=most_prints)) for symbol in symbols})
    for number, recording in enumerate(found):
        tell(number, len(found), recording.name)
        past.days.append(recording.name)
        try:
            for row in recording.rows(_TOLD):
                if (own := past.symbols.get(row[4])) is not None:
                    _take(own, row)
        except (BotError, OSError) as error:
            past.faults.append(f"{recording.name}: {error}")
    tell(len(found), len(found), "")
    return past


def _take(own: SymbolPast, row: Row) -> None:
    try:
        event = fact_of(EventKind(row[2]), row[4], row[5])
    except (NotPlain, RecordingFault, ValueError):
        return
    match event:
        case TradesReceived(_, trades):
            own.prints.extend(trades)
        case BarsReceived(_, bars):
            fine = [bar for bar in bars if bar.seconds <= _MINUTE_S]
            own.by_bars.update({bar.at: bar for bar in _minutes(fine, own)})
        case QuoteReceived(_, quote):
            price = _price(quote)
            if price is not None:
                own.by_quotes[quote.at.replace(second=0, microsecond=0)] = price


def _minutes(bars: Sequence[PriceBar], own: SymbolPast) -> list[PriceBar]:
    whole = [bar for bar in bars if bar.seconds == _MINUTE_S]
    short = [bar for bar in bars if bar.seconds < _MINUTE_S]
    known = [each for bar in short if (each := own.by_bars.get(bar.at.replace(second=0, microsecond=0)))]
    return [*whole, *(gathered([*known, *short], _MINUTE_S) if short else [])]


def _price(quote: Quote) -> Decimal | None:
    if quote.last is not None and quote.last > 0:
        return quote.last
    return (quote.bid + quote.ask) / 2 if quote.bid and quote.ask and 0 < quote.bid <= quote.ask else None
