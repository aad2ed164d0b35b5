"""What happens around a simulated day beside its market: economic releases, decisions, speeches, auctions, earnings.

Every vendor's calendar is a view of this one, so that they agree where vendors do, and differ where vendors do: a
forecast by a tenth, a report's session. Dates follow simple rules of the real ones; figures follow from the date alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from bot.sim.uw.limits import NEW_YORK

FRIDAY: Final = 4
_DECISION_MONTHS: Final = frozenset({1, 3, 4, 6, 7, 9, 10, 12})


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One event: `forecast`, `previous` and `actual` are figures in `unit`, None where it has none; `release` is the
    Federal Reserve's number of it, 0 for what it does not list."""

    kind: str
    name: str
    at: datetime
    country: str
    importance: int
    unit: str = ""
    forecast: float | None = None
    previous: float | None = None
    actual: float | None = None
    release: int = 0

    @property
    def day(self) -> date:
        return self.at.astimezone(NEW_YORK).date()

    def figure(self, value: float | None) -> str:
        """Return a figure as calendars write it, empty where there is none."""
        return "" if value is None else f"{value:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Auction:
    day: date
    term: str
    security: str
    billions: int


@dataclass(frozen=True, slots=True)
class CompanyReport:
    """A company's report: `before_open` or after the close; earnings in dollars a share."""

    symbol: str
    name: str
    day: date
    before_open: bool
    estimate: float
    actual: float


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: str
    name: str
    country: str
    importance: int
    at: time
    unit: str
    usual: float
    spread: float
    release: int = 0


def _kind(kind: str, name: str, at: str, unit: str, usual: float, spread: float, release: int = 0,
          country: str = "US", importance: int = 3) -> _Kind:  # fmt: skip
    return _Kind(kind, name, country, importance, time.fromisoformat(at), unit, usual, spread, release)


_KINDS: Final[Mapping[str, _Kind]] = MappingProxyType(
    {
        each.kind: each
        for each in (
            _kind("nfp", "Nonfarm Payrolls", "08:30", "K", 150, 60, 50),
            _kind("unemployment", "Unemployment Rate", "08:30", "%", 4.3, 0.2, 50),
            _kind("cpi", "CPI m/m", "08:30", "%", 0.2, 0.2, 10),
            _kind("ppi", "PPI m/m", "08:30", "%", 0.2, 0.3, 46),
            _kind("gdp", "GDP q/q", "08:30", "%", 2.4, 1.0, 53),
            _kind("jobless_claims", "Initial Jobless Claims", "08:30", "K", 225, 15, 180, importance=2),
            _kind("consumer_sentiment", "Consumer Sentiment", "10:00", "", 70, 6, 91, importance=2),
            _kind("fomc_decision", "FOMC Rate Decision", "14:00", "%", 4.0, 0.0, 101),
            _kind("fomc_minutes", "FOMC Minutes", "14:00", "", 0, 0),
            _kind("ecb_decision", "ECB Interest Rate Decision", "08:15", "%", 2.0, 0.0, country="EU"),
            _kind("boj_decision", "BOJ Interest Rate Decision", "22:00", "%", 0.75, 0.0, country="JP"),
            _kind("boe_decision", "BOE Interest Rate Decision", "07:00", "%", 3.75, 0.0, country="GB"),
            _kind("fed_speaker", "Fed Governor Waller Speaks", "12:30", "", 0, 0, importance=2),
        )
    }
)
_COMPANIES: Final = (
    ("AAPL", "Apple Inc.", False, 1.6), ("MSFT", "Microsoft Corporation", False, 3.1),
    ("NVDA", "NVIDIA Corporation", False, 0.9), ("TSLA", "Tesla, Inc.", False, 0.6),
    ("AMZN", "Amazon.com, Inc.", False, 1.4), ("GOOGL", "Alphabet Inc.", False, 2.1),
    ("META", "Meta Platforms, Inc.", False, 6.2), ("PLTR", "Palantir Technologies Inc.", False, 0.1),
    ("WMT", "Walmart Inc.", True, 0.6), ("TGT", "Target Corporation", True, 1.9),
    ("HD", "The Home Depot, Inc.", True, 4.0),
)  # fmt: skip


