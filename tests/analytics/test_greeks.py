"""Option values and their greeks: known figures, laws between them, and the volatility that a price implies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.greeks import HOURS_A_YEAR, black_scholes, implied_volatility

spots = st.floats(50, 700)
moneyness = st.floats(0.9, 1.1)
years = st.floats(1 / 365, 1.0)
volatilities = st.floats(0.05, 1.5)


def test_a_known_value() -> None:
    found = black_scholes(100, 100, 1.0, 0.2, call=True)
    assert found.price == pytest.approx(7.9656, abs=1e-4)
    assert found.delta == pytest.approx(0.5398, abs=1e-4)
    assert found.gamma == pytest.approx(0.01985, abs=1e-5)
    assert found.vega == pytest.approx(0.3970, abs=1e-4)


@given(spots, moneyness, years, volatilities)
def test_call_less_put_is_the_forward(spot: float, part: float, left: float, volatility: float) -> None:
    call = black_scholes(spot, spot * part, left, volatility, call=True)
    put = black_scholes(spot, spot * part, left, volatility, call=False)
    assert call.price - put.price == pytest.approx(spot - spot * part, abs=1e-6)
    assert call.delta - put.delta == pytest.approx(1.0)


@given(spots, moneyness, years, volatilities, st.booleans())
def test_greeks_are_the_slopes_of_the_price(
    spot: float, part: float, left: float, volatility: float, call: bool
) -> None:
    strike, step = spot * part, spot * 1e-4

    def price(at: float = spot, of: float = volatility, remaining: float = left) -> float:
        return black_scholes(at, strike, remaining, of, call=call).price

    found = black_scholes(spot, strike, left, volatility, call=call)
    assert found.delta == pytest.approx((price(spot + step) - price(spot - step)) / (2 * step), abs=1e-3)
    assert found.vega == pytest.approx(
        (price(of=volatility + 1e-4) - price(of=volatility - 1e-4)) / 2e-4 / 100, rel=1e-2, abs=1e-4
    )
    hour = 0.01 / HOURS_A_YEAR
    assert found.theta_hour * 0.01 == pytest.approx(price(remaining=left - hour) - price(), rel=0.05, abs=1e-5)


@given(spots, moneyness, years, volatilities, st.booleans())
def test_the_implied_volatility_gives_the_price_back(
    spot: float, part: float, left: float, volatility: float, call: bool
) -> None:
    price = black_scholes(spot, spot * part, left, volatility, call=call).price
    found = implied_volatility(price, spot, spot * part, left, call=call)
    if found is not None:
        assert black_scholes(spot, spot * part, left, found, call=call).price == pytest.approx(price, abs=1e-4)


def test_a_price_that_no_volatility_explains_has_none() -> None:
    assert implied_volatility(4.0, 105, 100, 0.1, call=True) is None, "below its intrinsic value"
    assert implied_volatility(6.0, 105, 100, 0.0, call=True) is None, "past the expiry"
    assert implied_volatility(104.9, 105, 100, 0.001, call=True) is None
    assert black_scholes(105, 100, 0.0, 0.0, call=True).price == 5.0
