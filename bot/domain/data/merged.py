"""What several vendors say of the same thing, put together: economic events, dates of earnings; and what is worked out
of one vendor's rows: the mean of a ticker's news, unusual contracts.

Where sources differ, the value is that of the first source in the settings' order, and `disagreements` says in words
what each of them has: nothing is averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

ECONOMIC_EVENTS: Final = "economic_events"
EARNINGS_DATES: Final = "earnings_dates"
"""The merged calendars on the board, under the key of what is not about one underlying (`MARKET_WIDE`)."""


@dataclass(frozen=True, slots=True)
class MergedEvent:
    """One economic event. `day` is New York's; `at` None: only the day is known; `importance` HIGH, MEDIUM or LOW;
    forecast, previous and actual are texts with their unit, empty where no source has one."""

    kind: str
    name: str
    country: str
    day: date
    at: datetime | None
    importance: str
    forecast: str
    previous: str
    actual: str
    sources: tuple[str, ...]
    disagreements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergedEarnings:
    """One report of a company. `session`: before the open, after the close, empty where no source says; earnings per
    share in dollars, as texts."""

    symbol: str
    day: date
    session: str
    eps_estimate: str
    eps_actual: str
    sources: tuple[str, ...]
    disagreements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TickerSentiment:
    """The news of one ticker: the mean of its own scores, -1 to 1, over `count` articles; `weighted` by relevance."""

    symbol: str
    mean: float
    weighted: float
    count: int
    newest_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnusualContract:
    """A contract that traded far more than was open in it."""

    contract: str
    symbol: str
    right: str
    strike: Decimal
    expiry: date
    volume: int
    open_interest: int
    ratio: float
