"""Expressions of scored strategies: what is allowed, and by what words anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.expressions import MOST_LETTERS, ExpressionRefused, read_expression
from bot.domain.score_names import UNITS


@pytest.mark.parametrize(
    "text, names",
    [
        ("vpin > 0.40", {"vpin"}),
        ("imbalance > 0.3 or imbalance < -0.3", {"imbalance"}),
        ("gex_total > 0.5 * gex_floor and not pin_distance >= 0.5 * pct", {"gex_total", "gex_floor", "pin_distance"}),
        ("dex_total > 50 * musd", {"dex_total"}),
        ("gex_total > 0", {"gex_total"}),
        ("gex_total / gex_floor > 2", {"gex_total", "gex_floor"}),
        ('volatility == "HIGH"', {"volatility"}),
        ("0.2 < vpin < 0.8", {"vpin"}),
    ],
)
def test_comparison_arithmetic_and_truth_are_allowed(text: str, names: set[str]) -> None:
    assert read_expression(text, UNITS).names == names


@pytest.mark.parametrize(
    "text, words",
    [
        ("vpin", "comes to no true or false"),
        ("vpin + 1", "comes to no true or false"),
        ("vpinn > 1", "nothing is called 'vpinn'"),
        ("gex_total > 5", "in usd and cannot be compared with"),
        ("gex_total + vpin > 0", "cannot be added to"),
        ("gex_total * dex_total > 0", "one of both must be a plain number"),
        ("vpin / 0 > 1", "divides by zero"),
        ("vpin / gex_total > 1", "divides a plain number by in usd"),
        ("volatility > 3", "is no number"),
        ('volatility < "HIGH"', "is no number"),
        ("vpin ** 9 > 1", "is not allowed"),
        ("vpin % 2 > 1", "is not allowed"),
        ("__import__('os').system('true') > 0", "is not allowed"),
        ("vpin.__class__ == 1", "is not allowed"),
        ("[vpin][0] > 1", "is not allowed"),
        ("(lambda: vpin)() > 1", "is not allowed"),
        ("[x for x in vpin] == 1", "is not allowed"),
        ("vpin if vpin > 1 else vpin", "is not allowed"),
        ("(v := vpin) > 1", "is not allowed"),
        ("f'{vpin}' == 'x'", "is not allowed"),
        ("True", "neither a number nor a word"),
        ("vpin > True", "neither a number nor a word"),
        ("vpin > 1e999", "neither a number nor a word"),
        ("vpin in 'x'", "only <"),
        ("vpin and vpin > 1", "is neither true nor false"),
        ("vpin >", "is no expression"),
        ("import os", "is no expression"),
        ("vpin > 1\nvpin > 2", "is no expression"),
        ("", "is no expression"),
        ("vpin > " + "9" * MOST_LETTERS, "longer than"),
        ("vpin > 0" + " + 1" * 40, "at most"),
        ("not " * 20 + "vpin > 0", "at most"),
    ],
)
def test_anything_else_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ExpressionRefused, match=words):
        read_expression(text, UNITS)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        read_expression(text, UNITS)
    except ExpressionRefused:
        return
    assert text.strip()
