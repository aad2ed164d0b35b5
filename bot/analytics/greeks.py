"""What an option is worth and how it moves: Black and Scholes (1973) without interest and dividends.

Pure functions of plain numbers. Prices a share in dollars, `years` of 365 days to the expiry, volatility a year as a
fraction. Delta per dollar of the underlying, gamma per dollar twice, vega for one point of volatility (0.01), theta for
one hour that passes; all a share of one contract held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

HOURS_A_YEAR: Final = 365 * 24
_MOST: Final = 8.0
_LEAST: Final = 1e-4
_STEPS: Final = 60


@dataclass(frozen=True, slots=True)
class OptionGreeks:
    price: float
    delta: float
    gamma: float
    vega: float
    theta_hour: float


def black_scholes(spot: float, strike: float, years: float, volatility: float, *, call: bool) -> OptionGreeks:
    """Return price and greeks; at or past the expiry the intrinsic value, which moves with the underlying alone."""
    spread = volatility * math.sqrt(max(years, 0.0))
    if spread <= 0.0 or spot <= 0.0 or strike <= 0.0:
        worth = max(spot - strike, 0.0) if call else max(strike - spot, 0.0)
        return OptionGreeks(worth, (1.0 if call else -1.0) if worth > 0 else 0.0, 0.0, 0.0, 0.0)
    d1 = math.log(spot / strike) / spread + spread / 2
    d2, density = d1 - spread, math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    forward = spot * _normal(d1) - strike * _normal(d2)
    return OptionGreeks(
        price=forward if call else forward - spot + strike,
        delta=_normal(d1) if call else _normal(d1) - 1.0,
        gamma=density / (spot * spread),
        vega=spot * density * math.sqrt(years) / 100,
        theta_hour=-spot * density * volatility / (2 * math.sqrt(years)) / HOURS_A_YEAR,
    )


@dataclass(frozen=True, slots=True)
class CrossGreeks:
    """How delta moves with what else moves: `vanna` with one point of volatility (0.01), `charm` with one day of 365
    that passes. Alike for a call and a put of one strike, for without interest their deltas differ by one."""

    vanna: float
    charm: float


def cross_greeks(spot: float, strike: float, years: float, volatility: float) -> CrossGreeks:
    """Return vanna = -n(d1) d2 / sigma / 100 and charm = n(d1) d2 / (2 T) / 365, zero at or past the expiry and without
    volatility. Source: E. G. Haug, "The Complete Guide to Option Pricing Formulas", 2nd ed., 2007, ch. 2 (DdeltaDvol,
    DdeltaDtime) at a cost of carry of zero."""
    spread = volatility * math.sqrt(max(years, 0.0))
    if spread <= 0.0 or spot <= 0.0 or strike <= 0.0:
        return CrossGreeks(0.0, 0.0)
    d1 = math.log(spot / strike) / spread + spread / 2
    slope = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi) * (d1 - spread)
    return CrossGreeks(-slope / volatility / 100, slope / (2 * years) / 365)


def implied_volatility(price: float, spot: float, strike: float, years: float, *, call: bool) -> float | None:
    """Return the volatility at which the formula gives a price, None where none does: below the intrinsic value, past
    the expiry, or beyond 800 % a year."""
    if years <= 0 or spot <= 0 or price <= black_scholes(spot, strike, 0.0, 0.0, call=call).price:
        return None
    low, high = _LEAST, _MOST
    if black_scholes(spot, strike, years, high, call=call).price < price:
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if black_scholes(spot, strike, years, middle, call=call).price < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))
