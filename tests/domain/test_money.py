"""Money: integers of 1/10000 dollar in the store, Decimal everywhere else, rounding in one place."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import from_units, round_to_tick, to_cents, to_price, to_units


@given(st.integers(-(10**15), 10**15))
def test_units_come_back_as_they_went(units: int) -> None:
    assert to_units(from_units(units)) == units


@given(st.decimals("-1000000000", "1000000000", places=4))
def test_an_amount_of_four_places_comes_back_as_it_went(amount: Decimal) -> None:
    assert from_units(to_units(amount)) == amount


@given(st.decimals("-1000000", "1000000", places=8))
def test_a_finer_amount_moves_by_half_a_unit_at_most(amount: Decimal) -> None:
    assert abs(from_units(to_units(amount)) - amount) <= Decimal("0.00005")
    assert to_price(amount) == from_units(to_units(amount))


@pytest.mark.parametrize(
    "amount, cents", [("0.005", "0.00"), ("0.015", "0.02"), ("-0.005", "0.00"), ("1.2349", "1.23")]
)
def test_cents_round_half_to_even(amount: str, cents: str) -> None:
    assert to_cents(Decimal(amount)) == Decimal(cents)


@given(st.decimals("0", "10000", places=6), st.sampled_from(["0.01", "0.05", "0.10", "0.25"]))
def test_a_tick_below_and_above_bracket_the_price(price: Decimal, tick: str) -> None:
    step = Decimal(tick)
    low, high = round_to_tick(price, step, up=False), round_to_tick(price, step, up=True)
    assert low <= price <= high
    assert high - low in {Decimal(0), step}
    assert low % step == 0


@pytest.mark.parametrize("tick", ["0", "-0.01"])
def test_a_tick_that_is_not_positive_is_an_error(tick: str) -> None:
    with pytest.raises(ValueError, match="tick must be positive"):
        round_to_tick(Decimal(1), Decimal(tick), up=True)
