"""A patch makes the new of the old, whatever both are, and is small where little changed."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.web.patches import applied, patch

TEXTS = st.lists(st.text(alphabet="ab<>é😀 7", max_size=12), max_size=8).map("\n".join)


@given(TEXTS, TEXTS)
def test_a_patch_makes_the_new_of_the_old(old: str, new: str) -> None:
    assert applied(old, json.loads(json.dumps(patch(old, new)))) == new


@given(TEXTS)
def test_what_did_not_change_says_nothing(same: str) -> None:
    assert patch(same, same) == []


def test_an_age_costs_its_digits_alone() -> None:
    row = "<tr><td>{}</td></tr>"
    old, new = ("\n".join([row.format("x")] * 50 + [row.format(age)]) for age in ("41 s", "42 s"))
    assert patch(old, new) == [[50, 9, 1, "2"]]
