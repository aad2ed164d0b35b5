"""Tests that are named in a table: whether they are still there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent


def assert_there_is(name: str) -> None:
    """Fail unless `folder/test_file.py::test_name` exists; with `*` for the name the file must have tests."""
    path, _, test = name.partition("::")
    found = _tests_of(TESTS / path)
    assert found if test == "*" else test in found, f"{name} is gone"


@cache
def _tests_of(path: Path) -> frozenset[str]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE))
