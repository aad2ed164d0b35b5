"""What is held as measures of the portfolio: how much of it is lost if every stop is hit, and where it sits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.analytics.measure import Measure, MeasuredView, absent, told
from bot.analytics.portfolio import by_sector, concentration, heat
from bot.domain.readings import Reading

EVERY_S: Final = 5.0
MAX_AGE_S: Final = 15.0


def _heat(view: MeasuredView, key: str, now: datetime) -> Reading:
    held, equity = view.held()
    found = heat(held, equity)
    if found is None:
        return absent("no equity", now, "of equity", MAX_AGE_S)
    return told({"value": float(found), "positions": len(held)}, now, "of equity", MAX_AGE_S)


def _by_symbol(view: MeasuredView, key: str, now: datetime) -> Reading:
    shares = concentration(view.held()[0])
    if not shares:
        return absent("nothing held", now, "of premium", MAX_AGE_S)
    return told({"value": float(max(shares.values())), **_plain(shares)}, now, "of premium", MAX_AGE_S)


def _by_sector(view: MeasuredView, key: str, now: datetime) -> Reading:
    shares = by_sector(view.held()[0])
    if not shares:
        return absent("nothing held", now, "of premium", MAX_AGE_S)
    return told({"value": float(max(shares.values())), **_plain(shares)}, now, "of premium", MAX_AGE_S)


def _plain(shares: Mapping[str, Decimal]) -> dict[str, float]:
    return {name: float(share) for name, share in shares.items()}


MEASURES: Final = (
    Measure("heat", ("positions",), EVERY_S, MAX_AGE_S, "of equity", _heat),
    Measure("concentration", ("positions",), EVERY_S, MAX_AGE_S, "of premium", _by_symbol),
    Measure("sector_concentration", ("positions",), EVERY_S, MAX_AGE_S, "of premium", _by_sector),
)
