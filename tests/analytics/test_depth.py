"""Order-book imbalance: bounded, odd in its sides, and silent about half a book."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.depth import book_imbalance
from bot.domain.quotes import Depth, DepthLevel

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def book(bids: list[int], asks: list[int]) -> Depth:
    return Depth(
        [DepthLevel(Decimal(100 - i), size) for i, size in enumerate(bids)],
        [DepthLevel(Decimal(101 + i), size) for i, size in enumerate(asks)],
        NOW,
    )


def test_known_books() -> None:
    assert book_imbalance(book([300], [100])) == pytest.approx(0.5)
    assert book_imbalance(book([100, 100], [100, 100])) == 0
    assert book_imbalance(book([100], [200, 100])) == pytest.approx(-0.5)


def test_levels_beyond_those_asked_for_do_not_count() -> None:
    assert book_imbalance(book([100] * 10 + [9999], [100] * 10)) == 0
    assert book_imbalance(book([300, 9999], [100]), levels=1) == pytest.approx(0.5)


@pytest.mark.parametrize("bids, asks", [([], [100]), ([100], []), ([], []), ([0], [100]), ([100], [0])])
def test_half_a_book_says_nothing(bids: list[int], asks: list[int]) -> None:
    assert book_imbalance(book(bids, asks)) is None


SIDES = st.lists(st.integers(0, 10**9), min_size=1, max_size=15)


@given(SIDES, SIDES)
def test_imbalance_is_bounded_and_changes_sign_with_the_sides(bids: list[int], asks: list[int]) -> None:
    value = book_imbalance(book(bids, asks))
    mirrored = book_imbalance(book(asks, bids))
    if value is None:
        assert mirrored is None
        return
    assert -1 <= value <= 1
    assert mirrored == -value
