"""The data sets that the vendor makes of the whole market model, by family: each a function and a line of its table.

A set is asked with the day (`VendorDay`: the model, and what of it is worked out once) and the request (`Asked`), and
gives rows as the vendor writes them. Nothing is worked out before it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.sim.uw.sets.calendar import CALENDAR
from bot.sim.uw.sets.contracts import CONTRACTS
from bot.sim.uw.sets.day import ServedSet, VendorDay
from bot.sim.uw.sets.exposure import EXPOSURE
from bot.sim.uw.sets.flow import FLOW
from bot.sim.uw.sets.news import NEWS
from bot.sim.uw.sets.people import PEOPLE
from bot.sim.uw.sets.tape import TAPE
from bot.sim.uw.sets.volatility import VOLATILITY

SETS: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {**EXPOSURE, **FLOW, **CONTRACTS, **VOLATILITY, **TAPE, **PEOPLE, **CALENDAR, **NEWS}
)
"""By path, with what differs from call to call in braces."""

__all__ = ["SETS", "ServedSet", "VendorDay"]
