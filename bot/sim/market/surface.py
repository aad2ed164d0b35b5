"""Black-Scholes and the volatility surface.

Scalar forms (math.erf) serve one quote; array forms serve a whole chain. Both follow the same formulas: Hull, *Options,
Futures and Other Derivatives*, chapters 15, 17 and 19. Time is in calendar years of 365 days, volatility a fraction.
American exercise of ETF options is ignored: for r and q this small and lives this short it is below a tick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

YEAR_SECONDS: Final = 365.0 * 86_400.0
RATE: Final = 0.04
DIVIDEND_YIELD: Final = 0.012
_ROOT_2PI: Final = math.sqrt(2.0 * math.pi)
_MIN_YEARS: Final = 1.0 / YEAR_SECONDS


class SurfaceGreeks(NamedTuple):
    """Per share: vega per 0.01 of volatility, theta per calendar day, vanna per 0.01 of volatility, charm per day."""

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    vanna: float
    charm: float


@dataclass(frozen=True, slots=True)
class GreekArrays:
    """`Greeks` for many options at once."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    vanna: Floats
    charm: Floats


def normal_cdf(x: float) -> float:
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def black_scholes(
    spot: float, strike: float, years: float, iv: float, *, call: bool, rate: float = RATE, q: float = DIVIDEND_YIELD
) -> SurfaceGreeks:
    """Return price and greeks of a European option (Hull 17.4, 19)."""
    years = max(years, _MIN_YEARS)
    root = iv * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate - q) * years) / root + 0.5 * root
    d2 = d1 - root
    density = math.exp(-0.5 * d1 * d1) / _ROOT_2PI
    carry, discount = math.exp(-q * years), math.exp(-rate * years)
    sign = 1.0 if call else -1.0
    n1, n2 = normal_cdf(sign * d1), normal_cdf(sign * d2)
    decay = -spot * density * iv * carry / (2.0 * math.sqrt(years))
    theta = decay - sign * rate * strike * discount * n2 + sign * q * spot * carry * n1
    drift = (2.0 * (rate - q) * years - d2 * root) / (2.0 * years * root)
    return SurfaceGreeks(
        price=sign * (spot * carry * n1 - strike * discount * n2),
        delta=sign * carry * n1,
        gamma=carry * density / (spot * root),
        vega=spot * carry * density * math.sqrt(years) * 0.01,
        theta=theta / 365.0,
        vanna=-carry * density * d2 / iv * 0.01,
        charm=(sign * q * carry * n1 - carry * density * drift) / 365.0,
    )


def black_scholes_array(spot: Floats | float, strike: Floats, years: Floats, iv: Floats, sign: Floats) -> GreekArrays:
    """Return `black_scholes` element by element; `sign` is +1 for calls, −1 for puts."""
    years = np.maximum(years, _MIN_YEARS)
    sqrt_years = np.sqrt(years)
    root = iv * sqrt_years
    d1 = (np.log(spot / strike) + (RATE - DIVIDEND_YIELD) * years) / root + 0.5 * root
    d2 = d1 - root
    density = np.exp(-0.5 * d1 * d1) / _ROOT_2PI
    carry, discount = np.exp(-DIVIDEND_YIELD * years), np.exp(-RATE * years)
    n1, n2 = ndtr(sign * d1), ndtr(sign * d2)
    theta = (
        -spot * density * iv * carry / (2.0 * sqrt_years)
        - sign * RATE * strike * discount * n2
        + sign * DIVIDEND_YIELD * spot * carry * n1
    )
    drift = (2.0 * (RATE - DIVIDEND_YIELD) * years - d2 * root) / (2.0 * years * root)
    return GreekArrays(
        price=sign * (spot * carry * n1 - strike * discount * n2),
        delta=sign * carry * n1,
        gamma=carry * density / (spot * root),
        vega=spot * carry * density * sqrt_years * 0.01,
        theta=theta / 365.0,
        vanna=-carry * density * d2 / iv * 0.01,
        charm=(sign * DIVIDEND_YIELD * carry * n1 - carry * density * drift) / 365.0,
    )


# The smile is a parabola in standardised moneyness x = ln(K/S) / (atm·√T), flat beyond ±_WING. The term structure
# lifts the short end: on a calendar clock a session's variance is crowded into 6.5 of 24 hours.
_SKEW: Final = -0.045
_SMILE: Final = 0.018
_WING: Final = 4.0
_SHORT_END: Final = 0.5
_SHORT_END_DAYS: Final = 1.5
_LEVERAGE: Final = 3.0


def level(base: float, term: float, years: Floats | float) -> Any:
    """Return the month's volatility `base` as it is for a life: `term` more for a year, in the logarithm of time; for
    less than a day as for a day. Below 0 the term structure is inverted."""
    if not term:
        return base
    days = np.maximum(np.asarray(years) * 365.0, 1.0)
    return base * (1.0 + term * np.log(days / 30.0) / math.log(365.0 / 30.0))


def atm_volatility(base: float, years: float, spot: float, reference: float) -> float:
    """Return the at-the-money volatility: `base` is the 30-day level, `reference` the price at which it held."""
    short = 1.0 + _SHORT_END * math.exp(-years * 365.0 / _SHORT_END_DAYS)
    return float(base * short * (reference / spot) ** _LEVERAGE)


def implied_volatility(base: float, spot: float, strike: float, years: float, reference: float) -> float:
    """Return the surface's volatility at one point."""
    years = max(years, _MIN_YEARS)
    atm = atm_volatility(base, years, spot, reference)
    x = math.log(strike / spot) / (atm * math.sqrt(years))
    x = max(-_WING, min(_WING, x))
    return float(atm * (1.0 + _SKEW * x + _SMILE * x * x))


def implied_volatility_array(
    base: float | Floats, spot: Floats | float, strike: Floats, years: Floats, reference: float
) -> Floats:
    """Return `implied_volatility` element by element."""
    years = np.maximum(years, _MIN_YEARS)
    atm = base * (1.0 + _SHORT_END * np.exp(-years * 365.0 / _SHORT_END_DAYS)) * (reference / spot) ** _LEVERAGE
    x = np.clip(np.log(strike / spot) / (atm * np.sqrt(years)), -_WING, _WING)
    return np.asarray(atm * (1.0 + _SKEW * x + _SMILE * x * x), dtype=np.float64)


def moneyness(base: float, spot: float, strike: float, years: float) -> float:
    """Return how many standard deviations the strike lies from the spot, by the at-the-money volatility."""
    return math.log(strike / spot) / (base * math.sqrt(max(years, _MIN_YEARS)))


def moneyness_array(base: float, spot: Floats | float, strike: Floats, years: Floats) -> Floats:
    """Return `moneyness` element by element."""
    return np.asarray(np.log(strike / spot) / (base * np.sqrt(np.maximum(years, _MIN_YEARS))), dtype=np.float64)
