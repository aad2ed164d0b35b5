"""What becomes of a line that the broker speaks against."""

from __future__ import annotations

import pytest

from bot.domain.line_refusals import MOST_RESETS, RESETS_WITHIN_S, is_given_up, lately_broken, rest_s


@pytest.mark.parametrize(
    "is_open, ticked, given_up",
    [
        (True, False, True),
        (True, True, False),  # a part of what was asked for was refused: the rest comes
        (False, False, False),  # closed since, or opened anew: the word was about another subscription
        (False, True, False),
    ],
)
def test_silence_after_a_word_gives_up_the_line_that_it_was_about(is_open: bool, ticked: bool, given_up: bool) -> None:
    assert is_given_up(is_open=is_open, ticked=ticked) is given_up


def test_a_book_may_break_so_often_and_then_rests() -> None:
    before = [100.0 * n for n in range(MOST_RESETS)]
    assert [rest_s(before[:count], 500.0) for count in range(MOST_RESETS)] == [None] * MOST_RESETS
    assert rest_s(before, 500.0) == RESETS_WITHIN_S


def test_what_broke_long_ago_does_not_count() -> None:
    before = [0.0, *(10.0 + n for n in range(MOST_RESETS - 1))]
    assert rest_s(before, RESETS_WITHIN_S - 0.5) == RESETS_WITHIN_S
    assert rest_s(before, RESETS_WITHIN_S) is None
    assert lately_broken(before, RESETS_WITHIN_S) == before[1:]
