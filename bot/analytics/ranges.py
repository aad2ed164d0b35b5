"""How far a price goes and where it may halt, from bars: average true range, volatility and its regime, pivots.

- True range: the largest of high - low, |high - close before|, |low - close before|; the ATR is the mean of the last 14
  (one-minute bars), at least 0.05 % of the price (Wilder, "New Concepts in Technical Trading Systems", 1978, by a plain
  mean). Dollars a share.
- Volatility: the root of the mean square of log returns of a window's closes x bars a year; a fraction a year.
- Regime: the last window's volatility below the 33rd percentile of the windows of 20 bars, every fifth bar, is low,
  above the 67th high; with fewer than three windows by 0.10 and 0.25.
- Pivots: P = (H + L + C)/3, R1 = 2P - L, S1 = 2P - H, R2 = P + (H - L), S2 = P - (H - L) of the day before. Prices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final

from bot.domain.bars import PriceBar

ATR_BARS: Final = 14
ATR_LEAST: Final = 0.0005
WINDOW: Final = 20
STEP: Final = 5
LOW_PERCENTILE: Final = 0.33
HIGH_PERCENTILE: Final = 0.67
LOW_DEFAULT: Final = 0.10
HIGH_DEFAULT: Final = 0.25
SESSION_S: Final = 23_400
SESSIONS_A_YEAR: Final = 252


class VolatilityRegime(StrEnum):
    """Where volatility stands among that of the windows before."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


def average_true_range(bars: Sequence[PriceBar], count: int = ATR_BARS) -> float | None:
    """Return the ATR of the last `count` bars in dollars a share, None with fewer than one more than that or a price
    that is none."""
    last = bars[-count - 1 :]
    if len(last) <= count or not all(_is_sound(bar) for bar in last):
        return None
    ranges = [
        max(float(bar.high - bar.low), abs(float(bar.high - before.close)), abs(float(bar.low - before.close)))
        for before, bar in pairwise(last)
    ]
    return max(sum(ranges) / count, ATR_LEAST * float(last[-1].close))


def window_volatilities(bars: Sequence[PriceBar], window: int = WINDOW, step: int = STEP) -> list[float]:
    """Return the volatility a year of each window of `window` bars, one every `step`, the newest last; none with fewer
    bars or a price that is none."""
    if len(bars) < window or not all(_is_sound(bar) for bar in bars):
        return []
    a_year = SESSIONS_A_YEAR * SESSION_S / bars[-1].seconds
    moves = [math.log(float(bar.close) / float(before.close)) ** 2 for before, bar in pairwise(bars)]
    ends = range(len(moves), window - 2, -step)
    return [math.sqrt(sum(moves[end - window + 1 : end]) / (window - 1) * a_year) for end in reversed(ends)]


def volatility_regime(bars: Sequence[PriceBar]) -> VolatilityRegime | None:
    """Return the regime of the newest window among all windows, None without one."""
    found = window_volatilities(bars)
    if not found:
        return None
    low, high = LOW_DEFAULT, HIGH_DEFAULT
    if len(found) >= 3:
        low, high = _percentile(found, LOW_PERCENTILE), _percentile(found, HIGH_PERCENTILE)
    if found[-1] < low:
        return VolatilityRegime.LOW
    return VolatilityRegime.HIGH if found[-1] > high else VolatilityRegime.NORMAL


def pivots(high: float, low: float, close: float) -> Mapping[str, float]:
    """Return P, R1, S1, R2 and S2 of a day's high, low and close; raises ValueError for a day that is none."""
    if not 0 < low <= close <= high < math.inf:
        raise ValueError(f"no day has high {high}, low {low}, close {close}")
    middle = (high + low + close) / 3
    return {
        "P": middle, "R1": 2 * middle - low, "S1": 2 * middle - high, "R2": middle + (high - low),
        "S2": middle - (high - low),
    }  # fmt: skip


def _is_sound(bar: PriceBar) -> bool:
    return all(each.is_finite() and each > 0 for each in (bar.high, bar.low, bar.close))


def _percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile, on a straight line between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
