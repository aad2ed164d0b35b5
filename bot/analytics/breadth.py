"""How many take part in the market's move, and which sectors lead it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.sectors import SECTOR_FUNDS

FEWEST: Final = 3
"""Sector funds without which nothing is said of breadth."""
EXTREME_TICK: Final = 1000.0
"""Stocks on an uptick less those on a downtick that are called extreme; the field's number for the NYSE."""


@dataclass(frozen=True, slots=True)
class Breadth:
    """`share`: advancing less declining of the sector funds, -1 to 1. `advances` and `tick` are the exchange's own
    counts (stocks up less stocks down, upticks less downticks), None where they are not subscribed."""

    share: float
    rising: int
    falling: int
    advances: float | None
    tick: float | None

    @property
    def is_extreme(self) -> bool:
        return self.tick is not None and abs(self.tick) >= EXTREME_TICK


def breadth(changes: Mapping[str, float], advances: float | None = None, tick: float | None = None) -> Breadth | None:
    """Return breadth by the changes since the last close of the sector funds (fractions); None with fewer than
    three."""
    known = [change for fund, change in changes.items() if fund in SECTOR_FUNDS and math.isfinite(change)]
    if len(known) < FEWEST:
        return None
    rising, falling = sum(change > 0 for change in known), sum(change < 0 for change in known)
    return Breadth((rising - falling) / len(known), rising, falling, advances, tick)


def sector_lead(changes: Mapping[str, float], market: float) -> dict[str, float]:
    """Return by sector how much more than the market (fractions since the last close) its fund rose, the leader
    first."""
    known = {
        SECTOR_FUNDS[fund]: change - market
        for fund, change in changes.items()
        if fund in SECTOR_FUNDS and math.isfinite(change) and math.isfinite(market)
    }
    return dict(sorted(known.items(), key=lambda each: (-each[1], each[0])))
