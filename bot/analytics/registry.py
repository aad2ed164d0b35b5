"""Every measure by name: a new one is a line in the file of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.analytics import breadth_measures, exposure_measures, flow_measures
from bot.analytics.measure import Measure

MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {each.name: each for each in (*exposure_measures.MEASURES, *flow_measures.MEASURES, *breadth_measures.MEASURES)}
)
OF_THE_MARKET: Final = frozenset(each.name for each in breadth_measures.MEASURES)
"""Those that are about no single underlying; their key is `market`."""
