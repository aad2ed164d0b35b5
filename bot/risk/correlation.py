"""How much the bets of a book are one bet: correlation of minute returns, signed by direction.

Context: calls on two indices that move together are one bet under two names; a call and a put on them are a hedge.
Decision: what is judged is the entry (`bot.risk.rules`), pair by pair and by the mean that it would leave behind, so
that the second of two alike is refused before it is bought. Consequence: a book never becomes too alike by what is
bought, and a hedge may always enter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations

from bot.domain.instruments import OptionContract, Right

Bet = tuple[str, int]
"""Underlying and direction: +1 for a call, -1 for a put."""


def bet_on(contract: OptionContract) -> Bet:
    return contract.symbol, 1 if contract.right is Right.CALL else -1


Minutes = Mapping[str, Mapping[int, Decimal]]
"""Underlying -> minute number -> last price of that minute."""


def correlation(one: Mapping[int, Decimal], other: Mapping[int, Decimal], at_least: int) -> float | None:
    """Return Pearson's correlation of two underlyings' minute returns, None when fewer than `at_least` minutes are
    common or one of the two did not move.

    r(t) = p(t) / p(t-1) - 1 over the minutes t for which both have a price at t and at t-1;
    rho = sum((a - mean a)(b - mean b)) / sqrt(sum((a - mean a)^2) sum((b - mean b)^2)).
    """
    common = [t for t in one if all(x in series for series in (one, other) for x in (t, t - 1))]
    if len(common) < at_least:
        return None
    a, b = ([float(s[t] / s[t - 1]) - 1 for t in common] for s in (one, other))
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    together = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    apart = math.fsum((x - mean_a) ** 2 for x in a) * math.fsum((y - mean_b) ** 2 for y in b)
    if apart <= 0:
        return None
    return max(-1.0, min(1.0, together / math.sqrt(apart)))


def rho(minutes: Minutes, one: str, other: str, at_least: int) -> float | None:
    """Return the correlation of two underlyings, 1 of one with itself, None where it cannot be measured."""
    if one == other:
        return 1.0
    return correlation(minutes.get(one, {}), minutes.get(other, {}), at_least)


def signed(minutes: Minutes, one: Bet, other: Bet, at_least: int) -> float | None:
    """Return rho times both directions: above zero the two win and lose together."""
    found = rho(minutes, one[0], other[0], at_least)
    return None if found is None else one[1] * other[1] * found


def mean_correlation(bets: Sequence[Bet], minutes: Minutes, at_least: int) -> tuple[float | None, int, int]:
    """Return (mean, known pairs, all pairs) over the pairs of bets.

    Two bets on one underlying are a pair as any other: in one direction it counts 1, in two it counts -1. A book of SPY
    and SPY would else pass where SPY and QQQ, at 0.95, does not.
    """
    alike = Counter(bets)  # bets on one underlying in one direction are all the same to the mean
    same = sum(count * (count - 1) // 2 for count in alike.values())
    total, known = float(same), same
    for (one, m), (other, n) in combinations(alike.items(), 2):
        found = signed(minutes, one, other, at_least)
        if found is not None:
            total, known = total + found * m * n, known + m * n
    count = len(bets)
    return (total / known if known else None), known, count * (count - 1) // 2
