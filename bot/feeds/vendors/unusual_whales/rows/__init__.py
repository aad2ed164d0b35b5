"""Unusual Whales' rows by family: pure functions, one a data set, and each family's table of them."""

from __future__ import annotations

from typing import Final

from bot.feeds.rows import Parsers
from bot.feeds.vendors.unusual_whales.rows.contracts import CONTRACTS
from bot.feeds.vendors.unusual_whales.rows.exposure import EXPOSURE
from bot.feeds.vendors.unusual_whales.rows.flow import FLOW

PARSERS: Final[Parsers] = {**EXPOSURE, **CONTRACTS, **FLOW}
