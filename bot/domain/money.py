"""Money and prices: `Decimal` in Python, integers of 1/10000 dollar in the store."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from typing import Final

UNITS_PER_DOLLAR: Final = 10_000
CENT: Final = Decimal("0.01")
TEN_THOUSANDTH: Final = Decimal("0.0001")
ZERO: Final = Decimal(0)
_BEYOND_ANY_PRICE: Final = Decimal(10) ** 18  # has no room for cents within the precision of a Decimal context


def to_units(amount: Decimal) -> int:
    """Return an amount in 1/10000 dollar, rounded half to even where it is finer than that."""
    return int((amount * UNITS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))


def from_units(units: int) -> Decimal:
    """Return the dollars of an integer of 1/10000 dollar."""
    return neat(Decimal(units).scaleb(-4))


def neat(amount: Decimal) -> Decimal:
    """Return the same amount written with two decimals, or with as many more as it needs: 9.1 is 9.10."""
    if abs(amount) >= _BEYOND_ANY_PRICE:
        return amount
    cents = amount.quantize(CENT, ROUND_HALF_EVEN)
    return cents if cents == amount else amount.normalize()


def to_cents(amount: Decimal) -> Decimal:
    """Round a sum of money to the cent, half to even."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def to_price(amount: Decimal) -> Decimal:
    """Round an average price to 1/10000 dollar, which is what the store keeps."""
    return amount.quantize(TEN_THOUSANDTH, ROUND_HALF_EVEN)


def round_to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Return the multiple of `tick` at or beyond `price` in the given direction; raises ValueError on a tick <= 0."""
    if tick <= 0:
        raise ValueError(f"tick must be positive, not {tick}")
    steps = (price / tick).to_integral_value(ROUND_UP if up else ROUND_DOWN)
    return neat(steps * tick)
