"""The numbers of `zero_dte_gamma`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from bot.config.section import Age, Fraction, StreamedAge, Symbol
from bot.config.strategies import GradeName, StrategySettings


class ZeroDteGammaSettings(StrategySettings):
    """Strategy `zero_dte_gamma`: price pinned at the max-gamma strike, the book leans one way."""

    priority: int = Field(10, ge=0, le=1000)
    pin_distance: Fraction = Field(Decimal("0.001"), description="of price, from the max-gamma strike")
    min_grade: GradeName = "B"
    min_imbalance: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.20, description="(bids - asks) / (bids + asks) over the book"
    )
    book_symbol: dict[Symbol, Symbol] = Field(
        default_factory=lambda: {"SPX": "SPY"}, description="an index has no book: whose book speaks for it"
    )
    gex_max_age_s: Age = 180
    book_max_age_s: StreamedAge = 30
