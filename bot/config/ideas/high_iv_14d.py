"""The numbers of `high_iv_14d`."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field

from bot.config.section import Symbol, TimeOfDay
from bot.config.strategies import ChainSettings, GradeName, PlanName, Starts, StrategySettings

MAG_7 = ("AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "META", "TSLA")


class HighIv14dSettings(StrategySettings):
    """Strategy `high_iv_14d`: people who may know buy or sell, the skew follows, and a date comes before the expiry."""

    starts: Starts = Starts.SHADOW
    symbols: tuple[Symbol, ...] = MAG_7
    window_from: TimeOfDay = time(9, 30)
    window_to: TimeOfDay = time(15, 50)
    chain: ChainSettings = ChainSettings(from_days=14, to_days=21, expiries=1, strikes=3)
    priority: int = Field(70, ge=0, le=1000)
    exit_plan: PlanName = PlanName.FOURTEEN_DAY
    max_iv_rank: Annotated[float, Field(ge=0, le=100)] = Field(80, description="0 to 100; above it premium is too dear")
    catalyst_days: Annotated[float, Field(ge=1, le=60)] = Field(
        14, description="calendar days within which earnings or an FDA date must come: before the expiry"
    )
    min_grade: GradeName = "C"
