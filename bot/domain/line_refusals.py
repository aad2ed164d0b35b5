"""Lines that the broker speaks against: when one is given up, and when one rests that broke too often.

Context: what TWS refuses may be a part of what was asked for (10090: the quote comes, the rest is not paid for), and
the codes do not say which. Decision: the ticks judge. A line that says something of its instrument in the seconds after
the word is one; a silent one is given up, and its place is free. Pure: times are seconds of any steady clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST_RESETS: Final = 5
RESETS_WITHIN_S: Final = 600.0
"""A book that breaks more often than so within so long is given up until then: the venue and we do not understand each
other."""


def is_given_up(*, is_open: bool, ticked: bool) -> bool:
    """Say whether a line is given up, a while after the broker spoke against it. `is_open`: it is the same subscription
    still; `ticked`: it said something of its instrument since the word."""
    return is_open and not ticked


def lately_broken(broken_at: Sequence[float], now: float) -> list[float]:
    """Return when a book broke, of the times that still count."""
    return [at for at in broken_at if now - at < RESETS_WITHIN_S]


def rest_s(broken_before: Sequence[float], now: float) -> float | None:
    """Return how many seconds a book is not asked for that breaks now and broke at those times before; None when it is
    asked for anew at once."""
    return RESETS_WITHIN_S if len(lately_broken(broken_before, now)) >= MOST_RESETS else None
