"""Every measure by name: a new one is a line in the file of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.analytics import book_measures, breadth_measures, exposure_measures, flow_measures, portfolio_measures
from bot.analytics.measure import Measure
from bot.domain.readings import MARKET, PORTFOLIO

MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        each.name: each
        for each in (
            *exposure_measures.MEASURES, *flow_measures.MEASURES, *breadth_measures.MEASURES,
            *portfolio_measures.MEASURES, *book_measures.MEASURES,
        )
    }
)  # fmt: skip
_OF_THE_MARKET: Final = frozenset(each.name for each in breadth_measures.MEASURES)
_OF_THE_PORTFOLIO: Final = frozenset(each.name for each in portfolio_measures.MEASURES)


def measures_of(key: str) -> tuple[str, ...]:
    """Return the names of what is measured of a key: of the market, of the portfolio, else of an underlying."""
    of_all = _OF_THE_MARKET | _OF_THE_PORTFOLIO
    chosen = {MARKET: _OF_THE_MARKET, PORTFOLIO: _OF_THE_PORTFOLIO}.get(key)
    return tuple(name for name in MEASURES if (name in chosen if chosen is not None else name not in of_all))
