"""How well an option can be traded, as a grade from A (best) to D (leave it).

Context: a single-leg round trip pays about one spread, and the first profit rung stands at +50 % of the premium.
Decision: A costs at most a twenty-fifth of that rung (2 %), B a tenth (5 %), C a fifth (10 %, over which
risk refuses). Depth is the thinner side, for what is bought at the ask must be sold at the bid: 50 contracts take any
order that a 2 % premium budget makes on a small account without moving the quote, 10 a usual one; a single contract is
a quote and no more. Consequence: both must hold for a grade; a tight quote for one contract is a C.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from bot.domain.quotes import Quote


class Grade(StrEnum):
    """Best first."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


# (grade, widest spread as a fraction of mid, least contracts on the thinner side), best grade first.
THRESHOLDS: Final[tuple[tuple[Grade, Decimal, int], ...]] = (
    (Grade.A, Decimal("0.02"), 50),
    (Grade.B, Decimal("0.05"), 10),
    (Grade.C, Decimal("0.10"), 1),
)

_RANK: Final = {grade: rank for rank, grade in enumerate(Grade)}


def liquidity_grade(spread_fraction: Decimal, depth_contracts: int) -> Grade:
    """Return the best grade whose limits both hold; a negative spread (a crossed quote) is a D.

    `spread_fraction` is the spread of mid (0.05 is five percent), `depth_contracts` the smaller of bid and ask size.
    """
    if spread_fraction < 0:
        return Grade.D
    for grade, widest, thinnest in THRESHOLDS:
        if spread_fraction <= widest and depth_contracts >= thinnest:
            return grade
    return Grade.D


def grade_quote(quote: Quote) -> Grade:
    """Return the grade of a quote; one without both sides is a D."""
    fraction = quote.spread_fraction
    if fraction is None:
        return Grade.D
    return liquidity_grade(fraction, min(quote.bid_size, quote.ask_size))


def at_least(grade: Grade, minimum: Grade) -> bool:
    """Say whether `grade` is as good as `minimum` or better."""
    return _RANK[grade] <= _RANK[minimum]
