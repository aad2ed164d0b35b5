"""Numbers found in the past: known answers, fallbacks with their reason, refusals with their evidence, real data."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.analytics.discovery import (
    autocorrelation,
    correlations,
    lookback,
    makers,
    percentile,
    sides,
    size_clusters,
    toxicity,
    volatility_bounds,
    vpin_bucket,
)
from bot.config.discovery import DiscoverySettings
from bot.domain.bars import PriceBar
from bot.domain.quotes import TradePrint

S = DiscoverySettings()
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def bars(closes: list[float], since: datetime = OPEN) -> list[PriceBar]:
    prices = [Decimal(repr(round(close, 4))) for close in closes]
    return [PriceBar(since + timedelta(minutes=n), 60, p, p, p, p, 100) for n, p in enumerate(prices)]


def prints(*given_: tuple[str, int, str]) -> list[TradePrint]:
    return [TradePrint(Decimal(price), size, OPEN, exchange=venue) for price, size, venue in given_]


def walk(count: int, coefficient: float, seed: int = 1) -> list[float]:
    """Return prices whose log returns are an autoregression of the first order."""
    noise, value, price, found = np.random.default_rng(seed).normal(0, 0.001, count), 0.0, 100.0, []
    for each in noise:
        value = coefficient * value + float(each)
        price *= float(np.exp(value))
        found.append(price)
    return found


def test_five_sizes_are_five_clusters_and_the_middle_one_is_the_bucket() -> None:
    sizes = [1] * 300 + [10] * 300 + [200] * 500 + [4000] * 50 + [90_000] * 20
    found = vpin_bucket(sizes, S)
    assert (found.value, found.why) == (200.0, "")
    assert [(round(size), count) for size, count in size_clusters(sizes)] == [
        (1, 300), (10, 300), (200, 500), (4000, 50), (90_000, 20),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sizes,why",
    [
        ([100] * 999, "999 prints, 1000 are needed"),
        ([100] * 2000, "the sizes make 1 clusters of 5"),
        ([1, 10, 20, 4000, 90_000] * 400, "refused: 20 is outside 50 to 500"),
        ([1, 10, 501, 4000, 90_000] * 400, "refused: 501 is outside 50 to 500"),
        ([0, -5] * 2000, "0 prints, 1000 are needed"),
    ],
)
def test_a_bucket_that_cannot_be_found_falls_back_and_says_why(sizes: list[int], why: str) -> None:
    found = vpin_bucket(sizes, S)
    assert (found.value, found.used, found.why) == (None, 100.0, why)
    assert ("refused" in found.evidence) == why.startswith("refused")


def test_only_the_latest_prints_count() -> None:
    old = [1, 10, 20, 4000, 90_000] * 2000
    assert vpin_bucket([*old, *[1, 10, 300, 4000, 90_000] * 2000], S).value == 300


@settings(max_examples=30)
@given(st.lists(st.integers(1, 100_000), min_size=20, max_size=24))
def test_whatever_was_traded_the_bucket_that_is_used_is_within_its_bounds(some: list[int]) -> None:
    sizes = some * 50
    found = vpin_bucket(sizes, S)
    assert 50 <= found.used <= 500
    assert (found.value is None) == bool(found.why)
    assert sum(count for _, count in size_clusters(sizes)) == len(sizes)


def test_autocorrelation_is_what_an_independent_computation_says() -> None:
    values = [float(each) for each in np.random.default_rng(3).normal(0, 1, 200)]
    apart = np.array(values) - np.mean(values)
    expected = [float(np.dot(apart[:-k], apart[k:]) / np.dot(apart, apart)) for k in range(1, 51)]
    assert autocorrelation(values, 50) == pytest.approx(expected, abs=1e-12)
    assert autocorrelation([1.0] * 50, 10) == []


def test_the_look_back_reaches_as_far_as_the_past_says_anything() -> None:
    long, short = lookback(bars(walk(600, 0.9)), S), lookback(bars(walk(99, 0.9)), S)
    assert 2 <= (long.value or 0) <= 30
    assert long.value == min(long.evidence["lags"][-1], 30)
    assert (short.value, short.used, short.why) == (None, 12.0, "99 bars, 100 are needed")
    flat = lookback(bars([100.0] * 200), S)
    assert (flat.value, flat.why) == (None, "no lag to 50 is beyond the bound")


@pytest.mark.parametrize(
    "mean_size,balance,known,expected",
    [(99, 2.0, False, 0.3), (100, 2.0, False, 0.0), (99, 1.0, False, 0.2), (200, 1.0, False, 0.0),
     (200, 3.0, True, 0.4), (50, None, True, 0.7), (50, 0.8, True, 0.6), (50, 1.21, True, 0.7)],
)  # fmt: skip
def test_toxicity_adds_up_as_it_is_written(
    mean_size: float, balance: float | None, known: bool, expected: float
) -> None:
    assert toxicity(mean_size, balance, known=known) == pytest.approx(expected)


def test_makers_are_judged_from_their_own_prints_and_those_of_few_are_not() -> None:
    wanted = DiscoverySettings(fast_makers=("X",), fewest_maker_prints=3)
    rising = [("10.00", 50, "X"), ("10.01", 50, "X"), ("10.02", 50, "X"), ("10.03", 500, "Y"), ("10.04", 500, "Y"),
              ("10.05", 500, "Y"), ("10.06", 1, "Z")]  # fmt: skip
    found = {each.name: (each.toxicity, each.fast) for each in makers(prints(*rising), wanted)}
    assert found == {"X": (0.7, True), "Y": (0.0, False)}


def test_who_was_in_a_hurry_is_told_by_the_quote_then_by_the_price_before() -> None:
    quoted = [TradePrint(Decimal("1.10"), 1, OPEN, bid=Decimal("1.00"), ask=Decimal("1.10")),
              TradePrint(Decimal("1.00"), 1, OPEN, bid=Decimal("1.00"), ask=Decimal("1.10")),
              TradePrint(Decimal("1.05"), 1, OPEN, bid=Decimal("1.00"), ask=Decimal("1.10")),
              TradePrint(Decimal("1.05"), 1, OPEN)]  # fmt: skip
    assert sides(quoted) == [1, -1, 1, 1]
    assert sides([TradePrint(Decimal(1), 1, OPEN)]) == [0]


def test_volatility_bounds_are_percentiles_of_windows_and_a_night_is_in_none() -> None:
    rng = np.random.default_rng(5)
    closes = [100 * float(each) for each in np.exp(np.cumsum(rng.normal(0, 0.0005, 400)))]
    low, high = volatility_bounds(bars(closes), S)
    returns = np.diff(np.log(np.array([float(Decimal(repr(round(close, 4)))) for close in closes])))
    windows = [np.std(returns[n : n + 20], ddof=1) * np.sqrt(252 * 390) for n in range(0, len(returns) - 19, 5)]
    assert low.value == pytest.approx(float(np.percentile(windows, 33)))
    assert high.value == pytest.approx(float(np.percentile(windows, 67)))
    two_days = [*bars(closes[:200]), *bars([2 * close for close in closes[:200]], OPEN + timedelta(days=1))]
    assert (volatility_bounds(two_days, S)[1].value or 1) < 1, "a price that doubled overnight moved no window"
    few = volatility_bounds(bars(closes[:50]), S)
    assert [each.used for each in few] == [0.10, 0.25]
    assert all("too few" in each.why for each in few)


def test_percentiles_are_those_of_an_independent_library() -> None:
    values = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]
    for at in (0, 33, 50, 67, 100):
        assert percentile(values, at) == pytest.approx(float(np.percentile(values, at)))


def test_correlations_need_their_bars_in_common() -> None:
    one, other = walk(120, 0.0), walk(120, 0.0, seed=9)
    past = {
        "A": bars(one),
        "B": bars([1 / close * 1e4 for close in one]),
        "C": bars(other[:40]),
        "D": bars([5.0] * 120),
    }
    found, missing = correlations(past, S)
    assert found == {"A B": pytest.approx(-1, abs=0.01)}
    assert missing["A C"] == "39 common bars, 50 are needed"
    assert missing["A D"] == "one of the two did not move"


@pytest.mark.parametrize("symbol,value,refused", [("ibm", 328.0, None), ("spy", None, 886)])
def test_real_prints_of_2013(shared_data: Path, symbol: str, value: float | None, refused: int | None) -> None:
    import pyarrow.parquet as pq

    sizes = pq.read_table(shared_data / "equity-ticks-2013-10-08" / f"{symbol}_trade_ticks.parquet")["size"].to_pylist()
    found = vpin_bucket(sizes, S)
    assert (found.value, found.evidence.get("refused"), found.evidence["prints"]) == (value, refused, 10_000)


def test_real_minutes_of_2024(shared_data: Path) -> None:
    past: dict[str, list[Any]] = {}
    for symbol in ("SPY", "QQQ"):
        with gzip.open(shared_data / "us-minute-bars-2024-08" / f"{symbol}.csv.gz", "rt") as lines:
            rows = [line.split(",") for line in lines][1:]
        day = [row for row in rows if row[0].startswith("2024-08-28") and "09:30" <= row[0][11:16] < "16:00"]
        past[symbol] = bars([float(row[4]) for row in day])
    assert len(past["SPY"]) == 390
    found, missing = correlations(past, S)
    low, high = volatility_bounds(past["SPY"], S)
    assert missing == {}
    assert 0.7 < found["QQQ SPY"] <= 1
    assert 0.03 < low.used < high.used < 0.30
