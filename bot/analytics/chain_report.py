"""Everything that a whole chain says at one moment: exposure, flip, walls, each expiry's max pain, what is unusual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bot.analytics.chains import MOST, VOLUME_OVER_INTEREST
from bot.analytics.exposure import ChainExposure, Convention, GammaUnit, ListedOption, by_expiry_of, exposure
from bot.analytics.flip import flip, profile
from bot.analytics.pinning import max_pain, pin_risk

UNITS: Final = {
    GammaUnit.PERCENT: "$ for a move of 1 %",
    GammaUnit.POINT: "$ for a move of one dollar",
    GammaUnit.SHARES: "shares for a move of one dollar",
}


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """One expiry: dollars as in the exposure; pin risk a probability, None where it cannot be told."""

    expiry: date
    gex: float
    dex: float
    max_pain: float | None
    pin_risk: float | None
    contracts: int


@dataclass(frozen=True, slots=True)
class ChainReport:
    """`profile`: (price, gamma of the chain re-priced there)."""

    exposure: ChainExposure
    flip: float | None
    profile: Sequence[tuple[float, float]]
    expiries: Sequence[ExpiryReport]
    unusual: Sequence[ListedOption]
    unit: str


def chain_report(
    rows: Sequence[ListedOption], spot: float, now: datetime, convention: Convention, levels: int = 60
) -> ChainReport:
    """Return what a chain says with its underlying at `spot`; its profile at so many prices, none of them for 0."""
    found = exposure(rows, spot, now, convention)
    expiries = [
        _expiry(expiry, members, found, spot, now, convention) for expiry, members in sorted(by_expiry_of(rows).items())
    ]
    drawn = profile(rows, spot, now, convention, levels) if levels and not found.is_empty else ()
    return ChainReport(
        found, flip(rows, spot, now, convention), drawn, expiries, unusual_rows(rows), UNITS[convention.unit]
    )


def unusual_rows(rows: Sequence[ListedOption], most: int = MOST) -> list[ListedOption]:
    """Return the contracts that traded more than twice what is open in them, the highest ratios first."""
    found = [
        row
        for row in rows
        if 0.0 < row.volume < math.inf and row.volume > VOLUME_OVER_INTEREST * _interest(row)
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-row.volume / max(_interest(row), 1.0), row.expiry, row.strike))[:most]


def _interest(row: ListedOption) -> float:
    return row.open_interest if math.isfinite(row.open_interest) else 0.0


def _expiry(
    expiry: date, rows: Sequence[ListedOption], whole: ChainExposure, spot: float, now: datetime, convention: Convention
) -> ExpiryReport:
    sums = whole.by_expiry.get(expiry)
    pain = max_pain(rows)
    risk = pin_risk(rows, spot, now, convention, pain)
    return ExpiryReport(
        expiry, sums.gex if sums else 0.0, sums.dex if sums else 0.0, pain,
        risk.probability if risk else None, len(rows),
    )  # fmt: skip
