"""Stated probabilities against outcomes: known answers and laws."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bot.analytics.calibration import mean_interval, moves_calibrated, reliability, student_quantile, wilson


@pytest.mark.parametrize("hits,of", [(0, 10), (1, 10), (5, 10), (10, 10), (30, 50), (1, 1000)])
def test_wilson_is_what_an_independent_library_says(hits: int, of: int) -> None:
    expected = stats.binomtest(hits, of).proportion_ci(method="wilson")
    assert wilson(hits, of) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_of_nothing_anything_is_possible() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert (reliability([]), moves_calibrated([]), mean_interval([1.0])) == (None, None, None)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 10, 29, 200])
def test_student_is_what_an_independent_library_says(degrees: int) -> None:
    assert student_quantile(degrees) == pytest.approx(float(stats.t.ppf(0.975, degrees)), rel=0.004)


def test_brier_buckets_and_skill_by_hand() -> None:
    found = reliability([(0.9, 1), (0.9, 1), (0.9, 0), (0.2, 0), (1.0, 1)])
    assert found is not None
    assert found.brier == pytest.approx((0.01 + 0.01 + 0.81 + 0.04 + 0) / 5)
    assert found.count == 5
    assert found.came == pytest.approx(0.6)
    assert found.skill == pytest.approx(1 - found.brier / 0.24)
    low, high = found.buckets
    assert (low.low, low.count, low.came) == (0.2, 1, 0.0)
    assert (high.low, high.count, high.came) == (0.9, 4, 0.75)
    assert high.stated == pytest.approx(0.925)


def test_honest_probabilities_are_within_their_intervals_and_bold_ones_are_not() -> None:
    rng = random.Random(7)
    stated = [rng.random() for _ in range(4000)]
    honest = reliability([(p, float(rng.random() < p)) for p in stated])
    bold = reliability([(0.95, float(rng.random() < 0.6)) for _ in range(400)])
    assert honest is not None
    assert bold is not None
    assert sum(bucket.is_within for bucket in honest.buckets) >= 8
    assert (honest.skill or 0) > 0.2
    assert [bucket.is_within for bucket in bold.buckets] == [False]
    assert (bold.skill or 0) < 0


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60))
def test_every_forecast_is_in_one_bucket_and_the_score_is_a_score(settled: list[tuple[float, float]]) -> None:
    found = reliability(settled)
    assert found is not None
    assert sum(bucket.count for bucket in found.buckets) == found.count == len(settled)
    assert 0 <= found.brier <= 1
    for bucket in found.buckets:
        assert 0 <= bucket.interval[0] <= bucket.came <= bucket.interval[1] <= 1
        assert bucket.low - 1e-9 <= bucket.stated <= bucket.high + 1e-9


def test_moves_against_what_was_implied() -> None:
    found = moves_calibrated([0.5, 1.0, 1.5, 2.0, float("nan")])
    assert found is not None
    assert (found.count, found.mean, found.beyond) == (4, 1.25, 0.5)
    expected = stats.t.interval(0.95, 3, loc=1.25, scale=stats.sem([0.5, 1.0, 1.5, 2.0]))
    assert found.interval == pytest.approx(expected, rel=0.01)
