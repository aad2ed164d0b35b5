"""Breadth and sectors as measures of the whole market."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.analytics.breadth import breadth, sector_lead
from bot.analytics.measure import Measure, MeasuredView, absent, told
from bot.domain.quotes import Quote
from bot.domain.readings import Reading
from bot.domain.sectors import SECTOR_FUNDS

EVERY_S: Final = 60.0
MAX_AGE_S: Final = 180.0
MARKET_FUND: Final = "SPY"
ADVANCES: Final = "AD-NYSE:IND"
TICKS: Final = "TICK-NYSE:IND"


def _change(quote: Quote | None) -> float | None:
    """Return how far a price is from its last close, a fraction."""
    price = None if quote is None else quote.reference
    if quote is None or price is None or not quote.close:
        return None
    return float(price / quote.close) - 1


def _count(view: MeasuredView, key: str) -> float | None:
    quote = view.quote(key)
    return None if quote is None or quote.last is None else float(quote.last)


def _known(view: MeasuredView, now: datetime) -> tuple[dict[str, float], datetime]:
    quotes = {fund: view.quote(fund) for fund in SECTOR_FUNDS}
    changes = {fund: change for fund, quote in quotes.items() if (change := _change(quote)) is not None}
    oldest = min(
        (quote.sound_at for fund, quote in quotes.items() if quote is not None and fund in changes), default=now
    )
    return changes, oldest


def _breadth(view: MeasuredView, key: str, now: datetime) -> Reading:
    changes, at = _known(view, now)
    found = breadth(changes, _count(view, ADVANCES), _count(view, TICKS))
    if found is None:
        return absent("too few sectors", at, "share", MAX_AGE_S)
    parts = {"value": found.share, "rising": found.rising, "falling": found.falling, "advances": found.advances,
             "tick": found.tick, "extreme": found.is_extreme}  # fmt: skip
    return told(parts, at, "share", MAX_AGE_S)


def _sectors(view: MeasuredView, key: str, now: datetime) -> Reading:
    changes, at = _known(view, now)
    market = _change(view.quote(MARKET_FUND))
    leads = {} if market is None else sector_lead(changes, market)
    if not leads:
        return absent("no sectors", at, "fraction", MAX_AGE_S)
    first, last = next(iter(leads)), list(leads)[-1]
    return told({"value": leads[first], "leader": first, "laggard": last, **leads}, at, "fraction", MAX_AGE_S)


MEASURES: Final = (
    Measure("breadth", ("quote",), EVERY_S, MAX_AGE_S, "share", _breadth),
    Measure("sectors", ("quote",), EVERY_S, MAX_AGE_S, "fraction", _sectors),
)
