"""What holds of a line whatever ticks come."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broker.contracts import to_ib
from bot.broker.decoder import zoned
from bot.broker.ib import Contract
from bot.broker.lines import BookBroken, BookLine, QuoteLine
from bot.domain.events.market_data import BookReceived, QuoteReceived

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ROW = st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 1), st.floats(), st.floats())


@given(st.lists(ROW, max_size=60))
def test_a_book_is_sorted_and_bounded_or_says_that_it_is_broken(rows: list[tuple[int, int, int, float, float]]) -> None:
    line = BookLine("SPY", to_ib("SPY"), 1, rows=10)
    for row in rows:
        with contextlib.suppress(BookBroken):
            line.row(*row)
    (told,) = line.events(NOW)
    assert isinstance(told, BookReceived)
    bids = [level.price for level in told.book.bids]
    asks = [level.price for level in told.book.asks]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert max(len(bids), len(asks)) <= 10


@given(st.lists(st.tuples(st.sampled_from([1, 2, 4, 9, 37, 66, 67, 68]), st.floats(), st.floats()), max_size=20))
def test_a_quote_holds_only_sound_numbers(ticks: list[tuple[int, float, float]]) -> None:
    line = QuoteLine("SPY", to_ib("SPY"), 1)
    for tick in ticks:
        line.price(*tick)
    for told in line.events(NOW):
        assert isinstance(told, QuoteReceived)
        prices = [each for each in (told.quote.bid, told.quote.ask, told.quote.last) if each is not None]
        assert all(each.is_finite() and each >= 0 for each in prices)
        assert told.quote.bid_size >= 0
    assert line.events(NOW) == []


@pytest.mark.parametrize("kind, told", [("IND", Decimal(-600)), ("FUT", Decimal(-600)), ("STK", None), ("OPT", None)])
def test_what_may_stand_below_zero_is_told_so_and_minus_one_is_none_everywhere(kind: str, told: Decimal | None) -> None:
    line = QuoteLine("X", Contract(secType=kind), 1)
    line.price(4, -600.0, 1)
    assert line.last == told
    line.price(4, -1.0, 1)
    assert line.last is None


@given(st.text())
def test_any_text_in_place_of_a_time_stays_a_text(text: str) -> None:
    assert isinstance(zoned(text, "America/New_York"), str)


def test_the_close_of_the_session_before_is_kept_and_only_another_one_is_news() -> None:
    line = QuoteLine("SPY", to_ib("SPY"), 1)
    assert line.price(9, 592.4, 0)
    (told,) = line.events(NOW)
    assert isinstance(told, QuoteReceived)
    assert (told.quote.close, told.quote.last) == (Decimal("592.4"), None)
    assert not line.price(9, 592.4, 0)
    assert not line.price(9, -1.0, 0)
    assert line.price(75, 593.0, 0)


@pytest.mark.parametrize(
    "value, halted", [(-1.0, False), (0.0, False), (1.0, True), (2.0, True), (float("nan"), False)]
)
def test_the_values_of_the_halted_tick(value: float, halted: bool) -> None:
    line = QuoteLine("SPY", to_ib("SPY"), 1)
    line.halt(value)
    assert line.halted is halted
