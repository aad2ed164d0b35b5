"""What a book of long options may lose in a day, in three ways: value at risk and expected shortfall.

`day_at_risk` is structured Monte Carlo (J.P. Morgan / Reuters, "RiskMetrics: Technical Document", 4th ed., 1996, ch.
7): each underlying moves by sigma * sqrt(h) * z, the z jointly normal with the correlations given; each option is
worth what Black and Scholes say after that move and that time, at an unchanged volatility. Its horizon h is one day
of a year of 365, in which its volatility is counted too, or what is left of it: at its expiry it is worth its
intrinsic value.

    VaR  = the loss that the cases exceed in no more than 1 - CONFIDENCE of them
    ES   = the mean of the losses from there on (C. Acerbi, D. Tasche, "On the coherence of expected shortfall", 2002)

`historical` revalues the book in the same way after moves that there were; `delta_gamma` has no draws at all: the loss
as a quadratic form of normal moves, its quantile by Cornish and Fisher. Draws are antithetic and from a fixed seed: the
same book has the same answer. No long option loses more than its worth, whichever way is chosen.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

from bot.analytics.greeks import HOURS_A_YEAR, black_scholes

CONFIDENCE: Final = 0.95
DAY_YEARS: Final = 1 / 365
DRAWS: Final = 1000
_SEED: Final = 7
_SHRINKS: Final = (1.0, 0.98, 0.95, 0.9, 0.8, 0.6, 0.3, 0.0)


@dataclass(frozen=True, slots=True)
class OptionHeld:
    """One position: `size` contracts times multiplier, `spot` and `strike` in dollars, `years` of 365 days to the
    expiry, `volatility` a year as a fraction."""

    symbol: str
    size: int
    spot: float
    strike: float
    years: float
    volatility: float
    call: bool

    @property
    def direction(self) -> int:
        return 1 if self.call else -1


@dataclass(frozen=True, slots=True)
class DayAtRisk:
    """Dollars, as positive losses: `var` at CONFIDENCE over one day, `shortfall` the mean beyond it."""

    var: float
    shortfall: float


def historical(held: Sequence[OptionHeld], moves: Sequence[Mapping[str, float]], least: int = 20) -> DayAtRisk | None:
    """Return what the moves of past days would have done to a book, None for an empty one and with fewer than `least`
    days on which every underlying of it has a move (as a fraction of its price).

    Each day counts alike; the options age by a day, at an unchanged volatility. The quantile is the loss of rank
    ceil(0.95 n), as by draws.
    """
    names = {each.symbol for each in held}
    known = [move for move in moves if all(math.isfinite(move.get(name, math.nan)) for name in names)]
    if not held or len(known) < least:
        return None
    now = math.fsum(each.size * _worth(each, 0.0, 0.0) for each in held)
    return _at_risk([now - math.fsum(each.size * _moved(each, move[each.symbol]) for each in held) for move in known])


def delta_gamma(held: Sequence[OptionHeld], correlations: Mapping[tuple[str, str], float]) -> DayAtRisk | None:
    """Return the same by the book's greeks alone, None for an empty one.

    With x the moves of the underlyings as fractions, S their covariance over the day, and per underlying the dollar
    delta d, the dollar gamma g and in all the theta t of the day, the gain is t + d'x + x'Gx / 2. Its mean, variance
    and skewness (RiskMetrics 1996, ch. 6.3.3; C. Britten-Jones, S. Schaefer, "Non-linear value-at-risk", 1999):

        m  = t + tr(GS) / 2,   v = d'Sd + tr(GSGS) / 2,   s = (3 d'SGSd + tr(GSGSGS)) / v^1.5
        q  = m + sqrt(v) (z + s (z^2 - 1) / 6 ),          z the normal quantile of 5 %

    and the shortfall is the mean of q over the quantiles below 5 %.
    """
    if not held:
        return None
    names = sorted({each.symbol for each in held})
    worth = math.fsum(each.size * _worth(each, 0.0, 0.0) for each in held)
    theta, delta, gamma, width = _quadratic(held, names)
    directions = _directions(held)
    spread = [
        [width[a] * width[b] * _entry(a, b, directions, correlations, 1.0) for b in names] for a in names
    ]  # fmt: skip
    curved = [[gamma[a] * each for each in row] for a, row in zip(names, spread, strict=True)]  # G S
    squared = _product(curved, curved)
    slopes = [delta[name] for name in names]
    through = [math.fsum(x * y for x, y in zip(row, slopes, strict=True)) for row in spread]  # S d
    mean = theta + _trace(curved) / 2
    variance = math.fsum(x * y for x, y in zip(slopes, through, strict=True)) + _trace(squared) / 2
    if variance <= 0:
        return DayAtRisk(min(max(0.0, -mean), worth), min(max(0.0, -mean), worth))
    third = 3 * math.fsum(gamma[a] * x * x for a, x in zip(names, through, strict=True))
    skew = (third + _trace(_product(squared, curved))) / variance**1.5
    losses = [-(mean + math.sqrt(variance) * (z + skew * (z * z - 1) / 6)) for z in _TAIL]
    return DayAtRisk(*(min(max(0.0, loss), worth) for loss in (losses[0], math.fsum(losses[1:]) / (len(losses) - 1))))


def _quadratic(
    held: Sequence[OptionHeld], names: Sequence[str]
) -> tuple[float, dict[str, float], dict[str, float], dict[str, float]]:
    """Return theta of the day, and by underlying dollar delta, dollar gamma and the width of a day's move: of several
    volatilities on one the largest."""
    theta = 0.0
    delta, gamma, width = (dict.fromkeys(names, 0.0) for _ in range(3))
    for each in held:
        found = black_scholes(each.spot, each.strike, each.years, each.volatility, call=each.call)
        passed = min(DAY_YEARS, max(each.years, 0.0))
        theta += found.theta_hour * HOURS_A_YEAR * passed * each.size
        delta[each.symbol] += found.delta * each.size * each.spot
        gamma[each.symbol] += found.gamma * each.size * each.spot**2
        width[each.symbol] = max(width[each.symbol], each.volatility * math.sqrt(passed))
    return theta, delta, gamma, width


def _product(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> list[list[float]]:
    return [
        [math.fsum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a
    ]


def _trace(matrix: Sequence[Sequence[float]]) -> float:
    return math.fsum(row[n] for n, row in enumerate(matrix))


_NORMAL: Final = NormalDist()
_TAIL: Final = tuple(
    _NORMAL.inv_cdf(p) for p in (1 - CONFIDENCE, *((n + 0.5) / 200 * (1 - CONFIDENCE) for n in range(200)))
)
"""The quantile of 5 %, and 200 below it, the middles of equal parts."""


def day_at_risk(held: Sequence[OptionHeld], correlations: Mapping[tuple[str, str], float]) -> DayAtRisk | None:
    """Return what a book may lose in a day, None for an empty one.

    `correlations` of underlyings by their names in the order of the alphabet, -1 to 1. A pair that is not there counts
    as one bet in the direction in which both lose together: what is not known takes nothing off the risk.
    """
    if not held:
        return None
    names = sorted({each.symbol for each in held})
    root = _root(names, _directions(held), correlations)
    now = math.fsum(each.size * _worth(each, 0.0, 0.0) for each in held)
    return _at_risk([now - _then(held, names, root, draw) for draw in _draws(len(names))])


def _at_risk(cases: Sequence[float]) -> DayAtRisk:
    losses = sorted(cases)
    at = math.ceil(CONFIDENCE * len(losses)) - 1
    beyond = losses[at:]
    return DayAtRisk(max(0.0, losses[at]), max(0.0, math.fsum(beyond) / len(beyond)))


def _directions(held: Sequence[OptionHeld]) -> dict[str, int]:
    """Return in which direction each underlying has to move for the most of the premium on it to gain."""
    weights: dict[str, float] = {}
    for each in held:
        worth = each.direction * each.size * each.spot * each.volatility
        weights[each.symbol] = weights.get(each.symbol, 0.0) + worth
    return {symbol: 1 if weight >= 0 else -1 for symbol, weight in weights.items()}


def _root(
    names: Sequence[str], directions: Mapping[str, int], correlations: Mapping[tuple[str, str], float]
) -> list[list[float]]:
    """Return the lower triangle L with L L' = the correlations (Cholesky), which are drawn towards zero as far as it
    takes: measured pair by pair, they need not belong to any joint distribution."""
    for shrink in _SHRINKS:
        found = _cholesky([[_entry(a, b, directions, correlations, shrink) for b in names] for a in names])
        if found is not None:
            return found
    raise AssertionError("the identity has a root")


def _entry(
    one: str, other: str, directions: Mapping[str, int], correlations: Mapping[tuple[str, str], float], shrink: float
) -> float:
    if one == other:
        return 1.0
    pair = (min(one, other), max(one, other))
    return shrink * correlations.get(pair, float(directions[one] * directions[other]))


def _cholesky(matrix: Sequence[Sequence[float]]) -> list[list[float]] | None:
    root = [[0.0] * len(matrix) for _ in matrix]
    for i in range(len(matrix)):
        for j in range(i + 1):
            rest = matrix[i][j] - math.fsum(root[i][k] * root[j][k] for k in range(j))
            if i == j:
                if rest < -1e-9:
                    return None
                root[i][i] = math.sqrt(max(rest, 0.0))
            elif root[j][j] > 1e-9:
                root[i][j] = rest / root[j][j]
            elif abs(rest) > 1e-9:
                return None
    return root


@lru_cache(maxsize=16)
def _draws(count: int) -> tuple[tuple[float, ...], ...]:
    chance = random.Random(_SEED)  # a simulation, no secret
    half = [tuple(chance.gauss(0.0, 1.0) for _ in range(count)) for _ in range(DRAWS // 2)]
    return (*half, *(tuple(-z for z in draw) for draw in half))


def _then(
    held: Sequence[OptionHeld], names: Sequence[str], root: Sequence[Sequence[float]], draw: Sequence[float]
) -> float:
    """Return what the book is worth after one drawn move, in dollars."""
    moved = {name: math.fsum(root[i][k] * draw[k] for k in range(i + 1)) for i, name in enumerate(names)}
    return math.fsum(each.size * _worth(each, moved[each.symbol], DAY_YEARS) for each in held)


def _worth(each: OptionHeld, z: float, horizon: float) -> float:
    """Return a share's worth after a move of z standard deviations of the horizon, as far as the option lives."""
    passed = min(horizon, max(each.years, 0.0))
    spot = each.spot * math.exp(each.volatility * math.sqrt(passed) * z)
    return black_scholes(spot, each.strike, each.years - passed, each.volatility, call=each.call).price


def _moved(each: OptionHeld, move: float) -> float:
    """Return a share's worth a day later with its underlying moved by a fraction."""
    passed = min(DAY_YEARS, max(each.years, 0.0))
    spot = max(each.spot * (1 + move), 0.0)
    return black_scholes(spot, each.strike, each.years - passed, each.volatility, call=each.call).price
