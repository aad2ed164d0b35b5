"""The second look forgives nothing that fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.second_look import MOST, failed, look


class Runs:
    """Pytest, played: the code of the whole run, and which tests fail alone as well."""

    def __init__(self, code: int, red_alone: Sequence[str] = ()) -> None:
        self.code, self.red_alone = code, red_alone
        self.alone: list[str] = []

    def __call__(self, arguments: Sequence[str]) -> int:
        if arguments[0] == "--cache-clear":
            return self.code
        self.alone.append(arguments[-1])
        return 1 if arguments[-1] in self.red_alone else 0


def test_what_passes_alone_is_named_and_the_run_is_green(capfd: pytest.CaptureFixture[str]) -> None:
    runs = Runs(1)
    assert look([], runs, lambda: ["a", "b"]) == 0
    assert runs.alone == ["a", "b"]
    assert "second look: b failed beside others and passed alone: mend it" in capfd.readouterr().out


def test_what_fails_alone_is_red_whatever_the_others_do() -> None:
    assert look([], Runs(1, ["b"]), lambda: ["a", "b"]) == 1


@pytest.mark.parametrize("code", [0, 2, 3, 4, 5])
def test_no_other_end_is_looked_at_again(code: int) -> None:
    runs = Runs(code)
    assert look([], runs, lambda: ["a"]) == code
    assert not runs.alone


def test_many_failures_are_no_accident() -> None:
    runs = Runs(1)
    assert look([], runs, lambda: [str(number) for number in range(MOST + 1)]) == 1
    assert not runs.alone


def test_a_failure_of_which_nothing_is_known_stands() -> None:
    assert look([], Runs(1), list) == 1


def test_the_names_are_those_that_pytest_keeps(tmp_path: Path) -> None:
    kept = tmp_path / "lastfailed"
    kept.write_text('{"tests/a.py::test_b[c d]": true}')
    assert failed(kept) == ["tests/a.py::test_b[c d]"]
    assert failed(tmp_path / "none") == []
