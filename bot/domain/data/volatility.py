"""Volatility: implied, by expiry and by horizon, its rank within a year, realized beside it, and the skew.

Volatilities, moves and percentiles are fractions (0.25 is 25 %); a rank is 0 to 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class IvRankDay:
    """Where one day's implied volatility stood between its lowest (0) and highest (100) of the year before."""

    day: date
    rank: float
    iv: float | None
    close: Decimal | None


@dataclass(frozen=True, slots=True)
class TermPoint:
    """At-the-money implied volatility of one expiry, `dte` calendar days away, and the move it implies by then."""

    expiry: date
    dte: int
    iv: float
    implied_move: Decimal | None
    implied_move_share: float | None
    day: date | None


@dataclass(frozen=True, slots=True)
class InterpolatedIv:
    """Implied volatility at a fixed horizon of `days`, and which part of the past year's was below it."""

    days: int
    iv: float
    implied_move_share: float | None
    percentile: float | None
    day: date | None


@dataclass(frozen=True, slots=True)
class RealizedVolatility:
    """A day's implied volatility and what was realized in the thirty days after it: None until they are over."""

    day: date
    iv: float | None
    realized: float | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class RiskReversal:
    """Implied volatility of the put less that of the call of `delta` (25 or 10) on one day, a fraction: positive where
    protection is dearer."""

    day: date
    delta: int
    value: float
