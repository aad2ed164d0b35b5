"""What trades off the exchanges: whether it is much for this stock today, and which way it leans."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.data.flow import TradeSide
from bot.domain.data.tape import DarkPoolTrade, PriceLevel

BUCKET: Final = timedelta(minutes=5)
FEWEST: Final = 4
"""Five-minute spans before the last one without which nothing is called much."""


@dataclass(frozen=True, slots=True)
class DarkPool:
    """`z`: dollars of the last five minutes against those before, in standard deviations. `lean`: bought less sold of
    all that has a side, by dollars, -1 to 1; None where nothing has one."""

    z: float
    lean: float | None
    dollars: float
    spans: int


def dark_pool_z(trades: Sequence[DarkPoolTrade], now: datetime) -> DarkPool | None:
    """Return how the last five whole minutes of off-exchange trades compare with those before them; None with fewer
    than four spans before, or where these do not differ.

    z = (last - mean) / sd over the spans of five minutes from the first trade on, empty ones too; sd of the sample.
    """
    known = [
        (trade.at, trade.premium, trade.side) for trade in trades if trade.at <= now and math.isfinite(trade.premium)
    ]
    if not known:
        return None
    first = min(at for at, _, _ in known)
    spans = int((now - first) / BUCKET)
    if spans < FEWEST + 1:
        return None
    sums = [0.0] * spans
    for at, premium, _ in known:
        place = spans - 1 - int((now - at) / BUCKET)
        if place >= 0:
            sums[place] += premium
    before = sums[:-1]
    mean = math.fsum(before) / len(before)
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in before) / (len(before) - 1))
    if deviation <= 0:
        return None
    return DarkPool((sums[-1] - mean) / deviation, lean_by_side(known), sums[-1], spans)


def lean_by_side(known: Iterable[tuple[datetime, float, TradeSide]]) -> float | None:
    """Return (bought - sold) / (bought + sold) in dollars, None where nothing has a side."""
    bought = sold = 0.0
    for _, premium, side in known:
        bought += premium if side is TradeSide.ASK else 0.0
        sold += premium if side is TradeSide.BID else 0.0
    return (bought - sold) / (bought + sold) if bought + sold > 0 else None


def dark_share(levels: Iterable[PriceLevel]) -> float | None:
    """Return shares off the exchanges of all shares by price, 0 to 1; None where nothing traded."""
    lit = off = 0
    for level in levels:
        lit += max(level.lit, 0)
        off += max(level.off, 0)
    return off / (lit + off) if lit + off > 0 else None


def off_below(levels: Sequence[PriceLevel]) -> float | None:
    """Return how much cheaper the shares off the exchanges changed hands than those on them, as a share of the width of
    the day's prices: above 0 the large ones bought low, below 0 they sold high. None where either side is empty or one
    price was all there was."""
    low, high = min((x.price for x in levels), default=None), max((x.price for x in levels), default=None)
    lit, off = sum(max(x.lit, 0) for x in levels), sum(max(x.off, 0) for x in levels)
    if low is None or high is None or high <= low or lit <= 0 or off <= 0:
        return None
    at_lit = math.fsum(float(x.price) * max(x.lit, 0) for x in levels) / lit
    at_off = math.fsum(float(x.price) * max(x.off, 0) for x in levels) / off
    return (at_lit - at_off) / float(high - low)
