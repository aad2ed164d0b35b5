"""The manners of Financial Modeling Prep: what the plan lacks is a 402 or 403, the day's end a 429, and either may come
as `Error Message` in a 200."""

from __future__ import annotations

from typing import Final

from bot.feeds.vendors.manners import Manners
from bot.feeds.verdicts import BY_STATUS, Refusals, Verdict

FINANCIAL_MODELING_PREP: Final = Manners(
    refusals=Refusals(
        by_status={**BY_STATUS, 402: Verdict.DISABLED, 429: Verdict.DAY_SPENT},
        by_words=(
            (401, "invalid api key", Verdict.REFUSED),
            (200, "invalid api key", Verdict.REFUSED),
            (200, "limit reach", Verdict.DAY_SPENT),
            (200, "subscription", Verdict.DISABLED),
            (200, '"error message"', Verdict.DISABLED),
        ),
        refusing=("Error Message",),
    )
)
