"""What is going to happen: earnings, economic releases, decisions of the FDA; and how earnings went before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class ReportTime(StrEnum):
    """When of its day a company reports."""

    PRE_MARKET = "premarket"
    AFTER_HOURS = "postmarket"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EarningsReport:
    """One company's report of one quarter. What is not known before it (`actual_eps`, `reaction`) is None until then;
    moves are fractions."""

    ticker: str
    day: date
    when: ReportTime
    expected_eps: Decimal | None
    actual_eps: Decimal | None
    expected_move_share: float | None
    reaction: float | None
    quarter_ends: date | None
    name: str = ""
    sector: str = ""
    is_sp500: bool = False
    is_estimated: bool = False
    """Whether the day is the vendor's guess, not the company's word."""


@dataclass(frozen=True, slots=True)
class EarningsMove:
    """How a stock moved around one report in its history; moves and returns of straddles are fractions."""

    day: date
    when: ReportTime
    expected_eps: Decimal | None
    actual_eps: Decimal | None
    expected_move_share: float | None
    move_1d: float | None
    move_1w: float | None
    before_1d: float | None
    before_1w: float | None
    long_straddle_1d: float | None
    short_straddle_1d: float | None


@dataclass(frozen=True, slots=True)
class EconomicEvent:
    """A release, a decision or a speech. `kind` is the vendor's word (report, fomc, fed-speaker); texts are as it
    writes them, for their units differ. This vendor gives neither importance nor the actual value."""

    at: datetime
    name: str
    kind: str
    period: str
    forecast: str
    previous: str


@dataclass(frozen=True, slots=True)
class FdaEvent:
    """A decision or a trial that moves one company. `target` is the vendor's word for a day that is not fixed (2027-Q1,
    2027-MID)."""

    ticker: str
    drug: str
    event: str
    indication: str
    status: str
    starts: date | None
    ends: date | None
    target: str
    outcome: str
