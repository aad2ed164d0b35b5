"""Dealers' exposure as measures: each of an underlying, of one working out of its chain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.analytics.dealers import DealersExposure, dealers
from bot.analytics.measure import Measure, MeasuredView, Said, absent, told
from bot.domain.data.sets import GEX_BY_STRIKE, MAX_PAIN, OPTION_CONTRACTS, SPOT_GEX
from bot.domain.readings import Reading

EVERY_S: Final = 60.0
MAX_AGE_S: Final = 180.0
_NEEDS: Final = (OPTION_CONTRACTS, GEX_BY_STRIKE, SPOT_GEX, MAX_PAIN, "quote")


def _of_the_chain(name: str, unit: str, value: Callable[[DealersExposure], Said | None], why: str) -> Measure:
    def compute(view: MeasuredView, key: str, now: datetime) -> Reading:
        found = dealers(view, key, now, view.convention)
        if isinstance(found, str):
            return absent(found, now, unit, MAX_AGE_S)
        said = value(found)
        if said is None or said.get("value") is None:
            return absent(why, found.at, unit, MAX_AGE_S)
        return told(said, found.at, unit, MAX_AGE_S)

    return Measure(name, _NEEDS, EVERY_S, MAX_AGE_S, unit, compute)


def _gex(found: DealersExposure) -> Said:
    """The whole chain by the vendor's strikes where it told them, else of the contracts that came."""
    near, vendor = found.own.exposure.total.gex, found.vendor
    whole = near if vendor.summed is None else vendor.summed
    return {"value": whole, "near": near, "vendor": vendor.total}


def _pin(found: DealersExposure) -> Said:
    near = found.own.exposure.pin
    return {"value": near if found.vendor.pin is None else found.vendor.pin, "near": near}


def _flip(found: DealersExposure) -> Said:
    """Re-priced where single contracts have a zero nearby, else the crossing between the vendor's strikes."""
    own = found.own.flip
    return {"value": found.vendor.flip if own is None else own, "near": own, "vendor": found.vendor.flip}


def _walls(found: DealersExposure) -> Said:
    walls = found.own.exposure.walls
    return {"value": walls.call if walls.call is not None else walls.put, "call": walls.call, "put": walls.put}


def _pin_risk(found: DealersExposure) -> Said:
    first = found.own.expiries[0]
    return {"value": first.pin_risk, "strike": first.max_pain, "expiry": first.expiry.isoformat()}


def _max_pain(found: DealersExposure) -> Said:
    first = found.own.expiries[0]
    return {"value": first.max_pain, "expiry": first.expiry.isoformat(), "vendor": found.vendor.max_pain}


def _unusual(found: DealersExposure) -> Said | None:
    rows = found.own.unusual
    if not rows:
        return {"value": 0.0, "count": 0}
    first = rows[0]
    most = first.volume / max(first.open_interest, 1.0)
    contract = f"{found.symbol} {first.strike:g}{'C' if first.call else 'P'} {first.expiry.isoformat()}"
    return {"value": most, "count": len(rows), "contract": contract}


MEASURES: Final = (
    _of_the_chain("gex_total", "$ for 1 %", _gex, "no gamma"),
    _of_the_chain("dex_total", "$", lambda found: {"value": found.own.exposure.total.dex}, "no delta"),
    _of_the_chain("pin", "$ a share", _pin, "no gamma"),
    _of_the_chain("flip", "$ a share", _flip, "keeps its sign"),
    _of_the_chain("walls", "$ a share", _walls, "no gamma"),
    _of_the_chain("vanna", "$ a point", lambda found: {"value": found.own.exposure.total.vanna}, "no volatility"),
    _of_the_chain("charm", "$ a day", lambda found: {"value": found.own.exposure.total.charm}, "no volatility"),
    _of_the_chain("pin_risk", "probability", _pin_risk, "no volatility"),
    _of_the_chain("max_pain", "$ a share", _max_pain, "no open interest"),
    _of_the_chain("unusual", "volume over open interest", _unusual, "no contracts"),
)
