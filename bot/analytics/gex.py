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
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Final

from bot.domain.data.exposure import StrikeExposure

_STEP: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class GammaCurve:
    """What follows from the rows alone, whatever the price. `largest`: the strikes with the largest absolute net gamma,
    none where there is no gamma; `first_price`: of the first row that has any; `crossings`: where
    cumulative net gamma passes through zero; `net`: of all strikes; `is_finite`: each is a number, else there is
    nothing but that."""

    largest: tuple[Decimal, ...]
    first_price: Decimal
    crossings: tuple[Decimal, ...]
    net: float
    is_finite: bool


_KEPT: Final = 16
_curves: dict[int, tuple[Sequence[StrikeExposure], GammaCurve]] = {}


def curve_of(rows: Sequence[StrikeExposure]) -> GammaCurve:
    """Return the curve of rows. That of a tuple is kept for a while: the same rows are looked at a dozen times before
    the vendor writes others."""
    known = _curves.get(id(rows))
    if known is not None and known[0] is rows:
        return known[1]
    curve = _curve(rows)
    if isinstance(rows, tuple):
        if len(_curves) >= _KEPT:
            del _curves[next(iter(_curves))]
        _curves[id(rows)] = (rows, curve)
    return curve


def _curve(rows: Sequence[StrikeExposure]) -> GammaCurve:
    nets = [row.net_gamma_oi for row in rows]
    if not all(map(math.isfinite, nets)):
        return GammaCurve((), Decimal(0), (), math.nan, is_finite=False)
    weighed = [(abs(net), row) for net, row in zip(nets, rows, strict=True) if net]
    most = max((size for size, _ in weighed), default=0.0)
    ordered = sorted(rows, key=lambda row: row.strike)
    running = accumulate(row.net_gamma_oi for row in ordered)
    return GammaCurve(
        largest=tuple(row.strike for size, row in weighed if size == most),
        first_price=weighed[0][1].price if weighed else Decimal(0),
        crossings=tuple(zero_crossings(zip((row.strike for row in ordered), running, strict=True))),
        net=math.fsum(nets),
        is_finite=True,
    )


def max_gamma_strike(rows: Sequence[StrikeExposure], price: Decimal | None = None) -> Decimal | None:
    """Return the strike with the largest absolute net gamma by open interest; None where there is no gamma at all.

    Ties go to the strike nearest `price` (the rows' own where not given), and then to the lower one.
    """
    curve = curve_of(rows)
    near = price if price is not None else curve.first_price
    return min(curve.largest, key=lambda strike: (abs(strike - near), strike), default=None)


def gamma_flip(rows: Sequence[StrikeExposure], price: Decimal | None = None) -> Decimal | None:
    """Return the zero crossing of cumulative net gamma nearest `price` (the rows' own by default), None without one."""
    if not rows:
        return None
    near = price if price is not None else rows[0].price
    return min(curve_of(rows).crossings, key=lambda level: (abs(level - near), level), default=None)


def net_gamma(rows: Sequence[StrikeExposure]) -> float:
    """Return the net gamma of all strikes, dollars per 1 % move: positive damps moves, negative feeds them."""
    return curve_of(rows).net


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
