"""Unusual Whales' rows by family: pure functions, one a data set, and each family's table of them.

They read what REST answers and what the stream's channels say: fields that differ between the two are read under either
name.
"""

from __future__ import annotations

from typing import Final

from bot.feeds.rows import Parsers
from bot.feeds.vendors.unusual_whales.rows.calendar import CALENDAR
from bot.feeds.vendors.unusual_whales.rows.contracts import CONTRACTS
from bot.feeds.vendors.unusual_whales.rows.exposure import EXPOSURE
from bot.feeds.vendors.unusual_whales.rows.flow import FLOW
from bot.feeds.vendors.unusual_whales.rows.news import NEWS
from bot.feeds.vendors.unusual_whales.rows.people import PEOPLE
from bot.feeds.vendors.unusual_whales.rows.tape import TAPE
from bot.feeds.vendors.unusual_whales.rows.volatility import VOLATILITY

PARSERS: Final[Parsers] = {**EXPOSURE, **CONTRACTS, **FLOW, **VOLATILITY, **PEOPLE, **CALENDAR, **NEWS, **TAPE}
