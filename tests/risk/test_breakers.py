"""The breakers as pure functions: known numbers at, under and over each limit, and what must always hold."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.risk import RiskSettings
from bot.domain.breaker import BreakerState
from bot.risk.breakers import BREAKERS, BookView, BreakerReading, read_breakers
from bot.risk.correlation import correlation, mean_correlation

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
LIMITS = RiskSettings()
UP_AND_DOWN = (1, -1, 2, -2, 1, 1, -1, 3, -2, -1, 2, -1)


def path(*moves: float) -> dict[int, Decimal]:
    """Prices of minutes 0, 1, ... after moves in percent."""
    price, found = Decimal(100), {0: Decimal(100)}
    for minute, move in enumerate(moves, 1):
        price *= 1 + Decimal(str(move)) / 100
        found[minute] = price
    return found


SAME, OPPOSITE = path(*UP_AND_DOWN), path(*(-m for m in UP_AND_DOWN))


def read(name: str, limits: RiskSettings = LIMITS, **changes: Any) -> BreakerReading:
    readings = read_breakers(BookView(now=NOW, **changes), limits)
    return next(r for r in readings if r.name == name)


def test_a_calm_book_trips_nothing() -> None:
    assert [r.name for r in read_breakers(BookView(NOW), LIMITS)] == [row.name for row in BREAKERS]
    assert {r.state for r in read_breakers(BookView(NOW), LIMITS)} == {BreakerState.OK}


@pytest.mark.parametrize(
    "name, changes, state",
    [
        ("daily_loss", {"first_equity": Decimal(100000), "equity": Decimal(96001)}, "ok"),
        ("daily_loss", {"first_equity": Decimal(100000), "equity": Decimal(96000)}, "warning"),
        ("daily_loss", {"first_equity": Decimal(100000), "equity": Decimal(94001)}, "warning"),
        ("daily_loss", {"first_equity": Decimal(100000), "equity": Decimal(94000)}, "tripped"),
        ("daily_loss", {"first_equity": Decimal(1000000), "equity": Decimal(990000)}, "tripped"),  # the absolute sum
        ("daily_loss", {"first_equity": Decimal(1000000), "equity": Decimal(990001)}, "ok"),
        ("drawdown", {"high_water": Decimal(100000), "equity": Decimal(92001)}, "ok"),
        ("drawdown", {"high_water": Decimal(100000), "equity": Decimal(92000)}, "warning"),
        ("drawdown", {"high_water": Decimal(100000), "equity": Decimal(90000)}, "tripped"),
        ("losses", {"losses_in_a_row": 1}, "ok"),
        ("losses", {"losses_in_a_row": 2}, "warning"),
        ("losses", {"losses_in_a_row": 3}, "tripped"),
        ("uw_silent", {"in_session": True, "silent_s": {"unusual_whales": 119.0}}, "warning"),
        ("uw_silent", {"in_session": True, "silent_s": {"unusual_whales": 120.0}}, "tripped"),
        ("uw_silent", {"in_session": False, "silent_s": {"unusual_whales": 9999.0}}, "ok"),
        ("tws_gone", {"link_lost_s": 15.0}, "tripped"),
        ("gap", {"gaps": {"SPY": Decimal("-0.0501")}}, "tripped"),
        ("gap", {"gaps": {"SPY": Decimal("0.05")}}, "warning"),
        ("order_rate", {"orders_last_minute": 60}, "warning"),
        ("order_rate", {"orders_last_minute": 61}, "tripped"),
        ("rejections", {"orders_in_window": 3, "rejections_in_window": 3}, "ok"),  # too few to be a rate
        ("rejections", {"orders_in_window": 8, "rejections_in_window": 4}, "tripped"),
        ("rejections", {"orders_in_window": 20, "rejections_in_window": 4}, "ok"),
    ],
)
def test_each_breaker_at_its_limit(name: str, changes: dict[str, Any], state: str) -> None:
    assert read(name, **changes).state.value == state


def test_correlation_is_pearsons_of_minute_returns() -> None:
    assert correlation(SAME, SAME, 10) == pytest.approx(1.0)
    assert correlation(SAME, OPPOSITE, 10) == pytest.approx(-1.0, abs=0.01)
    assert correlation(SAME, path(*UP_AND_DOWN[:5]), 10) is None
    assert correlation(SAME, path(*[0] * 12), 10) is None


def test_a_minute_without_a_price_is_no_return() -> None:
    holed = {minute: price for minute, price in SAME.items() if minute != 6}
    assert correlation(SAME, holed, 10) == pytest.approx(1.0)
    assert correlation(SAME, holed, 11) is None


@pytest.mark.parametrize(
    "exposures, state",
    [
        ([("A", 1), ("B", 1)], "warning"),  # two calls on what moves together
        ([("A", 1), ("B", -1)], "ok"),  # a call and a put on it
        ([("A", 1), ("C", -1)], "warning"),  # a call, and a put on what moves the other way
        ([("A", 1), ("A", 1)], "warning"),  # it never trips: entries are judged one by one
        ([("A", 1), ("X", 1)], "warning"),  # unknown is not well
        ([("A", 1)], "ok"),
    ],
)
def test_the_mean_correlation_is_signed_by_direction(exposures: list[tuple[str, int]], state: str) -> None:
    minutes = {"A": SAME, "B": SAME, "C": OPPOSITE}
    assert read("correlation", exposures=exposures, minutes=minutes).state.value == state


PRICES = st.lists(st.decimals("0.5", "2000", places=2), min_size=13, max_size=30).map(lambda p: dict(enumerate(p)))


@given(PRICES, PRICES)
def test_a_correlation_is_symmetric_and_within_one(one: dict[int, Decimal], other: dict[int, Decimal]) -> None:
    found = correlation(one, other, 10)
    assert found is None or -1 <= found <= 1
    back = correlation(other, one, 10)
    assert (found is None) == (back is None)
    assert found is None or found == pytest.approx(back, abs=1e-9)


@given(PRICES, PRICES, st.sampled_from([1, -1]), st.sampled_from([1, -1]))
def test_turning_every_position_round_changes_no_correlation(
    one: dict[int, Decimal], other: dict[int, Decimal], d: int, e: int
) -> None:
    minutes = {"A": one, "B": other}
    this, turned = [("A", d), ("B", e)], [("A", -d), ("B", -e)]
    assert mean_correlation(this, minutes, 10) == mean_correlation(turned, minutes, 10)


@given(st.decimals("1", "10000000", places=2), st.decimals("0", "10000000", places=2), st.decimals("0", "1000000"))
def test_a_worse_equity_never_calms_a_loss(first: Decimal, equity: Decimal, less: Decimal) -> None:
    order = [BreakerState.OK, BreakerState.WARNING, BreakerState.TRIPPED]
    for name, base in (("daily_loss", "first_equity"), ("drawdown", "high_water")):
        values: dict[str, Any] = {base: first, "equity": equity}
        better = read(name, **values)
        worse = read(name, **{**values, "equity": equity - less})
        assert order.index(worse.state) >= order.index(better.state)
