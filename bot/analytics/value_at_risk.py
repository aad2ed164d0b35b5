"""What a book of long options may lose in a day: value at risk and expected shortfall by full revaluation.

Structured Monte Carlo (J.P. Morgan / Reuters, "RiskMetrics: Technical Document", 4th ed., 1996, ch. 7): each underlying
moves by sigma * sqrt(h) * z, the z jointly normal with the correlations given; each option is worth what Black and
Scholes say after that move and that time, at an unchanged volatility. Its horizon h is one day of a year of 365, in
which its volatility is counted too, or what is left of it: at its expiry it is worth its intrinsic value.

    VaR  = the loss that DRAWS moves exceed in no more than 1 - CONFIDENCE of the cases
    ES   = the mean of the losses from there on (C. Acerbi, D. Tasche, "On the coherence of expected shortfall", 2002)

Draws are antithetic and from a fixed seed: the same book has the same answer. No long option loses more than its worth.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.analytics.greeks import black_scholes

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
    losses = sorted(now - _then(held, names, root, draw) for draw in _draws(len(names)))
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
