"""The manners of Trading Economics: a country or a plan that we do not have is a 403, too many requests are a 409."""

from __future__ import annotations

from typing import Final

from bot.feeds.vendors.manners import Manners
from bot.feeds.verdicts import BY_STATUS, Refusals, Verdict

TRADING_ECONOMICS: Final = Manners(refusals=Refusals(by_status={**BY_STATUS, 409: Verdict.MINUTE_SPENT}))
