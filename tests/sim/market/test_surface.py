"""Black-Scholes against Hull's worked examples, its identities, and the array form against the scalar one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sim.market.surface import (
    DIVIDEND_YIELD,
    RATE,
    black_scholes,
    black_scholes_array,
    implied_volatility,
    implied_volatility_array,
)


def test_price_is_hulls_example_15_6() -> None:
    terms = {"spot": 42, "strike": 40, "years": 0.5, "iv": 0.2, "rate": 0.1, "q": 0.0}
    assert black_scholes(**terms, call=True).price == pytest.approx(4.76, abs=0.005)
    assert black_scholes(**terms, call=False).price == pytest.approx(0.81, abs=0.005)


def test_greeks_are_those_of_hulls_chapter_19() -> None:
    found = black_scholes(49, 50, 0.3846, 0.2, call=True, rate=0.05, q=0.0)
    assert found.price == pytest.approx(2.40, abs=0.005)
    assert found.delta == pytest.approx(0.522, abs=0.0005)
    assert found.gamma == pytest.approx(0.066, abs=0.0005)
    assert found.vega * 100 == pytest.approx(12.1, abs=0.05)
    assert found.theta * 365 == pytest.approx(-4.31, abs=0.005)


@given(spot=st.floats(50, 6000), away=st.floats(0.9, 1.1), years=st.floats(1e-5, 1.0), iv=st.floats(0.05, 0.8))
def test_put_call_parity_holds(spot: float, away: float, years: float, iv: float) -> None:
    strike = spot * away
    call, put = (black_scholes(spot, strike, years, iv, call=is_call) for is_call in (True, False))
    forward = spot * math.exp(-DIVIDEND_YIELD * years) - strike * math.exp(-RATE * years)
    assert call.price - put.price == pytest.approx(forward, abs=1e-8 * spot)
    assert call.gamma == put.gamma


@pytest.mark.parametrize("call", [True, False])
def test_second_order_greeks_are_the_slopes_of_delta(call: bool) -> None:
    def delta(years: float, iv: float) -> float:
        return black_scholes(590, 593, years, iv, call=call).delta

    here, step = black_scholes(590, 593, 0.02, 0.15, call=call), 1e-5
    assert here.vanna == pytest.approx(
        (delta(0.02, 0.15 + step) - delta(0.02, 0.15 - step)) / (2 * step) / 100, rel=1e-4
    )
    fall = -(delta(0.02 + step, 0.15) - delta(0.02 - step, 0.15)) / (2 * step) / 365
    assert here.charm == pytest.approx(fall, rel=1e-4)


def test_array_form_says_what_the_scalar_form_says() -> None:
    strikes, years = np.linspace(560, 620, 13), np.linspace(1e-4, 0.2, 13)
    sign = np.where(np.arange(13) % 2 == 0, 1.0, -1.0)
    vols = implied_volatility_array(0.12, 590.0, strikes, years, 588.0)
    many = black_scholes_array(590.0, strikes, years, vols, sign)
    for i in range(13):
        iv = implied_volatility(0.12, 590.0, strikes[i], years[i], 588.0)
        assert iv == pytest.approx(vols[i], rel=1e-12)
        one = black_scholes(590.0, strikes[i], years[i], iv, call=bool(sign[i] > 0))
        for name in one._fields:
            assert getattr(many, name)[i] == pytest.approx(getattr(one, name), rel=1e-9, abs=1e-12)


def test_puts_are_dearer_than_calls_as_far_from_the_money() -> None:
    assert implied_volatility(0.12, 590, 580, 0.01, 590) > implied_volatility(0.12, 590, 600, 0.01, 590)


def test_short_expiries_carry_more_volatility_and_falling_prices_raise_it() -> None:
    assert implied_volatility(0.12, 590, 590, 0.001, 590) > implied_volatility(0.12, 590, 590, 0.1, 590)
    assert implied_volatility(0.12, 585, 585, 0.01, 590) > implied_volatility(0.12, 590, 590, 0.01, 590)
