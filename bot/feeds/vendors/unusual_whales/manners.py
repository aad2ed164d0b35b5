"""The manners of Unusual Whales. Source: the vendor's documents and observed answers."""

from __future__ import annotations

from typing import Final

from bot.feeds.vendors.manners import Manners
from bot.feeds.vendors.unusual_whales.rows import PARSERS
from bot.feeds.verdicts import Refusals, Verdict

UNUSUAL_WHALES: Final = Manners(
    refusals=Refusals(
        by_code={
            (403, "historic_data_access_missing"): Verdict.SKIPPED,
            (403, "advanced_tier_required"): Verdict.DISABLED,
            (403, "volatility_scope_required"): Verdict.DISABLED,
            (403, "options_pulse_scope_required"): Verdict.DISABLED,
            (403, "futures_access_required"): Verdict.DISABLED,
            (429, "daily_request_limit_hit"): Verdict.DAY_SPENT,
        },
        by_words=(
            (403, "1010", Verdict.REFUSED),  # the edge does not like our User-Agent
            (404, "route not found", Verdict.DISABLED),
            (429, "daily_request_limit_hit", Verdict.DAY_SPENT),
            (429, "concurrent", Verdict.CROWDED),
        ),
    ),
    parsers=PARSERS,
)
