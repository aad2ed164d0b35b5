"""How many contracts."""

from __future__ import annotations

from decimal import Decimal


def contracts_within_premium(equity: Decimal, fraction: Decimal, price: Decimal, multiplier: int) -> int:
    """Return the whole contracts whose full premium is at most `fraction` of equity; zero: too dear for the account.

    Equity in dollars, `fraction` 0.02 for two percent, `price` per share. A long option can lose all of its premium
    and no more, so the premium is the risk. Raises ValueError when price or multiplier is not positive.
    """
    if price <= 0:
        raise ValueError(f"price must be positive, not {price}")
    if multiplier <= 0:
        raise ValueError(f"multiplier must be positive, not {multiplier}")
    budget = equity * fraction
    if budget <= 0:
        return 0
    return int(budget // (price * multiplier))
