"""What a strategy declares to need, with the age that each may have: its lines, the faults of its inputs and what makes
a look a new one follow from this list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.data.sets import GEX_BY_STRIKE
from bot.domain.market import MarketView
from bot.strategies.inputs import (
    book_faults,
    datum_faults,
    divergence,
    gex_faults,
    measure_faults,
    price_faults,
    said_of,
)


class InputKind(StrEnum):
    """What kind of thing is needed of a key."""

    PRICE = "price"  # the last price of what is only watched
    BOOK = "book"  # a book with both sides
    GEX = "gex"  # gamma by strike, finite and of this price
    DATUM = "datum"  # a data set's rows
    MEASURE = "measure"  # what a measure said
    AGREES = "agrees"  # rows that need not be there, and must not differ from the broker's


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that is decided on. `name`: the data set or the measure; `keys`: of which key, where it is not the
    symbol's own; `key`: the same one for every symbol. One that `may_be_silent` is no fault while it is absent or old:
    filings and dates bear their own day, and nobody may have filed any."""

    kind: InputKind
    max_age_s: float
    name: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    may_be_silent: bool = False

    def key_for(self, symbol: str) -> str:
        return self.key or self.keys.get(symbol, symbol)


_Faults = Callable[[MarketView, Input, str, datetime], tuple[str, ...]]

_FAULTS: Final[Mapping[InputKind, _Faults]] = {
    InputKind.PRICE: lambda view, each, key, now: price_faults(view, key, now, each.max_age_s),
    InputKind.BOOK: lambda view, each, key, now: book_faults(view, key, now, each.max_age_s),
    InputKind.GEX: lambda view, each, key, now: gex_faults(view, key, now, each.max_age_s),
    InputKind.DATUM: lambda view, each, key, now: datum_faults(view, each.name, key, now, each.max_age_s),
    InputKind.MEASURE: lambda view, each, key, now: measure_faults(view, each.name, key, now, each.max_age_s),
    InputKind.AGREES: lambda view, each, key, now: divergence(view, each.name, key),
}

_LINES: Final[Mapping[InputKind, frozenset[str]]] = {
    InputKind.PRICE: frozenset({"quote"}),
    InputKind.BOOK: frozenset({"book"}),
}
"""Which of them come by a line of the broker."""


def faults_of(inputs: Sequence[Input], symbol: str, view: MarketView, now: datetime) -> tuple[str, ...]:
    """Return the faults of the declared inputs of one symbol, in the order in which they are declared."""
    found: list[str] = []
    for each in inputs:
        if not each.may_be_silent:
            found += _FAULTS[each.kind](view, each, each.key_for(symbol), now)
    return tuple(found)


def lines_of(inputs: Sequence[Input], symbols: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the broker's lines that the inputs need, kind after kind in the order in which they are declared."""
    wanted: dict[str, frozenset[str]] = {}
    for each in inputs:
        kinds = _LINES.get(each.kind)
        for key in (each.key_for(symbol) for symbol in symbols) if kinds else ():
            wanted[key] = wanted.get(key, frozenset()) | (kinds or frozenset())
    return wanted


def held_of(inputs: Sequence[Input], symbol: str, view: MarketView) -> tuple[object, ...]:
    """Return what the board holds of the declared inputs: a look at the very same things finds the same."""
    return tuple(thing for each in inputs for thing in _held(each, each.key_for(symbol), view))


def _held(each: Input, key: str, view: MarketView) -> tuple[object, ...]:
    match each.kind:
        case InputKind.PRICE:
            return (view.quote(key),)
        case InputKind.BOOK:
            return (view.book(key),)
        case InputKind.GEX:
            return view.datum(GEX_BY_STRIKE, key), view.quote(key)
        case InputKind.DATUM | InputKind.AGREES:
            return (view.datum(each.name, key),)
        case InputKind.MEASURE:
            return (said_of(view, each.name, key),)


def fresh_until(inputs: Sequence[Input], symbol: str, view: MarketView, now: datetime) -> datetime:
    """Return until when at the latest the inputs that are fit now may still be, if nothing comes."""
    ends = [now + timedelta(days=1)]
    for each in inputs:
        said = _said_at(each, each.key_for(symbol), view)
        if said is not None and each.max_age_s:
            ends.append(said + timedelta(seconds=each.max_age_s))
    return min(ends)


def _said_at(each: Input, key: str, view: MarketView) -> datetime | None:
    match each.kind:
        case InputKind.PRICE:
            quote = view.quote(key)
            return None if quote is None else quote.sound_at
        case InputKind.BOOK:
            book = view.book(key)
            return None if book is None else book.sound_at
        case InputKind.GEX | InputKind.DATUM:
            datum = view.datum(each.name or GEX_BY_STRIKE, key)
            return None if datum is None else datum.source_at or datum.received_at
        case InputKind.MEASURE:
            reading = said_of(view, each.name, key)
            return None if reading is None else reading.at
        case InputKind.AGREES:
            return None
