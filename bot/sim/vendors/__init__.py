"""Simulated faces of the data vendors besides Unusual Whales, behind the same server: a file each, and a line here.

A face listens below `/vendors/NAME` of the server on `sim.uw_port`. Whoever only asks where a vendor is loads none of
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alpha_vantage": "bot.sim.vendors.alpha_vantage:AlphaVantage",
        "fred": "bot.sim.vendors.fred:Fred",
        "trading_economics": "bot.sim.vendors.trading_economics:TradingEconomics",
        "treasury": "bot.sim.vendors.treasury:Treasury",
        "financial_modeling_prep": "bot.sim.vendors.financial_modeling_prep:FinancialModelingPrep",
        "nasdaq": "bot.sim.vendors.nasdaq:Nasdaq",
        "yahoo": "bot.sim.vendors.yahoo:Yahoo",
    }
)
"""Source by its name in the settings: the class that answers for it."""
BELOW: Final = "/vendors/"


def place_of(vendor: str) -> str:
    """Return the path at which a vendor's face answers."""
    return BELOW + vendor
