"""Bars: what an instrument did within so many seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PriceBar:
    """Prices per share, stamped at the bar's start; `count` is the number of trades."""

    at: datetime
    seconds: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    count: int = 0

    @property
    def ends(self) -> datetime:
        return self.at + timedelta(seconds=self.seconds)


def missing_between(before: PriceBar, after: PriceBar) -> int:
    """Return how many bars of their length are missing between two that came one after the other; 0 where the second is
    no later than the first."""
    steps = (after.at - before.at).total_seconds() / before.seconds
    return max(round(steps) - 1, 0)


def gathered(bars: Sequence[PriceBar], seconds: int) -> list[PriceBar]:
    """Return longer bars of shorter ones, on the clock's grid, oldest first; one that has not ended is among them."""
    found: dict[datetime, list[PriceBar]] = {}
    for bar in sorted(bars, key=lambda each: each.at):
        begins = bar.at - timedelta(seconds=bar.at.timestamp() % seconds)
        found.setdefault(begins, []).append(bar)
    return [
        PriceBar(
            at, seconds, parts[0].open, max(each.high for each in parts), min(each.low for each in parts),
            parts[-1].close, sum(each.volume for each in parts), sum(each.count for each in parts),
        )
        for at, parts in found.items()
    ]  # fmt: skip
