"""The numbers of `directional_14d`."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field

from bot.config.ideas.high_iv_14d import MAG_7
from bot.config.section import Symbol, TimeOfDay
from bot.config.strategies import ChainSettings, GradeName, PlanName, Starts, StrategySettings


class Directional14dSettings(StrategySettings):
    """Strategy `directional_14d`: filings, dark pool and momentum point one way."""

    starts: Starts = Starts.SHADOW
    symbols: tuple[Symbol, ...] = MAG_7
    window_from: TimeOfDay = time(9, 30)
    window_to: TimeOfDay = time(15, 50)
    chain: ChainSettings = ChainSettings(from_days=14, to_days=21, expiries=1, strikes=3)
    priority: int = Field(80, ge=0, le=1000)
    exit_plan: PlanName = PlanName.FOURTEEN_DAY
    min_congress_usd: Annotated[float, Field(gt=0, le=1e9)] = Field(
        500_000, description="what Congress bought less what it sold, dollars"
    )
    min_dark_pool_z: Annotated[float, Field(gt=0, le=10)] = Field(2.0, description="standard deviations, either way")
    min_insiders: int = Field(3, ge=1, le=50, description="that sold, outside of plans")
    at_the_money_above: Annotated[float, Field(ge=0, le=100)] = Field(
        80, description="confidence above which the money's strike is bought; else the first out of it"
    )
    min_grade: GradeName = "C"
