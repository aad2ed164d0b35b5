"""`python -m tests.second_look ARGS`: pytest, and what failed beside others once more alone.

A third of the suite starts programs and waits for sockets while other workers keep the same two cores busy, and a
machine that is shared with strangers stands still for seconds. What such a moment breaks says nothing of the program,
and nobody learns anything from a red run that is green the next time. So up to three tests that failed are run again,
one after the other with nothing beside them. What fails alone as well is a failure; what passes is named at the end of
the run, for a test that needs this often is to be mended. More than three are no accident and get no second look.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

MOST: Final = 3
FAILED: Final = 1
"""Pytest's code for tests that failed; every other one (nothing collected, interrupted, wrong use) stands as it is."""
LAST_FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")

Run = Callable[[Sequence[str]], int]


def pytest(arguments: Sequence[str]) -> int:
    """Run pytest in a process of its own; returns its code."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def failed(cache: Path = LAST_FAILED) -> list[str]:
    """Return which tests failed in the last run; none where it kept no note of it."""
    try:
        return list(json.loads(cache.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def look(arguments: Sequence[str], run: Run = pytest, which_failed: Callable[[], list[str]] = failed) -> int:
    """Run the tests, and alone what failed of them where that is few; returns the code that stands."""
    code = run(["--cache-clear", *arguments])
    again = which_failed() if code == FAILED else []
    if not 0 < len(again) <= MOST:
        return code
    _say(f"{len(again)} failed beside others; each is run again alone")
    still = [name for name in again if run(["-n", "0", name]) != 0]
    for name in again:
        _say(f"{name} failed {'alone as well' if name in still else 'beside others and passed alone: mend it'}")
    return FAILED if still else 0


def _say(words: str) -> None:
    sys.stdout.write(f"second look: {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(look(sys.argv[1:]))