def economic(first: date, last: date) -> Iterator[Scheduled]:
    """Yield the events of these New York days, both included, in their order."""
    day = first
    while day <= last:
        found = [_scheduled(_KINDS[kind], day) for kind in _on(day)]
        yield from sorted(found, key=lambda each: (each.at, each.name))
        day += timedelta(days=1)


def auctions(first: date, last: date) -> Iterator[Auction]:
    """Yield the Treasury's auctions of these days."""
    day = first
    while day <= last:
        if day.weekday() == 0:
            yield Auction(day, "13-Week", "Bill", 76)
            yield Auction(day, "26-Week", "Bill", 68)
        if day.weekday() == 2 and 8 <= day.day <= 14:
            yield Auction(day, "10-Year", "Note", 42)
        if day.weekday() == 3 and 8 <= day.day <= 14:
            yield Auction(day, "30-Year", "Bond", 25)
        if day.weekday() == 1 and day.day > 21:
            yield Auction(day, "2-Year", "Note", 69)
        day += timedelta(days=1)


def reports(first: date, last: date) -> Iterator[CompanyReport]:
    """Yield the companies' reports of these days."""
    for symbol, name, before, usual in _COMPANIES:
        for day in _report_days(symbol, first, last):
            part = _part(symbol, day.isoformat())
            estimate, actual = round(usual * (0.95 + part / 10), 2), round(usual * (0.9 + part / 5), 2)
            yield CompanyReport(symbol, name, day, before, estimate, actual)


def _report_days(symbol: str, first: date, last: date) -> Iterator[date]:
    """One day in three weeks each, so that every simulated fortnight has some."""
    day = first
    while day <= last:
        if day.weekday() < FRIDAY and day.toordinal() % 21 == int(_part(symbol) * 21):
            yield day
        day += timedelta(days=1)


def _on(day: date) -> Iterator[str]:
    """Yield the kinds of events of a day by the rules that are theirs."""
    if day.weekday() <= FRIDAY:
        yield from (kind for kind, falls in _FALLS if falls(day))


def _third(day: date, weekday: int) -> bool:
    return day.weekday() == weekday and 15 <= day.day <= 21


def _is_weekday_near(day: date, number: int) -> bool:
    wanted = day.replace(day=number)
    while wanted.weekday() > FRIDAY:
        wanted += timedelta(days=1)
    return day == wanted


_FALLS: Final[tuple[tuple[str, Callable[[date], bool]], ...]] = (
    ("nfp", lambda day: day.weekday() == FRIDAY and day.day <= 7),
    ("unemployment", lambda day: day.weekday() == FRIDAY and day.day <= 7),
    ("consumer_sentiment", lambda day: day.weekday() == FRIDAY and (8 <= day.day <= 14 or 22 <= day.day <= 28)),
    ("cpi", lambda day: _is_weekday_near(day, 12)),
    ("ppi", lambda day: _is_weekday_near(day, 14)),
    ("gdp", lambda day: _is_weekday_near(day, 27) and day.month % 3 == 2),
    ("jobless_claims", lambda day: day.weekday() == 3),
    ("fomc_decision", lambda day: _third(day, 2) and day.month in _DECISION_MONTHS),
    ("fomc_minutes", lambda day: _third(day, 2) and day.month not in _DECISION_MONTHS),
    ("ecb_decision", lambda day: _third(day, 3) and day.month % 3 == 0),
    ("boe_decision", lambda day: _third(day, 3) and day.month % 3 == 0),
    ("boj_decision", lambda day: _third(day, 3) and day.month % 3 == 0),
    ("fed_speaker", lambda day: day.weekday() in {1, FRIDAY}),
)


def _scheduled(kind: _Kind, day: date) -> Scheduled:
    at = datetime.combine(day, kind.at, NEW_YORK)
    if not kind.usual:
        return Scheduled(kind.kind, kind.name, at, kind.country, kind.importance, release=kind.release)
    digits = 0 if kind.unit == "K" else 2 if kind.kind.endswith("decision") else 1
    forecast, previous, actual = (
        round(kind.usual + kind.spread * (_part(kind.kind, what, day.isoformat()) - 0.5), digits)
        for what in ("forecast", "previous", "actual")
    )
    return Scheduled(
        kind.kind, kind.name, at, kind.country, kind.importance, kind.unit, forecast, previous, actual, kind.release
    )


def _part(*words: str) -> float:
    """Return a number from 0 to 1 that follows from words alone."""
    digest = hashlib.sha256(" ".join(words).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
