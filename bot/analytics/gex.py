"""Dealer gamma by strike: where most of it sits, and where its sign turns.

Convention (as the vendor's rows have it): dealers are taken to be long the calls and short the puts that customers
hold, so call gamma counts positive and put gamma negative, in dollars per 1 % move of the underlying: gamma x open
interest x 100 x price^2 x 0.01, all expirations of a strike summed.

- Max-gamma strike: the strike with the largest absolute net gamma.
- Gamma flip: the price at which net gamma, summed over the strikes from the lowest up, passes through zero,
  interpolated on a straight line between the two strikes around it. It needs nothing but the rows. The other flip in
  use, the level at which the whole chain's gamma re-priced at that level is zero, needs every contract's volatility;
  `zero_crossings` finds either.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Final

from bot.domain.marketdata import StrikeExposure

_STEP: Final = Decimal("0.0001")


def max_gamma_strike(rows: Sequence[StrikeExposure], price: Decimal | None = None) -> Decimal | None:
    """Return the strike with the largest absolute net gamma by open interest; None where there is no gamma at all.

    Ties go to the strike nearest `price` (the rows' own where not given), and then to the lower one.
    """
    weighed = [row for row in rows if row.net_gamma_oi]
    if not weighed:
        return None
    near = price if price is not None else weighed[0].price
    return max(weighed, key=lambda row: (abs(row.net_gamma_oi), -abs(row.strike - near), -row.strike)).strike


def gamma_flip(rows: Sequence[StrikeExposure], price: Decimal | None = None) -> Decimal | None:
    """Return the zero crossing of cumulative net gamma nearest `price` (the rows' own by default), None without one."""
    if not rows:
        return None
    ordered = sorted(rows, key=lambda row: row.strike)
    running = accumulate(row.net_gamma_oi for row in ordered)
    crossings = zero_crossings(zip((row.strike for row in ordered), running, strict=True))
    near = price if price is not None else rows[0].price
    return min(crossings, key=lambda level: (abs(level - near), level), default=None)


def net_gamma(rows: Iterable[StrikeExposure]) -> float:
    """Return the net gamma of all strikes, dollars per 1 % move: positive damps moves, negative feeds them."""
    return math.fsum(row.net_gamma_oi for row in rows)


def zero_crossings(points: Iterable[tuple[Decimal, float]]) -> list[Decimal]:
    """Return every level at which a curve, given by (level, value) in rising levels, changes its sign.

    Linear between points, to 1/10000. A curve that rests on zero changes sign at the first point of the rest, if it
    leaves on the other side; one that only touches zero, or starts or ends there, does not change sign.
    """
    found: list[Decimal] = []
    before: tuple[Decimal, float] | None = None
    rest: Decimal | None = None
    for level, value in points:
        if value == 0:
            rest = rest if rest is not None or before is None else level
            continue
        if before is not None and (before[1] < 0) != (value < 0):
            found.append(rest if rest is not None else _between(before, (level, value)))
        before, rest = (level, value), None
    return found


def _between(low: tuple[Decimal, float], high: tuple[Decimal, float]) -> Decimal:
    share = abs(low[1]) / (abs(low[1]) + abs(high[1]))
    level = low[0] + (high[0] - low[0]) * Decimal(share)
    return min(max(level.quantize(_STEP), low[0]), high[0])
