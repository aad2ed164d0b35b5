"""The manners of Alpha Vantage. Source: the vendor's documents and observed answers.

Refusals are told in a 200, under `Information`, `Note` or `Error Message`, in words that change often: few of them are
looked for. Without the plan its options come as well-formed rows that are made up; `rows` refuses them.
"""

from __future__ import annotations

from typing import Final

from bot.feeds.vendors.alpha_vantage.rows import ENVELOPES, PARSERS
from bot.feeds.vendors.manners import Manners
from bot.feeds.verdicts import Refusals, Verdict

ALPHA_VANTAGE: Final = Manners(
    refusals=Refusals(
        by_words=(
            (200, "demo", Verdict.DEMO),
            (200, "per day", Verdict.DAY_SPENT),
            (200, "per second", Verdict.CROWDED),
            (200, "burst", Verdict.CROWDED),
            (200, "per minute", Verdict.MINUTE_SPENT),
            (200, "call frequency", Verdict.MINUTE_SPENT),
            (200, "premium", Verdict.DISABLED),
            (200, "entitle", Verdict.DISABLED),
            (200, "apikey", Verdict.REFUSED),
            (200, "api key", Verdict.REFUSED),
            (200, '"error message"', Verdict.DISABLED),
            (200, "thank you for using", Verdict.MINUTE_SPENT),  # an older throttle, whatever else it says
            (200, '"information"', Verdict.DISABLED),
            (200, '"note"', Verdict.MINUTE_SPENT),
        ),
        refusing=("Information", "Note", "Error Message", "message"),
        of_nothing=Verdict.UNKNOWN_SYMBOL,
    ),
    parsers=PARSERS,
    enveloped=ENVELOPES,
)
