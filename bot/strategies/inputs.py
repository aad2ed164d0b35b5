"""Whether an input is fit to decide on, in words that logs, refusals and the page share.

A fault is `<what>:<dataset>:<key>`, and for age also the numbers: `stale:spot_gex:SPY 94s>90s`, `missing:book:SPY`,
`crossed:quote:SPY   261120C00600000`; what was lost with its line is `stale:book:SPY line lost`, however young.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol, runtime_checkable

from bot.analytics.gex import curve_of
from bot.domain.data.exposure import StrikeExposure
from bot.domain.data.sets import GEX_BY_STRIKE
from bot.domain.market import MarketView
from bot.domain.quotes import Depth, Quote, QuoteFault
from bot.domain.wording import compared

# The vendor's price may be a minute old, and for an index it is the strike at the money; further apart than this they
# do not speak of the same market (a split, a wrong ticker, a frozen feed).
PRICE_AGREEMENT: Final = Decimal("0.02")

# The vendor's clock may be ahead of ours by this part of the age that is allowed; what lies further in the future says
# that one of the two clocks is wrong.
CLOCKS_DIFFER: Final = 0.25


def price_faults(view: MarketView, key: str, now: datetime, max_age_s: float) -> tuple[str, ...]:
    """Return the fault of an instrument that is only watched: its last price is enough."""
    quote = view.quote(key)
    fault = quote.price_fault(now, timedelta(seconds=max_age_s)) if quote else QuoteFault.MISSING
    if fault is None and quote is not None and (quote.reference or 0) <= 0:
        fault = QuoteFault.MISSING  # a price of zero is how some feeds say that there is none
    return _quote_fault_text(fault, quote, key, now, max_age_s)


def quote_faults(view: MarketView, key: str, now: datetime, max_age_s: float) -> tuple[str, ...]:
    """Return the fault of an instrument that is to be traded: both sides must stand."""
    quote = view.quote(key)
    fault = quote.fault(now, timedelta(seconds=max_age_s)) if quote else QuoteFault.MISSING
    return _quote_fault_text(fault, quote, key, now, max_age_s)


def _quote_fault_text(
    fault: QuoteFault | None, quote: Quote | None, key: str, now: datetime, max_age_s: float
) -> tuple[str, ...]:
    if fault is None:
        return ()
    if fault is QuoteFault.STALE and quote is not None:
        return (_stale_line("quote", key, quote, now, max_age_s),)
    return (f"{fault.value}:quote:{key}",)


def book_faults(view: MarketView, key: str, now: datetime, max_age_s: float) -> tuple[str, ...]:
    """Return the fault of a book of which both sides are wanted; one that stands still on a healthy line is fresh."""
    book = view.book(key)
    if book is None or not (book.bids or book.asks):
        return (f"missing:book:{key}",)
    if book.is_stale(now, timedelta(seconds=max_age_s)):
        return (_stale_line("book", key, book, now, max_age_s),)
    fault = _book_shape_fault(book)
    return (f"{fault.value}:book:{key}",) if fault else ()


def _book_shape_fault(book: Depth) -> QuoteFault | None:
    if not (any(level.size > 0 for level in book.bids) and any(level.size > 0 for level in book.asks)):
        return QuoteFault.ONE_SIDED
    return QuoteFault.CROSSED if book.bids[0].price > book.asks[0].price else None


def datum_faults(view: MarketView, dataset: str, key: str, now: datetime, max_age_s: float) -> tuple[str, ...]:
    """Return the fault of a feed's rows: none at all, too old by the vendor's own time, or of a time to come: then our
    clock is wrong, and nobody knows how old they are."""
    datum = view.datum(dataset, key)
    if datum is None or not datum.value:
        return (f"missing:{dataset}:{key}",)
    age_s = datum.age_s(now)
    if age_s < -max_age_s * CLOCKS_DIFFER:
        return (f"future:{dataset}:{key} {-age_s:.0f}s ahead",)
    if datum.fault:
        return (f"diverges:{dataset}:{key} {datum.fault}",)
    return (_stale(dataset, key, age_s, max_age_s),) if age_s > max_age_s else ()


class MeasureSaid(Protocol):
    """What a measure said of a key: a number, a word or a mapping of both, or by name why there is none."""

    @property
    def value(self) -> Any: ...

    @property
    def at(self) -> datetime: ...

    @property
    def absent(self) -> str: ...


@runtime_checkable
class Measuring(Protocol):
    """A board that has measures."""

    def measure(self, name: str, key: str) -> MeasureSaid | None: ...


def said_of(view: MarketView, name: str, key: str) -> MeasureSaid | None:
    """Return what a measure said last of a key, None where it never ran."""
    return view.measure(name, key) if isinstance(view, Measuring) else None


def measure_faults(view: MarketView, name: str, key: str, now: datetime, max_age_s: float) -> tuple[str, ...]:
    """Return the fault of a measure: it never ran, it says by name that there is nothing to measure, or it is old."""
    reading = said_of(view, name, key)
    if reading is None:
        return (f"missing:{name}:{key}",)
    if reading.absent:
        return (f"absent:{name}:{key} {reading.absent}",)
    age_s = (now - reading.at).total_seconds()
    return (_stale(name, key, age_s, max_age_s),) if age_s > max_age_s else ()


def divergence(view: MarketView, dataset: str, key: str) -> tuple[str, ...]:
    """Return the fault of rows that differ from the broker's; of rows that are not there, or old, nothing."""
    datum = view.datum(dataset, key)
    return (f"diverges:{dataset}:{key} {datum.fault}",) if datum is not None and datum.fault else ()


def gex_faults(view: MarketView, symbol: str, now: datetime, max_age_s: float) -> tuple[str, ...]:
    """Return the fault of gamma by strike: absent, old, not a number, or of another price than the broker's."""
    faults = datum_faults(view, GEX_BY_STRIKE, symbol, now, max_age_s)
    if faults:
        return faults
    rows = gex_rows(view, symbol)
    if not curve_of(rows).is_finite:
        return (f"nan:{GEX_BY_STRIKE}:{symbol}",)
    quote = view.quote(symbol)
    price = quote.reference if quote else None
    if price and abs(rows[0].price - price) > price * PRICE_AGREEMENT:
        return (f"mismatch:{GEX_BY_STRIKE}:{symbol} {rows[0].price}!={price}",)
    return ()


def gex_rows(view: MarketView, symbol: str) -> Sequence[StrikeExposure]:
    """Return the rows of gamma by strike, none where nothing has come."""
    datum = view.datum(GEX_BY_STRIKE, symbol)
    return datum.value if datum is not None and datum.value else ()


def _stale_line(dataset: str, key: str, heard: Quote | Depth, now: datetime, max_age_s: float) -> str:
    """What is lost with its line may be younger than the limit, and then its age says nothing."""
    age_s = (now - heard.sound_at).total_seconds()
    return _stale(dataset, key, age_s, max_age_s) if age_s > max_age_s else f"stale:{dataset}:{key} line lost"


def _stale(dataset: str, key: str, age_s: float, max_age_s: float) -> str:
    age, limit = compared(age_s, max_age_s, digits=0)
    return f"stale:{dataset}:{key} {age}s>{limit}s"
