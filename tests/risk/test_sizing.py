"""Sizing never exceeds the budget, and never buys less than it could."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.risk import RiskSettings
from bot.risk.sizing import Size, contracts_within_premium, size_entry

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


@given(
    equity=st.decimals("0", "10000000", places=2),
    price=st.decimals("0.01", "500", places=2),
    displayed=st.integers(0, 5000),
    most=st.integers(1, 10_000),
    multiple=st.decimals("0.1", "100", places=1),
    may_lose=st.none() | st.decimals("0", "1000000", places=2),
    open_premium=st.decimals("0", "1000000", places=2),
)
def test_a_size_is_above_no_cap_and_the_same_again(
    equity: Decimal, price: Decimal, displayed: int, most: int, multiple: Decimal, may_lose: Decimal | None,
    open_premium: Decimal,
) -> None:  # fmt: skip
    settings = RiskSettings(max_contracts=most, max_displayed_multiple=multiple)

    def size() -> Size:
        return size_entry(
            settings, equity=equity, price=price, multiplier=100, displayed=displayed, may_lose=may_lose,
            open_premium=open_premium,
        )  # fmt: skip

    found = size().contracts
    assert size() == size()
    assert size().order_most == min(most, int(displayed * multiple)), "what one order asks for at most"
    assert found >= 0
    assert not found or size().order_most >= 1
    assert ("in chunks" in size().bound_by) == (found > size().order_most)
    assert found * price * 100 <= equity * settings.max_premium_fraction
    assert may_lose is None or not found or open_premium + found * price * 100 <= may_lose
