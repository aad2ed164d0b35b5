"""When it is good to enter: what fills cost and what trades came to by the time of day of the entry.

- slot: half an hour of New York's clock
- win rate: with Wilson's 95 % interval (`bot.analytics.calibration: wilson`)
- P&L and slippage: means a trade in dollars, with Student's 95 % interval
- a slot of fewer than FEWEST_TRADES says nothing; of slots that speak one is better or worse than all together where
  its interval of the P&L does not hold the mean of all
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from statistics import fmean
from typing import Final

from bot.analytics.calibration import Interval, mean_interval, wilson
from bot.analytics.performance import ClosedTrade
from bot.domain.calendar import NEW_YORK

FEWEST_TRADES: Final = 30
SLOT_MINUTES: Final = 30


@dataclass(frozen=True, slots=True)
class TimeSlot:
    """Half an hour of entries, from `begins` on. All but `trades` is None in one of too few trades; `slippage` also
    where too few were measured. `verdict`: better, worse, or empty where no difference is to be seen."""

    begins: time
    trades: int
    win_rate: float | None = None
    win_interval: Interval | None = None
    pnl: float | None = None
    pnl_interval: Interval | None = None
    slippage: float | None = None
    slippage_interval: Interval | None = None
    slipped: int = 0
    verdict: str = ""

    @property
    def speaks(self) -> bool:
        return self.pnl is not None


def time_slots(trades: Iterable[ClosedTrade]) -> list[TimeSlot]:
    """Return what entries of each half hour came to, in the order of the day."""
    known = list(trades)
    found: dict[time, list[ClosedTrade]] = {}
    for trade in known:
        found.setdefault(slot_of(trade), []).append(trade)
    mean = fmean(float(trade.pnl) for trade in known) if known else 0.0
    return [_slot(begins, found[begins], mean) for begins in sorted(found)]


def slot_of(trade: ClosedTrade) -> time:
    """Return when the half hour of a trade's entry begins, in New York."""
    at = trade.opened_at.astimezone(NEW_YORK)
    return time(at.hour, at.minute - at.minute % SLOT_MINUTES)


def _slot(begins: time, trades: list[ClosedTrade], mean: float) -> TimeSlot:
    if len(trades) < FEWEST_TRADES:
        return TimeSlot(begins, len(trades))
    pnls, won = [float(trade.pnl) for trade in trades], sum(trade.pnl > 0 for trade in trades)
    slipped = [float(trade.slippage) for trade in trades if trade.slippage is not None]
    enough = len(slipped) >= FEWEST_TRADES
    around = mean_interval(pnls)
    return TimeSlot(
        begins, len(trades), won / len(trades), wilson(won, len(trades)), fmean(pnls), around,
        fmean(slipped) if enough else None, mean_interval(slipped) if enough else None, len(slipped),
        _verdict(around, mean),
    )  # fmt: skip


def _verdict(around: Interval | None, mean: float) -> str:
    if around is None or around[0] <= mean <= around[1]:
        return ""
    return "better" if around[0] > mean else "worse"
