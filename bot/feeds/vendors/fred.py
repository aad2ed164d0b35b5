"""The manners of FRED (Federal Reserve Bank of St. Louis): a bad key and a bad parameter are both a 400."""

from __future__ import annotations

from typing import Final

from bot.feeds.vendors.manners import Manners
from bot.feeds.verdicts import Refusals, Verdict

FRED: Final = Manners(
    refusals=Refusals(by_words=((400, "api_key", Verdict.REFUSED), (400, "api key", Verdict.REFUSED)))
)
