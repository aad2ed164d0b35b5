"""The numbers of `one_dte_overnight`."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field

from bot.config.section import Symbol, TimeOfDay
from bot.config.strategies import ChainSettings, ContractSettings, GradeName, PlanName, Starts, StrategySettings


class OneDteOvernightSettings(StrategySettings):
    """Strategy `one_dte_overnight`: skew far off its mean, flow agrees, held to the next session."""

    starts: Starts = Starts.SHADOW
    symbols: tuple[Symbol, ...] = ("SPX", "SPY", "QQQ", "IWM")
    watch_from: TimeOfDay | None = time(15, 25)
    window_from: TimeOfDay = time(15, 30)
    window_to: TimeOfDay = time(15, 45)
    chain: ChainSettings = ChainSettings(from_days=1, to_days=5, expiries=1, strikes=4)
    contract: ContractSettings = ContractSettings()
    priority: int = Field(60, ge=0, le=1000)
    exit_plan: PlanName = PlanName.PREMIUM
    min_skew_z: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="standard deviations of call over put volatility off its 20-day mean, either way"
    )
    min_grade: GradeName = "B"
