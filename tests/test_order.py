"""The order of the test files: minutes before moments, and every file that is named is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.named import assert_there_is
from tests.order import LONGEST_FIRST, SECONDS, handed_out, is_of_seconds

ROOT = Path(__file__).resolve().parents[1]


def test_long_files_come_first_then_those_of_most_tests_and_no_test_leaves_its_place_in_its_file() -> None:
    quick = [("tests/risk/test_a.py", "a1"), ("tests/risk/test_b.py", "b1"), ("tests/risk/test_b.py", "b2")]
    long = [
        ("tests/web/test_browser.py", "w1"),
        ("tests/app/test_x.py", "x1"),
        ("tests/app/test_replayed_day.py", "d1"),
    ]
    expected = ["d1", "x1", "w1", "b1", "b2", "a1"]
    assert handed_out([*quick, *long]) == expected
    assert handed_out([*long, *quick]) == expected


@pytest.mark.parametrize("named", LONGEST_FIRST)
def test_what_is_named_is_there(named: str) -> None:
    assert (ROOT / named).exists()


@pytest.mark.parametrize("named", SECONDS)
def test_what_takes_seconds_is_there(named: str) -> None:
    if "::" in named:
        assert_there_is(named.removeprefix("tests/"))
    assert (ROOT / named.partition("::")[0]).is_file()


def test_a_whole_file_or_one_test_with_all_its_parameters_is_of_seconds() -> None:
    whole, one = "tests/engine/test_laws.py", "tests/engine/test_order_protocol.py::test_repeated_facts_change_nothing"
    assert is_of_seconds(f"{whole}::test_anything[a-b]")
    assert is_of_seconds(one)
    assert is_of_seconds(f"{one}[3]")
    assert not is_of_seconds(f"{one}_at_all")
    assert not is_of_seconds("tests/engine/test_order_protocol.py::test_another")
