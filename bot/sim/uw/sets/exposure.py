"""Greek exposure by open interest: of the whole chain, by expiry, by strike of one expiry; the sums agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np

from bot.sim.market.exposure import StrikeExposures, exposure_by_strike
from bot.sim.uw.query import BadParameter
from bot.sim.uw.rows import Row, money, plain_number
from bot.sim.uw.sets.day import Asked, Rows, ServedSet, VendorDay, days_back, span_of

_GREEKS: Final = ("gamma", "delta", "charm", "vanna")
_COLUMNS: Final = tuple(f"{side}_{greek}" for side in ("call", "put") for greek in _GREEKS)


def _at_the_open(day: VendorDay, symbol: str, expiry: date | None = None) -> tuple[StrikeExposures, dict[str, float]]:
    """Return dollar exposure by strike at the open, of an expiry or of all, and for each column by what it is divided
    to be greek times open interest times 100: open interest does not move with the tape."""
    market = day.market
    chain = market.vendor.chain(symbol, market.session_open())
    if expiry is not None:
        of_it = np.array([each == expiry.isoformat() for each in chain.expiry])
        chain = replace(chain, alive=chain.alive * of_it)
    shown = market.vendor.shown_price(symbol, chain.price)
    return exposure_by_strike(chain, shown), {name: shown**2 / 100 if "gamma" in name else shown for name in _COLUMNS}


def _totals(day: VendorDay, symbol: str, expiry: date | None = None) -> dict[str, float]:
    found, per_share = _at_the_open(day, symbol, expiry)
    return {name: float(found.values[f"{name}_oi"].sum()) / per_share[name] for name in _COLUMNS}


def daily(day: VendorDay, asked: Asked) -> Rows:
    """Serve greek-exposure: a row a session, the present one's last; earlier ones are drawn around it."""
    now = _totals(day, asked.ticker)
    sessions = days_back(asked.day, span_of(asked.query.text("timeframe"), 252) - 1, day.market.scenario.holidays)
    drift = day.rng(asked.ticker, "greek exposure").lognormal(0.0, 0.2, len(sessions))
    before = [
        _dated(then, {name: value * share for name, value in now.items()})
        for then, share in zip(sessions, drift.tolist(), strict=True)
    ]
    return [*before, _dated(asked.day, now)]


def _dated(then: date, totals: Mapping[str, float]) -> Row:
    return {"date": then.isoformat(), **{name: money(value) for name, value in totals.items()}}


def by_expiry(day: VendorDay, asked: Asked) -> Rows:
    return [
        {
            "date": asked.day.isoformat(),
            "expiry": expiry.isoformat(),
            "dte": (expiry - asked.day).days,
            **_as_gex(_totals(day, asked.ticker, expiry)),
        }
        for expiry in day.expiries(asked.ticker)
    ]


def by_strike_of_an_expiry(day: VendorDay, asked: Asked) -> Rows:
    expiry = asked.query.day("expiry")
    if expiry is None:
        raise BadParameter("expiry is missing")
    if expiry not in day.expiries(asked.ticker):
        return []
    found, per_share = _at_the_open(day, asked.ticker, expiry)
    listed = day.strikes(asked.ticker, expiry)
    columns = {name: (found.values[f"{name}_oi"] / per_share[name]).tolist() for name in _COLUMNS}
    return [
        {
            "date": asked.day.isoformat(),
            "expiry": expiry.isoformat(),
            "dte": (expiry - asked.day).days,
            "strike": plain_number(strike),
            **_as_gex({name: values[place] for name, values in columns.items()}),
        }
        for place, strike in enumerate(found.strikes.tolist())
        if strike in listed
    ]


def _as_gex(totals: Mapping[str, float]) -> Row:
    """The whole chain's column is gamma, all others' is gex."""
    return {name.replace("gamma", "gex"): money(value) for name, value in totals.items()}


EXPOSURE: Final[Mapping[str, ServedSet]] = MappingProxyType(
    {
        "/api/stock/{ticker}/greek-exposure": ServedSet(daily),
        "/api/stock/{ticker}/greek-exposure/expiry": ServedSet(by_expiry),
        "/api/stock/{ticker}/greek-exposure/strike-expiry": ServedSet(by_strike_of_an_expiry),
    }
)
