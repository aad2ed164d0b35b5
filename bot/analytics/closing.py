"""The closing auction, foreseen: which way market-on-close orders will press, how hard, and how sure that is.

From 14:00 to 15:50 three things are looked at, each -1 to 1, above 0 for buyers:

    asymmetry   net option premium of the time over the sum of its size a minute: sum(x) / sum(|x|)
    dark        bought less sold of what traded off the exchanges, times its share of all shares over TYPICAL_DARK
    levels      how much cheaper off the exchanges than on them (bot.analytics.dark_pool.off_below)

    score      = 0.6 asymmetry + 0.25 dark + 0.15 levels; what is absent counts nothing, but asymmetry has to be there
    direction  = its sign
    confidence = 100 / (1 + exp(-SLOPE |score|)): percent that the direction comes true; 50 knows nothing
    size       = score x AUCTION_SHARE x shares of the day so far

The weights are ours, the slope is fitted to outcomes of simulated days whose truth is known, and is scored on other
ones (tests/analytics/test_closing.py); recalibrate it on one's own. That some 8 % of a day's shares trade at the
close: V. Bogousslavsky and D. Muravyev, "Who trades at the close?", 2023. The move that goes with the size is the
square-root law, sigma x sqrt(size / shares of the day): J. Bouchaud, J. Farmer, F. Lillo, "How markets slowly digest
changes in supply and demand", 2009.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from bot.analytics.dark_pool import dark_share, lean_by_side, off_below
from bot.analytics.flow import net_of
from bot.domain.calendar import TradingSession
from bot.domain.data.flow import NetPremiumTick
from bot.domain.data.tape import DarkPoolTrade, PriceLevel

FROM: Final = time(14, 0)
UNTIL: Final = time(15, 50)
TYPICAL_DARK: Final = 0.4
"""Share of a usual day's shares that trades off the exchanges (FINRA, of US shares)."""
AUCTION_SHARE: Final = 0.08
WEIGHTS: Final = (0.6, 0.25, 0.15)
SLOPE: Final = 1.8
"""Fitted to four hundred simulated afternoons (seeds 500 to 899: 1.65, standard error 0.2), in which at most 82 % came
true."""
FEWEST_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class ClosingPressure:
    """`direction` 1 for buyers, -1 for sellers, 0 for neither; `confidence` 0 to 100, in percent that it comes true;
    `size` in shares, signed; `expected_move` a fraction, signed, None without a volatility or without shares."""

    direction: int
    confidence: float
    size: float | None
    expected_move: float | None
    asymmetry: float
    dark: float | None
    levels: float | None
    score: float


def closing_pressure(
    ticks: Iterable[NetPremiumTick], prints: Sequence[DarkPoolTrade], levels: Sequence[PriceLevel],
    session: TradingSession, now: datetime, daily_volatility: float | None = None,
) -> ClosingPressure | None:  # fmt: skip
    """Return what the closing auction will press for, by what is known `now`; None before 14:15 and without option
    flow. On half days the hours move with the close. `daily_volatility` is a fraction a day."""
    start, end = session.cut_off(FROM), min(now, session.cut_off(UNTIL))
    flow = [net for tick in ticks if start <= tick.at < end and math.isfinite(net := net_of(tick))]
    gross = math.fsum(map(abs, flow))
    if len(flow) < FEWEST_MINUTES or gross <= 0:
        return None
    asymmetry = math.fsum(flow) / gross
    dark = _dark(prints, levels, start, end)
    tilt = off_below(levels)
    parts = zip(WEIGHTS, (asymmetry, dark, tilt), strict=True)
    score = math.fsum(weight * max(-1.0, min(1.0, part)) for weight, part in parts if part is not None)
    shares = sum(max(x.lit, 0) + max(x.off, 0) for x in levels)
    size = score * AUCTION_SHARE * shares if shares else None
    return ClosingPressure(
        (score > 0) - (score < 0), confidence(score), size, _move(size, shares, daily_volatility), asymmetry, dark,
        tilt, score,
    )  # fmt: skip


def confidence(score: float) -> float:
    """Return in percent how sure the direction of a score is."""
    return 100.0 / (1.0 + math.exp(-SLOPE * abs(score)))


def _dark(
    prints: Iterable[DarkPoolTrade], levels: Sequence[PriceLevel], start: datetime, end: datetime
) -> float | None:
    known = ((each.at, each.premium, each.side) for each in prints if start <= each.at < end)
    lean, share = lean_by_side(known), dark_share(levels)
    if lean is None:
        return None
    return lean if share is None else lean * min(share / TYPICAL_DARK, 1.0)


def _move(size: float | None, shares: int, daily_volatility: float | None) -> float | None:
    if size is None or not shares or daily_volatility is None or not math.isfinite(daily_volatility):
        return None
    return math.copysign(daily_volatility * math.sqrt(abs(size) / shares), size)
