"""Who may be asked now: a pure function of what is due, of the budgets and of the time.

A source has so many calls in any 60 seconds. Each class of priority has a share of them, as far as it needs it; what a
class does not need the next may take, the most important first. So at a hundred a minute everything comes in time, and
at thirty the critical data do and the rest waits.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.feeds.sources import Priority

WINDOW: Final = timedelta(seconds=60)
RANKS: Final = tuple(Priority)
_RANK: Final = {priority: rank for rank, priority in enumerate(RANKS)}


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is to be asked: `place` names it to the caller, `calls` is how many pages it takes."""

    place: int
    priority: Priority
    due_at: datetime
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be asked. `asked`: calls of the last 60 seconds, in their order; `demand`: calls a minute that each
    class needs; `left`: what the source's own headers leave of its minute, None where they say nothing, and until
    when."""

    per_minute: int
    shares: Mapping[Priority, int]
    demand: Mapping[Priority, float]
    asked: Sequence[tuple[datetime, Priority]] = ()
    left: int | None = None
    left_until: datetime | None = None
    in_flight: int = 0
    max_in_flight: int = 1


@dataclass(frozen=True, slots=True)
class Turns:
    """`go`: who is asked now, in this order; `held`: who is due and has to wait for room, and why; `wake_at`: when to
    ask again if nothing else happens, None: never."""

    go: tuple[int, ...] = ()
    held: Mapping[int, str] = field(default_factory=dict)
    wake_at: datetime | None = None


def grants(per_minute: int, shares: Mapping[Priority, int], demand: Mapping[Priority, float]) -> dict[Priority, int]:
    """Return the calls a minute that are kept for each class: its share as far as it needs it, then of what is left
    over as much as it needs beyond it; always the most important first."""
    left, found = per_minute, dict.fromkeys(RANKS, 0)
    for of_share in (True, False):
        for priority in RANKS:
            needed = math.ceil(demand.get(priority, 0)) - found[priority]
            wanted = min(needed, shares.get(priority, 0)) if of_share else needed
            given = max(0, min(wanted, left))
            found[priority] += given
            left -= given
    return found


def turns(claims: Iterable[Claim], room: Room, now: datetime) -> Turns:
    """Say who goes now. Never more than `per_minute` in any 60 seconds, nor more in flight than may be; nobody waits
    while there is room that no more important class needs."""
    waiting = sorted(claims, key=lambda claim: (_RANK[claim.priority], claim.due_at, claim.place))
    ledger = _Minute(room, now)
    go: list[int] = []
    held: dict[int, str] = {}
    for claim in waiting:
        if claim.due_at > now:
            continue
        if room.in_flight + len(go) >= room.max_in_flight:
            break
        if reason := ledger.refuses(claim):
            held[claim.place] = reason
            continue
        ledger.take(claim)
        go.append(claim.place)
    later = [claim.due_at for claim in waiting if claim.due_at > now]
    if held:
        later.append(ledger.frees_at())
    return Turns(tuple(go), held, min(later, default=None))


class _Minute:
    """The rolling minute as it is filled up by one decision."""

    def __init__(self, room: Room, now: datetime) -> None:
        self._room, self._now = room, now
        recent = [(at, priority) for at, priority in room.asked if at > now - WINDOW]
        self._first = recent[0][0] if recent else now
        self._used = Counter(priority for _, priority in recent)
        self._grants = grants(room.per_minute, room.shares, room.demand)
        self._header = room.left_until is not None and room.left_until > now and room.left is not None
        self._left = room.per_minute - len(recent)
        if self._header and room.left is not None:
            self._left = min(self._left, room.left - room.in_flight)

    def refuses(self, claim: Claim) -> str:
        """Return why there is no room, nothing where there is. What takes more pages than a whole minute has is let
        through in an empty one."""
        calls = min(claim.calls, self._room.per_minute)
        if self._left < calls:
            return "the minute's budget is spent"
        rank = _RANK[claim.priority]
        before = sum(self._unused(other) for other in RANKS[:rank])
        if self._left - calls < before:
            return "the minute's budget is kept for what is more important"
        after = sum(self._unused(other) for other in RANKS[rank + 1 :])
        if self._unused(claim.priority) <= 0 and self._left - calls < before + after:
            return f"the share of {claim.priority} is spent"
        return ""

    def take(self, claim: Claim) -> None:
        self._used[claim.priority] += claim.calls
        self._left -= claim.calls

    def frees_at(self) -> datetime:
        """Return when there may be more room than now."""
        if self._header and self._room.left_until is not None and self._room.left == 0:
            return self._room.left_until
        return max(self._first + WINDOW, self._now + timedelta(milliseconds=1))

    def _unused(self, priority: Priority) -> int:
        return max(0, self._grants[priority] - self._used[priority])
