"""The numbers of `swing`."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field

from bot.config.ideas.high_iv_14d import MAG_7
from bot.config.section import Symbol, TimeOfDay
from bot.config.strategies import ChainSettings, GradeName, PlanName, Starts, StrategySettings


class SwingSettings(StrategySettings):
    """Strategy `swing`: several days of accumulation in a market that trends."""

    starts: Starts = Starts.SHADOW
    symbols: tuple[Symbol, ...] = ("SPY", "QQQ", *MAG_7)
    window_from: TimeOfDay = time(9, 30)
    window_to: TimeOfDay = time(15, 50)
    chain: ChainSettings = ChainSettings(from_days=14, to_days=35, expiries=1, strikes=3)
    priority: int = Field(90, ge=0, le=1000)
    exit_plan: PlanName = PlanName.SWING
    min_dark_pool_z: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="standard deviations of dark-pool volume, in the direction of the flow"
    )
    max_heat: Annotated[float, Field(gt=0, le=1)] = Field(
        0.20, description="what all open stops would lose together, of equity"
    )
    min_grade: GradeName = "C"
