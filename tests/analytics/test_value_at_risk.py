"""What a book may lose in a day: against the closed form where there is one, and the laws that hold for every book."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analytics.greeks import black_scholes
from bot.analytics.value_at_risk import DAY_YEARS, DayAtRisk, OptionHeld, day_at_risk

CALL = OptionHeld("SPY", 500, 590.0, 590.0, 30 / 365, 0.2, call=True)
Z95 = 1.6449


def worth(held: OptionHeld, z: float = 0.0, horizon: float = 0.0) -> float:
    spot = held.spot * math.exp(held.volatility * math.sqrt(horizon) * z)
    each = black_scholes(spot, held.strike, held.years - horizon, held.volatility, call=held.call)
    return each.price * held.size


def test_one_call_loses_what_a_fall_of_165_deviations_takes() -> None:
    found = day_at_risk([CALL], {})
    assert found is not None
    assert found.var == pytest.approx(worth(CALL) - worth(CALL, -Z95, DAY_YEARS), rel=0.04)
    assert found.shortfall > found.var


def test_an_option_that_expires_before_the_day_is_over_is_worth_its_intrinsic_value_then() -> None:
    found = day_at_risk([replace(CALL, years=3 / 24 / 365)], {})
    assert found is not None
    assert found.var == pytest.approx(worth(replace(CALL, years=3 / 24 / 365)), rel=1e-6), "all of it can be gone"


def test_a_hedge_takes_risk_off_only_where_it_was_measured() -> None:
    put = replace(CALL, symbol="QQQ", spot=510.0, strike=510.0, call=False)
    alone, hedged, unknown = (
        day_at_risk([CALL], {}), day_at_risk([CALL, put], {("QQQ", "SPY"): 0.95}), day_at_risk([CALL, put], {})
    )  # fmt: skip
    assert alone is not None
    assert hedged is not None
    assert unknown is not None
    assert hedged.var < alone.var < unknown.var


def test_correlations_that_belong_to_no_joint_distribution_are_drawn_towards_zero() -> None:
    three = [replace(CALL, symbol=name) for name in "ABC"]
    assert day_at_risk(three, {("A", "B"): 1.0, ("B", "C"): 1.0, ("A", "C"): -1.0}) is not None
    assert day_at_risk([], {}) is None


OPTIONS = st.builds(
    OptionHeld, st.sampled_from(["A", "B"]), st.integers(1, 5).map(lambda n: n * 100), st.floats(50, 500),
    st.floats(50, 500), st.floats(0, 0.5), st.floats(0.05, 2.0), call=st.booleans(),
)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(st.lists(OPTIONS, min_size=1, max_size=3), st.floats(-1, 1))
def test_a_book_of_long_options_never_loses_more_than_it_is_worth(held: list[OptionHeld], rho: float) -> None:
    found = day_at_risk(held, {("A", "B"): rho})
    assert found is not None
    assert 0 <= found.var <= found.shortfall + 1e-9
    assert found.shortfall <= sum(map(worth, held)) + 1e-6
    assert found == day_at_risk(held, {("A", "B"): rho}), "the same book has the same answer"
    assert isinstance(found, DayAtRisk)
