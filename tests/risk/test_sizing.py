"""Sizing never exceeds the budget, and never buys less than it could."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.risk.sizing import contracts_within_premium

TWO_PERCENT = Decimal("0.02")


@pytest.mark.parametrize(
    "equity, price, contracts",
    [
        ("100000", "2.00", 10), ("100000", "2.01", 9), ("100000", "20.00", 1), ("100000", "20.01", 0),
        ("0", "2.00", 0), ("-500", "2.00", 0),
    ],
)  # fmt: skip
def test_whole_contracts_within_two_percent(equity: str, price: str, contracts: int) -> None:
    assert contracts_within_premium(Decimal(equity), TWO_PERCENT, Decimal(price), 100) == contracts


@pytest.mark.parametrize("price, multiplier", [("0", 100), ("-1", 100), ("1", 0), ("1", -100)])
def test_a_price_or_multiplier_that_is_not_positive_is_an_error(price: str, multiplier: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        contracts_within_premium(Decimal(100000), TWO_PERCENT, Decimal(price), multiplier)


@given(
    equity=st.decimals("-10000", "100000000", places=2),
    fraction=st.decimals("0", "1", places=4),
    price=st.decimals("0.01", "5000", places=4),
    multiplier=st.sampled_from([1, 10, 100, 1000]),
)
def test_the_premium_is_within_the_budget_and_one_more_contract_is_not(
    equity: Decimal, fraction: Decimal, price: Decimal, multiplier: int
) -> None:
    contracts = contracts_within_premium(equity, fraction, price, multiplier)
    budget = max(equity * fraction, Decimal(0))
    assert contracts >= 0
    assert contracts * price * multiplier <= budget
    assert (contracts + 1) * price * multiplier > budget
