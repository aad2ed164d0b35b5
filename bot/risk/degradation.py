"""When a strategy has grown worse than it was taken on for: what its latest closed trades say, and nothing else.

| finding | when |
|---|---|
| win_rate | of the full window so many points below the baseline, or more |
| mean_loss | of the full window the mean loss is more than a multiple of the mean win; without a win, any is |
| losses_in_a_row | the latest trades, one after the other, lost |

A P&L of exactly zero is neither won nor lost (`bot.analytics.performance`): it counts in the window and ends a row of
losses. Source of the numbers: `risk.degradation`; one finding is told, two switch the strategy off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import takewhile
from typing import Any, Final

from bot.config.degradation import DegradationSettings
from bot.domain.position import Origin, Position, Settlement, Valuation

_UNCERTAIN: Final = frozenset({Settlement.PENDING, Settlement.SEEN})


@dataclass(frozen=True, slots=True, order=True)
class TradeOutcome:
    """What a closed trade of a strategy came to: dollars, net of every commission."""

    closed_at: datetime
    id: str
    strategy: str = field(compare=False)
    pnl: Decimal = field(compare=False)


@dataclass(frozen=True, slots=True)
class DegradationFinding:
    """One thing that is worse than it may be, in words and as figures."""

    name: str
    words: str
    facts: dict[str, Any]


def outcome_of(position: Position) -> TradeOutcome | None:
    """Return what a position came to, None where it is not over, was never entered or adopted, or is not yet known."""
    if position.closed_at is None or not position.entry_quantity or position.origin is not Origin.BOT:
        return None
    if position.settlement in _UNCERTAIN or position.valuation is Valuation.UNKNOWN:
        return None
    return TradeOutcome(position.closed_at, position.id, position.strategy, position.realized_pnl)


def degradation(pnls: Sequence[Decimal], settings: DegradationSettings) -> tuple[DegradationFinding, ...]:
    """Return what is worse than it may be in a strategy's closed trades, oldest first, in dollars; empty: nothing."""
    window = pnls[-settings.window :]
    found = [_row_of_losses(pnls, settings)]
    if len(window) == settings.window:
        found += [_win_rate(window, settings), _mean_loss(window, settings)]
    return tuple(finding for finding in found if finding is not None)


def _row_of_losses(pnls: Sequence[Decimal], settings: DegradationSettings) -> DegradationFinding | None:
    lost = sum(1 for _ in takewhile(lambda pnl: pnl < 0, reversed(pnls)))
    if lost < settings.losses_in_a_row:
        return None
    words = f"{lost} losses in a row, of {settings.losses_in_a_row} that tell"
    return DegradationFinding("losses_in_a_row", words, {"losses_in_a_row": lost, "limit": settings.losses_in_a_row})


def _win_rate(window: Sequence[Decimal], settings: DegradationSettings) -> DegradationFinding | None:
    rate = Decimal(sum(pnl > 0 for pnl in window)) / len(window)
    limit = settings.baseline_win_rate - settings.win_rate_below
    if rate > limit:
        return None
    words = f"{rate:.0%} of the last {len(window)} trades won, {settings.baseline_win_rate:.0%} is what it stands on"
    facts = {"win_rate": rate, "baseline": settings.baseline_win_rate, "limit": limit, "trades": len(window)}
    return DegradationFinding("win_rate", words, facts)


def _mean_loss(window: Sequence[Decimal], settings: DegradationSettings) -> DegradationFinding | None:
    won, lost = [pnl for pnl in window if pnl > 0], [-pnl for pnl in window if pnl < 0]
    if not lost:
        return None
    mean_win = sum(won, Decimal(0)) / len(won) if won else Decimal(0)
    mean_loss = sum(lost, Decimal(0)) / len(lost)
    if mean_loss <= settings.mean_loss_multiple * mean_win:
        return None
    words = (
        f"of the last {len(window)} trades a loss costs {mean_loss:,.2f} USD in the mean and a win brings "
        f"{mean_win:,.2f}: more than {settings.mean_loss_multiple:g} times that"
    )
    facts = {"mean_win": mean_win, "mean_loss": mean_loss, "multiple": settings.mean_loss_multiple,
             "trades": len(window)}  # fmt: skip
    return DegradationFinding("mean_loss", words, facts)
