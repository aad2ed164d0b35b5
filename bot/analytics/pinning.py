"""Where an expiry's options would be worth least together, and how likely it is that the price ends there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Final, NamedTuple

from bot.analytics.exposure import Convention, ListedOption, gamma_by_strike, years_to

BLOCKS_ABOVE: Final = 0.7
"""Pin risk from which a directional idea on that expiry is refused."""


class PinRisk(NamedTuple):
    """`probability` of ending within half a strike of `strike` (the max pain), `concentration` of dealers' damping
    gamma there, 0 to 1, `half` a strike in dollars."""

    probability: float
    strike: float
    concentration: float
    half: float


def max_pain(rows: Sequence[ListedOption]) -> float | None:
    """Return the strike at which the options of one expiry, all of them held to the end, would pay out least; of equal
    ones the lowest. None without open interest.

    pain(K) = sum of call OI x max(0, K - k) + put OI x max(0, k - K) over the strikes k; gone through once upwards, for
    between two strikes it changes by (calls below - puts above) a dollar.
    """
    calls: dict[float, float] = {}
    puts: dict[float, float] = {}
    for row in rows:
        if 0.0 < row.open_interest < math.inf:
            side = calls if row.call else puts
            side[row.strike] = side.get(row.strike, 0.0) + row.open_interest
    strikes = sorted(calls.keys() | puts.keys())
    if not strikes:
        return None
    above = sum(puts.values()) - puts.get(strikes[0], 0.0)
    below = calls.get(strikes[0], 0.0)
    pain, best = 0.0, (0.0, strikes[0])
    for low, high in pairwise(strikes):
        pain += (below - above) * (high - low)
        best = min(best, (pain, high))
        below += calls.get(high, 0.0)
        above -= puts.get(high, 0.0)
    return best[1]


def pin_risk(
    rows: Sequence[ListedOption], spot: float, now: datetime, convention: Convention, pain: float | None = None
) -> PinRisk | None:
    """Return how likely one expiry ends within half a strike of its max pain; None without that, without a second
    strike, without a volatility near the price, or once it is over.

    Without dealers the logarithm of the price ends normally around the present one, sigma sqrt(T) wide, sigma that of
    the strike nearest the price. Dealers who are long gamma at a strike sell above and buy below it (M. Avellaneda, M.
    Lipkin, "A market-induced mechanism for stock pinning", 2003): with c the share of the expiry's absolute gamma that
    is damping and within one strike of max pain, the middle is drawn by c towards max pain and the width shrinks to
    1 - c. c = 0 is the plain probability, c = 1 is certainty. Our own form; what it is worth is seen by comparing it
    with outcomes. `pain`: the max pain, where it is known already.
    """
    strike = max_pain(rows) if pain is None else pain
    listed = sorted({row.strike for row in rows})
    if strike is None or len(listed) < 2 or not (math.isfinite(spot) and spot > 0):
        return None
    years, sigma = years_to(rows[0].expiry, now, convention.days), _volatility_near(rows, spot)
    if years <= 0 or sigma is None:
        return None
    spacing = min(abs(other - strike) for other in listed if other != strike)
    drawn = _concentration(gamma_by_strike(rows, spot, years, convention), strike, spacing)
    middle = math.log(spot) + drawn * math.log(strike / spot)
    width = sigma * math.sqrt(years) * (1.0 - drawn)
    low, high = math.log(max(strike - spacing / 2, 1e-9)), math.log(strike + spacing / 2)
    if width <= 0.0:
        return PinRisk(1.0 if low <= middle <= high else 0.0, strike, drawn, spacing / 2)
    inside = _normal((high - middle) / width) - _normal((low - middle) / width)
    return PinRisk(min(1.0, max(0.0, inside)), strike, drawn, spacing / 2)


def by_nearest_expiry(chain: Mapping[date, Sequence[ListedOption]], now: datetime) -> date | None:
    """Return the first expiry that is not over."""
    alive = [expiry for expiry in chain if years_to(expiry, now) > 0]
    return min(alive, default=None)


def _volatility_near(rows: Sequence[ListedOption], spot: float) -> float | None:
    known = [(abs(row.strike - spot), row.strike, row.iv) for row in rows if 0.0 < row.iv < math.inf]
    return min(known)[2] if known else None


def _concentration(gamma: Mapping[float, float], strike: float, spacing: float) -> float:
    whole = math.fsum(map(abs, gamma.values()))
    near = math.fsum(gex for at, gex in gamma.items() if abs(at - strike) <= spacing)
    return max(0.0, near) / whole if whole > 0 else 0.0


def _normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))
