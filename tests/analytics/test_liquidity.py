"""Liquidity grades: both limits must hold, and better is never graded worse."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.liquidity import Grade, at_least, grade_quote, liquidity_grade
from bot.domain.quotes import Quote

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "spread, depth, grade",
    [
        ("0", 50, "A"), ("0.02", 50, "A"), ("0.02", 49, "B"), ("0.0201", 500, "B"), ("0.05", 10, "B"), ("0.05", 9, "C"),
        ("0.0501", 500, "C"), ("0.10", 1, "C"), ("0.10", 0, "D"), ("0.1001", 500, "D"), ("0.01", 0, "D"),
        ("-0.01", 500, "D"),
    ],
)  # fmt: skip
def test_a_grade_needs_both_its_limits(spread: str, depth: int, grade: str) -> None:
    assert liquidity_grade(Decimal(spread), depth) is Grade(grade)


def test_the_thinner_side_is_the_depth() -> None:
    assert grade_quote(Quote(Decimal("2.00"), Decimal("2.02"), 500, 9, None, NOW)) is Grade.C


def test_a_quote_without_both_sides_is_a_d() -> None:
    assert grade_quote(Quote(None, Decimal("2.02"), 0, 900, None, NOW)) is Grade.D
    assert grade_quote(Quote(Decimal(0), Decimal(0), 900, 900, None, NOW)) is Grade.D


def test_grades_are_ordered_from_a_to_d() -> None:
    assert [at_least(grade, Grade.B) for grade in Grade] == [True, True, False, False]


SPREADS = st.decimals("0", "0.3", places=4)
DEPTHS = st.integers(0, 200)


@given(SPREADS, SPREADS, DEPTHS, DEPTHS)
def test_a_tighter_and_deeper_quote_is_never_graded_worse(s1: Decimal, s2: Decimal, d1: int, d2: int) -> None:
    better = liquidity_grade(min(s1, s2), max(d1, d2))
    assert at_least(better, liquidity_grade(max(s1, s2), min(d1, d2)))
