"""What a book leans towards: bounded, odd in its sides, and silent about half a book."""

import csv
import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.book_measures import MEASURES
from bot.analytics.depth import book_imbalance, book_pressure, book_slope
from bot.domain.events.market_data import BookReceived
from bot.domain.quotes import Depth, DepthLevel
from bot.engine.state.board import Board

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


def test_pressure_of_known_books() -> None:
    assert book_pressure(book([100, 100], [100, 100])) == 0
    # bids at 0.5 from mid; asks half at 0.5, half at 1.5: (1.0 - 0.5) / (1.0 + 0.5)
    assert book_pressure(book([100], [100, 100])) == pytest.approx(1 / 3)
    assert book_pressure(book([100, 100], [100])) == pytest.approx(-1 / 3)


def test_slope_of_known_books() -> None:
    assert book_slope(book([100, 200, 300], [100, 200, 300])) == 0
    assert book_slope(book([100, 200, 300], [100, 150, 200])) == pytest.approx((100 - 50) / (100 + 50))
    assert book_slope(book([300, 200, 100], [100, 200, 300])) == -1
    assert book_slope(book([100], [100, 200])) is None, "one level makes no line"
    assert book_slope(book([100, 100], [50, 50])) is None, "neither changes with the level"


@given(SIDES, SIDES)
def test_pressure_and_slope_are_bounded_and_change_sign_with_the_sides(bids: list[int], asks: list[int]) -> None:
    for of in (book_pressure, book_slope):
        value, mirrored = of(book(bids, asks)), of(book(asks, bids))
        assert (value is None) == (mirrored is None)
        if value is not None and mirrored is not None:
            assert -1 <= value <= 1
            assert mirrored == pytest.approx(-value, abs=1e-9)


def test_a_crossed_book_and_a_price_that_is_no_number_say_nothing() -> None:
    crossed = Depth([DepthLevel(Decimal(102), 5), DepthLevel(Decimal(101), 9)], book([1], [5, 9]).asks, NOW)
    nameless = Depth([DepthLevel(Decimal("NaN"), 5)], book([1], [5]).asks, NOW)
    for of in (book_pressure, book_slope):
        assert of(crossed) is None
        assert of(nameless) is None


def test_as_measures_they_have_the_moment_of_the_book_or_say_why_they_have_none() -> None:
    for measure in MEASURES:
        board = Board()
        assert measure.read(board, "SPY", NOW).absent == "no book"
        board.apply_book(BookReceived("SPY", book([100, 300], [100, 200])))
        reading = measure.read(board, "SPY", NOW)
        assert (reading.absent, reading.at, reading.number is not None) == ("", NOW, True)
        board.apply_book(BookReceived("SPY", book([], [100])))
        assert "one-sided" in measure.read(board, "SPY", NOW).absent


def test_on_a_recorded_book_a_pressure_of_prices_is_nothing_and_one_of_distances_speaks(shared_data: Path) -> None:
    path = shared_data / "lobster-aapl-2012-06-21" / "book10_first999.csv.gz"
    of_prices, of_distances = [], []
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            sides = {side: [DepthLevel(Decimal(row[f"{side}_price_{n}"]) / 10_000, int(row[f"{side}_size_{n}"]))
                            for n in range(1, 11)] for side in ("bid", "ask")}  # fmt: skip
            mean = {side: sum(float(each.price) * each.size for each in levels) / sum(each.size for each in levels)
                    for side, levels in sides.items()}  # fmt: skip
            of_prices.append((mean["bid"] - mean["ask"]) / (mean["bid"] + mean["ask"]))
            of_distances.append(book_pressure(Depth(sides["bid"], sides["ask"], NOW)) or 0.0)
    assert sum(of_prices) / len(of_prices) == pytest.approx(-0.0015, abs=0.0015)
    assert max(map(abs, of_prices)) < 0.01
    assert max(map(abs, of_distances)) > 0.2
