"""Option values away from the model's volatility."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sim.tws.option_math import at_price, at_volatility, black_scholes, implied_volatility
from tests.sim.tws.small_venue import NEXT_WEEK, SPY, START, SmallMarket, option

CALL = option(1, SPY, NEXT_WEEK, 600, "C")


def test_black_scholes_gives_the_textbook_value() -> None:
    # Hull, Options, Futures and Other Derivatives: S = K = 100, one year, 20 %, no rate: 7.9656.
    assert black_scholes(100, 100, 1, 0.2, "C").price == pytest.approx(7.9656, abs=1e-4)


@given(st.floats(80, 120), st.floats(0.01, 2), st.floats(0.05, 2))
def test_put_and_call_keep_parity(strike: float, years: float, iv: float) -> None:
    call, put = (black_scholes(100, strike, years, iv, right) for right in "CP")
    assert call.price - put.price == pytest.approx(100 - strike, abs=1e-9)
    assert call.delta - put.delta == pytest.approx(1)


@given(st.floats(0.05, 3), st.floats(90, 110), st.floats(0.02, 1), st.sampled_from("CP"))
def test_the_implied_volatility_gives_its_price_back(iv: float, strike: float, years: float, right: str) -> None:
    price = black_scholes(100, strike, years, iv, right).price
    found = implied_volatility(100, strike, years, price, right)
    assert found is not None
    assert black_scholes(100, strike, years, found, right).price == pytest.approx(price, abs=1e-5)


def test_a_price_below_intrinsic_value_has_no_volatility() -> None:
    assert implied_volatility(100, 90, 0.1, 9.0, "C") is None


def test_at_its_own_volatility_the_model_is_unchanged() -> None:
    model = SmallMarket().greeks(CALL, START)
    assert model is not None
    same = at_volatility(model, CALL, 0.02, model.iv)
    assert same.price == pytest.approx(model.price)
    assert same.delta == pytest.approx(model.delta)
    dearer = at_price(model, CALL, 0.02, Decimal(str(round(model.price + 1, 2))))
    assert dearer is not None
    assert dearer.iv > model.iv
    assert at_price(model, CALL, 0.02, None) is None
