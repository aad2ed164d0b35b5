"""What an expression comes to on numbers: true, false, or in words nothing."""

from __future__ import annotations

import pytest

from bot.domain.score_names import SCORE_NAMES, UNITS
from bot.strategies.expressions import holds
from bot.strategies.named import NAMED


@pytest.mark.parametrize(
    "text, values, comes_to",
    [
        ("vpin > 0.4", {"vpin": 0.41}, True),
        ("vpin > 0.4", {"vpin": 0.4}, False),
        ("dex_total < -50 * musd", {"dex_total": -51e6}, True),
        ("pin_distance < 0.5 * pct", {"pin_distance": 0.0049}, True),
        ("not vpin > 0.4 and 1 < 2", {"vpin": 0.1}, True),
        ('volatility == "HIGH"', {"volatility": "HIGH"}, True),
        ("1 / vpin > 1", {"vpin": 0.0}, "divides by zero"),
    ],
)
def test_it_comes_to_true_false_or_words(text: str, values: dict[str, float | str], comes_to: bool | str) -> None:
    assert holds(text, values) == comes_to


@pytest.mark.parametrize("text", ["vpin > 0.4", "vpin.real > 0", "abs(vpin) > 0", "vpin ** 2 > 0", "[vpin] == 1", ")"])
def test_what_is_absent_or_not_allowed_comes_to_words_and_raises_nothing(text: str) -> None:
    assert isinstance(holds(text, {}), str)


def test_each_name_has_a_unit_words_and_a_way_to_be_read() -> None:
    assert set(NAMED) == set(SCORE_NAMES) == set(UNITS)
    assert all(each.words for each in SCORE_NAMES.values())
