"""Option values away from the model's own volatility, for bid, ask and last computations and for calculators.

The model is asked for its values at its own volatility; what changes with volatility is added by the Black-Scholes
formula (Black and Scholes 1973, no carry). At the model's volatility the two agree by construction.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from bot.sim.vocabulary import ModelGreeks, VenueInstrument

YEAR_S: Final = 365.0 * 86400.0
_MAX_IV: Final = 20.0
_MIN_IV: Final = 1e-4
_CLOSE_ENOUGH: Final = 1e-6  # dollars


class Plain(NamedTuple):
    """Black-Scholes values with ModelGreeks's units."""

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float


def black_scholes(spot: float, strike: float, years: float, iv: float, right: str) -> Plain:
    """Return the values of a European option without carry; at zero time or volatility, its intrinsic value."""
    sign = 1.0 if right == "C" else -1.0
    deviation = iv * math.sqrt(years)
    if deviation <= 0 or spot <= 0:
        inside = max(0.0, sign * (spot - strike))
        return Plain(inside, sign if inside > 0 else 0.0, 0.0, 0.0, 0.0)
    d1 = math.log(spot / strike) / deviation + deviation / 2
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    near, far = _normal(sign * d1), _normal(sign * (d1 - deviation))
    return Plain(
        price=sign * (spot * near - strike * far),
        delta=sign * near,
        gamma=density / (spot * deviation),
        vega=spot * density * math.sqrt(years) / 100,
        theta=-spot * density * iv / (2 * math.sqrt(years)) / 365,
    )


def _normal(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def at_volatility(model: ModelGreeks, instrument: VenueInstrument, years: float, iv: float) -> ModelGreeks:
    """Return the model's values moved to another volatility."""
    strike = float(instrument.strike or 0)
    here = black_scholes(model.underlying, strike, years, model.iv, instrument.right)
    there = black_scholes(model.underlying, strike, years, iv, instrument.right)
    return replace(
        model,
        iv=iv,
        price=model.price + there.price - here.price,
        delta=min(1.0, max(-1.0, model.delta + there.delta - here.delta)),
        gamma=max(0.0, model.gamma + there.gamma - here.gamma),
        vega=max(0.0, model.vega + there.vega - here.vega),
        theta=model.theta + there.theta - here.theta,
    )


def at_price(
    model: ModelGreeks, instrument: VenueInstrument, years: float, price: Decimal | None
) -> ModelGreeks | None:
    """Return the model's values at the volatility that `price` (per share) implies; None where none does."""
    if price is None or years <= 0:
        return None
    strike = float(instrument.strike or 0)
    offset = model.price - black_scholes(model.underlying, strike, years, model.iv, instrument.right).price
    iv = implied_volatility(model.underlying, strike, years, float(price) - offset, instrument.right, model.iv)
    return None if iv is None else replace(at_volatility(model, instrument, years, iv), price=float(price))


def implied_volatility(
    spot: float, strike: float, years: float, price: float, right: str, guess: float = 0.2
) -> float | None:
    """Return the volatility at which the formula gives `price`; None below intrinsic value or above any volatility.

    Newton's method from `guess`, each step kept inside a bracket that shrinks, so that it ends even where vega is flat.
    """
    low, high = _MIN_IV, _MAX_IV
    least, most = _price(spot, strike, years, low, right), _price(spot, strike, years, high, right)
    if not least - _CLOSE_ENOUGH <= price <= most:
        return None
    iv = min(max(guess, low), high)
    for _ in range(60):
        value = black_scholes(spot, strike, years, iv, right)
        error = value.price - price
        if abs(error) < _CLOSE_ENOUGH:
            return iv
        low, high = (low, iv) if error > 0 else (iv, high)
        step = iv - error / (value.vega * 100) if value.vega > 1e-9 else low
        iv = step if low < step < high else (low + high) / 2
    return iv


def _price(spot: float, strike: float, years: float, iv: float, right: str) -> float:
    return black_scholes(spot, strike, years, iv, right).price
