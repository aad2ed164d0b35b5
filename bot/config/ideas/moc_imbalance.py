"""The numbers of `moc_imbalance`."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field

from bot.config.section import Symbol, TimeOfDay
from bot.config.strategies import ExitSettings, GradeName, PlanName, Starts, StrategySettings

_Share = Annotated[float, Field(ge=0, le=1)]


class MocImbalanceSettings(StrategySettings):
    """Strategy `moc_imbalance`: flow of the afternoon says which way the closing auction is short of orders."""

    starts: Starts = Starts.SHADOW
    symbols: tuple[Symbol, ...] = ("SPY", "QQQ", "IWM")
    watch_from: TimeOfDay | None = time(14)
    window_from: TimeOfDay = time(15, 30)
    window_to: TimeOfDay = time(15, 50)
    priority: int = Field(50, ge=0, le=1000)
    exit_plan: PlanName = PlanName.MOC
    exit: ExitSettings = ExitSettings(flat_at=time(15, 58))
    min_asymmetry: _Share = Field(0.60, description="flow of one side since 14:00, of all")
    min_dark_share: _Share = Field(0.10, description="dark against lit volume")
    min_confidence: Annotated[float, Field(ge=0, le=100)] = Field(70, description="of the predictor, 0 to 100")
    min_grade: GradeName = "B"
