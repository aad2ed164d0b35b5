"""Which page of a target is asked for next: by number, by the rows that came, or backwards by time.

By time an answer holds the newest rows first. One turn walks back from now to the last row that is known; where its
pages do not suffice, what lies between is kept as a gap, and the turns after it go on there: the last page of a turn is
the oldest gap's. So a burst of any size is read in the end, and nothing is left out on the way:

- the bound of the next page is a microsecond after the oldest row of this one: vendors differ in whether a bound itself
  is meant, and rows of one moment may be cut in two by a page (what comes twice is taken once, by its identity);
- from the newest row the cursor is asked `overlap_s` back, until that row is known for as long: some rows are told
  later than their time says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.feeds.rows import Reads
from bot.feeds.sources import EndpointSettings
from bot.feeds.transport import Params

_AN_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """What is still to be read: rows after `since` (None: as far back as is kept) and before `older` (None: now)."""

    since: datetime | None
    older: datetime | None = None

    def touches(self, other: Gap) -> bool:
        """Say whether the two have anything in common; both end somewhere."""
        newer, older = (self, other) if _newest_first(self) <= _newest_first(other) else (other, self)
        return newer.since is None or older.older is None or older.older >= newer.since


@dataclass(slots=True)
class Progress:
    """How far a target with a cursor has been read. `newest_at`: the newest row's time, heard at `heard_at` of our
    clock; `settled_at`: up to this time everything was read or is in a gap, and nothing is told late any more."""

    newest_at: datetime | None = None
    heard_at: datetime | None = None
    settled_at: datetime | None = None
    gaps: list[Gap] = field(default_factory=list)

    def hear(self, newest: datetime, now: datetime) -> None:
        if self.newest_at is None or newest > self.newest_at:
            self.newest_at, self.heard_at = newest, now


class Pages:
    """The pages of one turn."""

    def __init__(self, settings: EndpointSettings, reads: Reads, progress: Progress, now: datetime) -> None:
        self._settings, self._reads, self._progress = settings, reads, progress
        self._kept_from = now - timedelta(seconds=settings.keep_seconds) if settings.cursor else None
        overlap = timedelta(seconds=settings.overlap_s)
        newest, heard = progress.newest_at, progress.heard_at
        self._settles = newest if heard is not None and now - heard >= overlap else None
        is_settled = newest is None or newest == progress.settled_at
        self._todo = [Gap(newest if newest is None or is_settled else newest - overlap)]
        self._gaps = [gap for gap in progress.gaps if self._is_wanted(gap)]
        self._number = self._rows = 0

    def params(self) -> Params:
        """Return what the next page is asked with, beside the endpoint's own parameters."""
        settings, gap = self._settings, self._todo[0]
        asked = [(settings.cursor, iso_micros(gap.since))] if settings.cursor and gap.since is not None else []
        paging = settings.paging
        if paging is None:
            return asked
        if paging.by == "time":
            return asked if gap.older is None else [(paging.param, iso_micros(gap.older)), *asked]
        at = self._number if paging.by == "page" else self._rows
        return [(paging.param, str(at)), *asked] if self._number else asked

    def take(self, last: Sequence[Any]) -> bool:
        """Take a page; return whether another one is to be asked for."""
        self._number += 1
        self._rows += len(last)
        paging, is_full = self._settings.paging, len(last) == self._settings.params.get("limit")
        if paging is None:
            return False
        if paging.by != "time":
            return is_full
        gap = self._todo.pop()
        rest = self._rest_of(gap, last) if is_full else None
        is_last = self._number == paging.most - 1
        if self._gaps and (rest is None or is_last):
            self._gaps += [rest] if rest is not None else []
            self._todo = [self._gaps.pop(self._oldest())]
        elif rest is not None:
            self._todo = [rest]
        return bool(self._todo)

    def done(self) -> None:
        """Keep what later turns have to read; called when all that was asked for has come."""
        left = sorted((gap for gap in (*self._todo, *self._gaps) if gap.older is not None), key=_newest_first)
        merged: list[Gap] = []
        for gap in left:
            if merged and merged[-1].touches(gap):
                merged[-1] = _together(merged[-1], gap)
            else:
                merged.append(gap)
        self._progress.gaps = merged
        self._progress.settled_at = self._settles or self._progress.settled_at

    def _oldest(self) -> int:
        return max(range(len(self._gaps)), key=lambda place: _newest_first(self._gaps[place]))

    def _rest_of(self, gap: Gap, last: Sequence[Any]) -> Gap | None:
        times = [at for row in self._reads.parse(last).rows if (at := self._reads.time_of(row)) is not None]
        if not times:
            return None
        older = min(times) + _AN_INSTANT
        if gap.older is not None and older >= gap.older:  # a page of one moment alone: what else it has is out of reach
            older = min(times) - _AN_INSTANT
        rest = replace(gap, older=older)
        return rest if self._is_wanted(rest) else None

    def _is_wanted(self, gap: Gap) -> bool:
        """What is older than anything that is kept, or than what is known, is not asked for."""
        bounds = [each for each in (gap.since, self._kept_from) if each is not None]
        return gap.older is None or all(gap.older > bound for bound in bounds)


def _newest_first(gap: Gap) -> float:
    return -gap.older.timestamp() if gap.older is not None else float("-inf")


def _together(one: Gap, other: Gap) -> Gap:
    since = None if one.since is None or other.since is None else min(one.since, other.since)
    return Gap(since, min(one, other, key=_newest_first).older)


def iso_micros(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
