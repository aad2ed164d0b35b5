"""A word that comes at every error is told by its count."""

from hypothesis import given
from hypothesis import strategies as st

from bot.broker.repeats import Repeats, so_often


def test_the_first_the_tenth_and_the_hundredth_time_are_told() -> None:
    repeats = Repeats()
    told = [times for _ in range(1200) if (times := repeats.count("error code 77777"))]
    assert told == [1, 10, 100, 1000]
    assert (so_often(1), so_often(100)) == ("", " (100 times by now)")


@given(st.lists(st.text(max_size=3), max_size=60))
def test_each_word_has_its_own_first_time(words: list[str]) -> None:
    repeats = Repeats()
    firsts = [word for word in words if repeats.count(word) == 1]
    assert firsts == list(dict.fromkeys(words))


def test_words_without_end_are_told_seldom() -> None:
    repeats = Repeats()
    told = sum(bool(repeats.count(f"word {n}")) for n in range(100_000))
    assert told < 1010
