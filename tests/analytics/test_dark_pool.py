"""Trades off the exchanges: much or not, which way they lean, and how the two kinds of shares differ by price."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.analytics.dark_pool import dark_pool_z, dark_share, off_below
from bot.domain.data.flow import TradeSide
from bot.domain.data.tape import DarkPoolTrade, PriceLevel

NOW = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)


def sold(minutes_ago: float, premium: float, side: TradeSide = TradeSide.MID) -> DarkPoolTrade:
    at = NOW - timedelta(minutes=minutes_ago)
    return DarkPoolTrade(at, "SPY", Decimal(590), 100, premium, None, None, side, "L", (), 1)


def test_the_last_five_minutes_are_held_against_those_before() -> None:
    spans = [10.0, 12.0, 8.0, 11.0, 9.0, 10.0]
    trades = [sold(5 * (len(spans) - n) + 2.5, dollars) for n, dollars in enumerate(spans)] + [sold(2.5, 20.0)]
    first = sold(35, 0.0)
    found = dark_pool_z([first, *trades], NOW)
    assert found is not None
    assert found.z == pytest.approx((20 - 10) / statistics.stdev(spans))
    assert found.lean is None


def test_it_leans_as_bought_less_sold() -> None:
    trades = [sold(5 * n + 2, 10.0 + n, TradeSide.ASK) for n in range(8)] + [sold(3, 30.0, TradeSide.BID)]
    found = dark_pool_z(trades, NOW)
    assert found is not None
    assert found.lean == pytest.approx((108 - 30) / 138)


@pytest.mark.parametrize(
    "trades",
    [[], [sold(3, 10.0)], [sold(5 * n, 10.0 + n) for n in range(5)], [sold(5 * n + 2, 10.0) for n in range(9)],
     [sold(5 * n + 2, math.nan) for n in range(9)], [sold(-5 * n - 2, 10.0) for n in range(9)]],
    ids=["none", "one", "too few", "all alike", "no numbers", "all later"],
)  # fmt: skip
def test_where_nothing_can_be_compared_nothing_is_said(trades: list[DarkPoolTrade]) -> None:
    assert dark_pool_z(trades, NOW) is None


def level(price: str, lit: int, off: int) -> PriceLevel:
    return PriceLevel(Decimal(price), lit, off)


def test_shares_and_prices_on_and_off_the_exchanges() -> None:
    levels = [level("100", 100, 300), level("101", 300, 100)]
    assert dark_share(levels) == pytest.approx(0.5)
    assert off_below(levels) == pytest.approx(0.5), "those off the exchanges were half of the range cheaper"
    assert off_below(levels[:1]) is None
    assert off_below([level("100", 5, 0), level("101", 5, 0)]) is None
    assert dark_share([]) is None
