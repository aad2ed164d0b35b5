"""The vendors that have manners of their own: a room each, named in this table. All others are plain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.feeds.vendors.manners import PLAIN, Manners


def _unusual_whales() -> Manners:
    from bot.feeds.vendors.unusual_whales.manners import UNUSUAL_WHALES

    return UNUSUAL_WHALES


def _alpha_vantage() -> Manners:
    from bot.feeds.vendors.alpha_vantage.manners import ALPHA_VANTAGE

    return ALPHA_VANTAGE


def _fred() -> Manners:
    from bot.feeds.vendors.fred import FRED

    return FRED


def _trading_economics() -> Manners:
    from bot.feeds.vendors.trading_economics import TRADING_ECONOMICS

    return TRADING_ECONOMICS


def _financial_modeling_prep() -> Manners:
    from bot.feeds.vendors.financial_modeling_prep import FINANCIAL_MODELING_PREP

    return FINANCIAL_MODELING_PREP


VENDORS: Final[Mapping[str, Callable[[], Manners]]] = {
    "plain": lambda: PLAIN,
    "unusual_whales": _unusual_whales,
    "alpha_vantage": _alpha_vantage,
    "fred": _fred,
    "trading_economics": _trading_economics,
    "financial_modeling_prep": _financial_modeling_prep,
}


def manners_of(name: str) -> Manners:
    """Return a vendor's manners; raises KeyError for a name that the table does not have."""
    return VENDORS[name]()
