"""Where dealers' gamma turns its sign: the zero of the whole chain's gamma, re-priced over its underlying's price.

At each price S the gamma of every contract is Black and Scholes' at its own volatility (which goes with its strike, not
with the price), times open interest x 100 x S^2 x 0.01, puts negative:

    G(S) = sum over contracts of  sign x OI x S x n(d1) / (sigma sqrt(T)),     flip: G(S) = 0

The level nearest the price counts. It is bracketed in steps of 1 % outwards from the price, as far as 20 %, and then
closed in on by the Illinois form of the false position (M. Dowell, P. Jarratt, BIT 11, 1971). Source of the level: the
"zero gamma" of Perfiliev, "How to calculate gamma exposure and zero gamma level", 2022, which reads it off sixty
prices between 0.8 and 1.2 of the price, by a straight line: `profile` gives those.

Call and put of a strike with one volatility are one number of contracts, and what is nine deviations away at every
price of a bracket adds nothing: a chain of 20,000 contracts is a few thousand terms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from bot.analytics.exposure import Convention, FlipBy, ListedOption, by_expiry_of, exposure, years_to

STEP: Final = 0.01
REACH: Final = 0.20
_CLOSE: Final = 1e-7
_ROUNDS: Final = 60
_FAR: Final = 9.0


class Term(NamedTuple):
    """Contracts that share strike, expiry and volatility: `log_strike`, 1 / (sigma sqrt T), half of sigma sqrt T, and
    signed open interest over sigma sqrt T."""

    log_strike: float
    steepness: float
    half: float
    weight: float


def terms_of(rows: Iterable[ListedOption], now: datetime, convention: Convention) -> list[Term]:
    """Return what of a chain has gamma at some price: open interest, a volatility and time left."""
    call_sign, put_sign = convention.signs()
    merged: dict[tuple[float, float], float] = {}
    for expiry, members in by_expiry_of(rows).items():
        years = years_to(expiry, now, convention.days)
        if years <= 0.0:
            continue
        root = math.sqrt(years)
        for _, strike, call, interest, iv, _, _, _ in members:
            if not (0.0 < interest < math.inf and 0.0 < iv < math.inf and strike > 0.0):  # NaN neither
                continue
            key = (strike, iv * root)
            merged[key] = merged.get(key, 0.0) + (call_sign if call else put_sign) * interest
    return [
        Term(math.log(strike), 1.0 / spread, spread / 2, weight / spread)
        for (strike, spread), weight in merged.items()
        if weight
    ]


def gamma_at(terms: Sequence[Term], price: float) -> float:
    """Return the chain's gamma with its underlying at a price, dollars for 1 %."""
    level, exp = math.log(price), math.exp
    total = 0.0
    for log_strike, steepness, half, weight in terms:
        d1 = (level - log_strike) * steepness + half
        if -_FAR < d1 < _FAR:
            total += weight * exp(-0.5 * d1 * d1)
    return total * price / math.sqrt(2 * math.pi)


def profile(
    rows: Iterable[ListedOption],
    spot: float,
    now: datetime,
    convention: Convention,
    levels: int = 60,
    reach: float = REACH,
) -> list[tuple[float, float]]:
    """Return (price, gamma there in the convention's unit) at evenly spaced prices around the present one."""
    terms = terms_of(rows, now, convention)
    lowest, width = spot * (1 - reach), 2 * spot * reach / (levels - 1)
    prices = [lowest + n * width for n in range(levels)]
    return [(price, gamma_at(terms, price) * convention.scale(price) / (price * price * 0.01)) for price in prices]


def flip(rows: Iterable[ListedOption], spot: float, now: datetime, convention: Convention) -> float | None:
    """Return the price nearest the present one at which the chain's gamma changes its sign, as `convention.flip` says;
    None where it keeps its sign within 20 %, or where nothing has gamma."""
    if not (math.isfinite(spot) and spot > 0):
        return None
    if convention.flip is FlipBy.STRIKES:
        return crossing_between_strikes(rows, spot, now, convention)
    terms = terms_of(rows, now, convention)
    return nearest_zero(lambda price: gamma_at(terms, price), spot) if terms else None


def crossing_between_strikes(
    rows: Iterable[ListedOption], spot: float, now: datetime, convention: Convention
) -> float | None:
    """Return where today's gamma, summed over the strikes from the lowest up, changes its sign, nearest the price."""
    found = exposure(rows, spot, now, convention)
    crossings, total = [], 0.0
    before: tuple[float, float] | None = None
    for strike in found.strikes:
        total += found.by_strike[strike].gex
        if before is not None and total and (before[1] < 0) != (total < 0):
            share = abs(before[1]) / (abs(before[1]) + abs(total))
            crossings.append(before[0] + (strike - before[0]) * share)
        before = (strike, total) if total else before
    return min(crossings, key=lambda level: (abs(level - spot), level), default=None)


def nearest_zero(
    gamma: Callable[[float], float], spot: float, step: float = STEP, reach: float = REACH
) -> float | None:
    """Return the zero of a function of the price nearest `spot`, None where none is within `reach`."""
    here = gamma(spot)
    if here == 0.0:
        return None
    above, below = (spot, here), (spot, here)
    for n in range(1, round(reach / step) + 1):
        brackets = []
        above, up = _next(gamma, above, spot * (1 + n * step)), above
        below, down = _next(gamma, below, spot * (1 - n * step)), below
        brackets = [(low, high) for low, high in ((up, above), (below, down)) if (low[1] < 0) != (high[1] < 0)]
        if brackets:
            zeros = [_close_in(gamma, *bracket) for bracket in brackets]
            return min(zeros, key=lambda level: (abs(level - spot), level))
    return None


def _next(gamma: Callable[[float], float], last: tuple[float, float], price: float) -> tuple[float, float]:
    """Return the next point outwards; where nothing has gamma any more the sign stays what it was."""
    value = gamma(price)
    return price, value or last[1]


def _close_in(gamma: Callable[[float], float], low: tuple[float, float], high: tuple[float, float]) -> float:
    (a, at_a), (b, at_b) = low, high
    side = 0
    for _ in range(_ROUNDS):
        middle = (a * at_b - b * at_a) / (at_b - at_a)
        value = gamma(middle)
        if value == 0.0 or b - a < _CLOSE * b:
            return middle
        if (value < 0) == (at_b < 0):
            if abs(b - middle) < _CLOSE * b:
                return middle
            b, at_b = middle, value
            at_a = at_a / 2 if side == -1 else at_a
            side = -1
        else:
            if abs(middle - a) < _CLOSE * b:
                return middle
            a, at_a = middle, value
            at_b = at_b / 2 if side == 1 else at_b
            side = 1
    return (a + b) / 2
