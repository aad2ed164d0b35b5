"""Which of the options that left the broker's book at their expiry were exercised: what the delivered shares say. Pure.

A broker names no exercise to an API client: the option's line goes and shares come. Options of one underlying and one
expiry are exercised together, by its closing price: calls a cent or more below it, puts above it (OCC does so unless
told otherwise). So what arrived has to be the sum
of one such set; where it is the sum of two, or of none, nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from bot.domain.instruments import OptionContract
from bot.domain.money import CENT


@dataclass(frozen=True, slots=True)
class Leaving:
    """Long contracts that the broker's book has no more."""

    id: str
    contract: OptionContract
    contracts: int


def exercised(
    leaving: Sequence[Leaving], arrived: int, price: Decimal | None, *, last_call: bool
) -> frozenset[str] | None:
    """Return the ids of what was exercised, given the signed shares that arrived; None while that is open.

    `price` is the underlying's at the expiry, where one is known. Shares may come later than the option goes: that none
    came proves nothing before the `last_call`, unless the price says that none were due.
    """
    shares = {each.id: each.contract.shares_of(each.contracts) for each in leaving}
    fitting = {found for found in _possible(leaving) if sum(shares[i] for i in found) == arrived}
    due = None if price is None else _in_the_money(leaving, price)
    if due in fitting:
        return due
    if len(fitting) != 1:
        return None
    found = next(iter(fitting))
    return found if found or last_call else None


def _possible(leaving: Sequence[Leaving]) -> set[frozenset[str]]:
    """Return every set that one closing price puts in the money, and that nothing was exercised at all."""
    strikes = sorted({each.contract.strike for each in leaving})
    between = [(low + high) / 2 for low, high in pairwise(strikes)]
    beyond = [strikes[0] / 2, strikes[-1] * 2] if strikes else []
    return {frozenset(), *(_in_the_money(leaving, price) for price in (*strikes, *between, *beyond))}


def _in_the_money(leaving: Sequence[Leaving], price: Decimal) -> frozenset[str]:
    return frozenset(each.id for each in leaving if each.contract.intrinsic(price) >= CENT)
