"""Market data lines as people see them: who holds one, who waits for one, and why.

An account has so many lines at once. They go to positions first, then to candidates, then to context; a position's line
is never given away.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum


class Rank(IntEnum):
    """What a line is for; the smaller number is served first."""

    POSITION = 1
    CANDIDATE = 2
    CONTEXT = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class LineState(StrEnum):
    """How a line stands."""

    OPEN = "open"  # subscribed and answered with live data
    WAITING = "waiting"  # asked for, or about to be; nothing has come
    DELAYED = "delayed"  # shown, not traded on
    REFUSED = "refused"  # the broker does not give it
    LEFT_OUT = "left_out"  # beyond the budget: others are more important
    SNAPSHOT = "snapshot"  # asked once now and then; no line is held
    CLOSED = "closed"  # nobody wants it any more


def take_turns(keys: Sequence[str], room: int, turn: int) -> Sequence[str]:
    """Return the keys whose turn it is: all where there is room for all, else the next `room` of them, round and round,
    so that after as many turns as it takes every key has had one."""
    if room <= 0:
        return ()
    if len(keys) <= room:
        return keys
    first = turn * room
    return [keys[(first + place) % len(keys)] for place in range(room)]
