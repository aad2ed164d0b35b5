"""Which of the published readings of dealers' exposure is meant."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.config.section import Section


class ExposureSettings(Section):
    """The words are those of `bot/analytics/exposure.py`."""

    unit: Literal["percent", "point", "shares"] = Field(
        "percent", description="GEX is dollars for a move of 1 %, dollars for a move of one dollar, or shares for that"
    )
    dealers: Literal["long_calls_short_puts", "short_all"] = Field(
        "long_calls_short_puts", description="what dealers are taken to hold"
    )
    gamma: Literal["quoted", "model"] = Field(
        "quoted", description="the gamma that is quoted beside a contract, or the model's at its volatility"
    )
    flip: Literal["repriced", "strikes"] = Field(
        "repriced", description="the zero of the chain re-priced over the price, or the crossing between strikes"
    )
    days: Literal["calendar_365", "business_262"] = Field(
        "calendar_365", description="how the time to an expiry is counted"
    )
