"""By what a strategy's closed trades are judged."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from pydantic import Field

from bot.config.section import Fraction, Section

MOST_OUTCOMES: Final = 200
"""Closed trades of a strategy that are kept in memory, to judge it by."""


class DegradationSettings(Section):
    """When a strategy's latest closed trades are worse than it was taken on for: one finding is told, so many switch it
    off, and only an owner switches it on again."""

    enabled: bool = Field(True, description="strategies are judged by their closed trades at all")
    window: int = Field(20, ge=5, le=MOST_OUTCOMES, description="closed trades of the strategy, the latest")
    baseline_win_rate: Fraction = Field(Decimal("0.55"), description="of trades, that a strategy stands on")
    win_rate_below: Fraction = Field(Decimal("0.10"), description="so far below the baseline is a finding")
    mean_loss_multiple: Decimal = Field(
        Decimal("1.5"), gt=0, le=100, description="a mean loss above so many mean wins is a finding"
    )
    losses_in_a_row: int = Field(5, ge=2, le=MOST_OUTCOMES, description="so many are a finding")
    findings_to_disable: int = Field(2, ge=1, le=3, description="findings at once that switch the strategy off")
