"""How many examples a law of a whole desk is tried with: few and the same each time, so that what was green stays
green; with `EXPLORE=10` in the environment (`make laws`) ten times as many, and new ones."""

from __future__ import annotations

import os
from typing import Final

TIMES: Final = int(os.environ.get("EXPLORE", "1"))
EXPLORES: Final = "EXPLORE" in os.environ


def examples(usual: int) -> int:
    """Return how many examples to try, `usual` in `make test`."""
    return usual * TIMES
