"""Known answers of the derived macro values, and the laws that they keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.macro import bond_price, daily_move, dollar_change, implied_yield, macro_values
from bot.domain.quotes import Quote

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def quote(last: str, close: str | None = None, *, delayed: bool = False) -> Quote:
    return Quote(None, None, 0, 0, Decimal(last), NOW, delayed, close=Decimal(close) if close else None)


def test_at_par_the_yield_is_the_coupon() -> None:
    assert implied_yield(100.0, 10) == pytest.approx(0.06, abs=1e-9)
    assert implied_yield(100.0, 20) == pytest.approx(0.06, abs=1e-9)


def test_a_bond_is_worth_its_discounted_payments() -> None:
    by_hand = sum(3 / 1.02**n for n in range(1, 21)) + 100 / 1.02**20
    assert bond_price(0.04, 10) == pytest.approx(by_hand)
    assert bond_price(0.0, 10) == 160
    assert implied_yield(by_hand, 10) == pytest.approx(0.04, abs=1e-9)


@given(st.floats(-0.04, 0.5), st.sampled_from([2.0, 5.0, 10.0, 20.0]))
def test_the_yield_of_a_price_is_the_yield_that_made_it(rate: float, years: float) -> None:
    assert implied_yield(bond_price(rate, years), years) == pytest.approx(rate, abs=1e-6)


def test_the_prices_at_six_percent_are_the_exchange_s_conversion_factors() -> None:
    """CBOT: a bond of 5 % that has ten years to go has the factor 0.9256, one of 4 % and ten years 0.8512."""
    assert bond_price(0.06, 10, 5) / 100 == pytest.approx(0.9256, abs=5e-5)
    assert bond_price(0.06, 10, 4) / 100 == pytest.approx(0.8512, abs=5e-5)


def test_a_price_that_no_yield_makes_has_none() -> None:
    assert implied_yield(1e6, 10) is None
    assert implied_yield(0.0, 10) is None


def test_sixteen_points_are_one_percent_a_day() -> None:
    assert daily_move(15.8745) == pytest.approx(0.01, rel=1e-4)


def test_the_dollar_rises_when_the_euro_falls_by_the_weights_of_its_index() -> None:
    assert dollar_change({"EUR.USD:CASH": (0.99, 1.0)}) == pytest.approx(1 / 0.99 - 1)
    both = dollar_change({"EUR.USD:CASH": (0.99, 1.0), "USD.JPY:CASH": (150.0, 150.0)})
    assert both == pytest.approx((1 / 0.99) ** (0.576 / 0.712) - 1)
    assert dollar_change({}) is None
    assert dollar_change({"EUR.USD:CASH": (0.0, 1.0)}) is None


def test_every_figure_names_its_formula_and_its_source() -> None:
    quotes = {
        "ZB:FUT": quote("100"), "ZN:FUT": quote("100"), "DX:FUT": quote("104", "103"),
        "VIX": quote("16"), "VX:FUT": quote("17"),
    }  # fmt: skip
    values = {each.name: each for each in macro_values(quotes.get)}
    assert set(values) == {
        "yield_20y", "yield_10y", "slope_20y_10y", "dollar", "expected_day_move", "volatility_term"
    }  # fmt: skip
    assert values["yield_10y"].value == pytest.approx(0.06)
    assert values["slope_20y_10y"].value == pytest.approx(0.0, abs=1e-9)
    assert values["dollar"].value == pytest.approx(104 / 103 - 1)
    assert values["volatility_term"].value == pytest.approx(17 / 16 - 1)
    assert all(each.formula and each.source and each.at == NOW for each in values.values())


def test_what_is_delayed_or_missing_makes_no_figure_and_pairs_stand_in_for_the_index() -> None:
    quotes = {"ZN:FUT": quote("110", delayed=True), "EUR.USD:CASH": quote("1.08", "1.09"), "VIX": quote("16")}
    values = {each.name: each for each in macro_values(quotes.get)}
    assert set(values) == {"dollar", "expected_day_move"}
    assert values["dollar"].source == "EUR.USD:CASH"
    assert values["dollar"].value > 0
    assert values["dollar"].at >= NOW - timedelta(seconds=1)
