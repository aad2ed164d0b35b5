"""What a book may lose in a day: against the closed form where there is one, and the laws that hold for every book."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analytics.greeks import black_scholes
from bot.analytics.value_at_risk import DAY_YEARS, DayAtRisk, OptionHeld, day_at_risk, delta_gamma, historical

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


SHARES = replace(CALL, strike=1.0)  # so deep that it moves with the underlying, dollar for dollar
TURNED = 500 * 590.0


def test_the_historical_figures_are_those_worked_out_by_hand() -> None:
    """Forty days that fell by 0.1, 0.2 ... 4 %: the loss of rank 38 is 3.8 %, the mean from there on 3.9 %."""
    found = historical([SHARES], [{"SPY": -n / 1000} for n in range(1, 41)])
    assert found is not None
    assert found.var == pytest.approx(0.038 * TURNED)
    assert found.shortfall == pytest.approx(0.039 * TURNED)


def test_history_that_is_too_short_or_lacks_an_underlying_says_nothing() -> None:
    moves = [{"SPY": -0.01}] * 19
    assert historical([SHARES], moves) is None
    assert historical([SHARES, replace(SHARES, symbol="QQQ")], moves * 2) is None
    assert historical([SHARES], [*moves, {"SPY": math.nan}]) is None
    assert historical([], moves * 2) is None


def test_delta_alone_is_the_normal_distributions_quantile() -> None:
    found = delta_gamma([SHARES], {})
    width = 0.2 * math.sqrt(DAY_YEARS) * TURNED
    assert found is not None
    assert found.var == pytest.approx(1.644854 * width, rel=1e-5)
    assert found.shortfall == pytest.approx(2.062713 * width, rel=2e-3)


def test_two_alike_add_up_two_opposites_cancel_and_two_strangers_add_as_squares() -> None:
    one, other = delta_gamma([SHARES], {}), replace(SHARES, symbol="QQQ")
    assert one is not None
    for rho, times in ((1.0, 2.0), (0.0, math.sqrt(2)), (-1.0, 0.0)):
        both = delta_gamma([SHARES, other], {("QQQ", "SPY"): rho})
        assert both is not None
        assert both.var == pytest.approx(times * one.var, abs=1e-6 * TURNED)


def test_gamma_takes_off_the_loss_as_full_revaluation_says() -> None:
    book = [CALL, replace(CALL, symbol="QQQ", strike=600.0, call=False)]
    rho = {("QQQ", "SPY"): 0.6}
    quick, full = delta_gamma(book, rho), day_at_risk(book, rho)
    assert quick is not None
    assert full is not None
    assert quick.var == pytest.approx(full.var, rel=0.08)
    assert quick.shortfall == pytest.approx(full.shortfall, rel=0.08)


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
    quick = delta_gamma(held, {("A", "B"): rho})
    assert quick is not None
    assert 0 <= quick.var <= sum(map(worth, held)) + 1e-6
