"""A recorded day as moments: what the loop had heard when it ticked, in the order in which it came.

Nothing of a moment is known before its time. Where the recording says when the loop ticked, those are the moments;
where it does not (what was imported), every second in which something came is one, told at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.events import Event
from bot.domain.plain import NotPlain, from_text
from bot.domain.recording import NO_FACTS, EventKind, RecordingFault, Row, RunTold, SettingsTold, fact_of, moment
from bot.record.library import Recording, RecordingVerdict

_SECOND_US: Final = 1_000_000

Heard = tuple[EventKind, Event]


@dataclass(frozen=True, slots=True)
class HeardMoment:
    """What had come at a time. `steady_s` is what the steady clock showed, None where nobody looked at it."""

    at: datetime
    heard: Sequence[Heard]
    steady_s: float | None = None


@dataclass(slots=True)
class Life:
    """What of a day belongs together. A simulated day that was begun anew on the same day is another life: the last one
    counts, `earlier` says how many there were before it."""

    first: int = 0
    earlier: int = 0
    ticks: int = 0
    since: datetime | None = None
    until: datetime | None = None
    runs: list[RunTold] = field(default_factory=list)


def life_of(recording: Recording) -> Life:
    """Return the last life of a day."""
    life = Life()
    last: datetime | None = None
    for row in recording.rows({EventKind.RUNS, EventKind.TICKS}):
        if row[2] == EventKind.TICKS.value:
            last = moment(row[1])
            life.ticks, life.since, life.until = life.ticks + 1, life.since or last, last
            continue
        run = _told(row[5][0])
        if not isinstance(run, RunTold):
            continue
        if last is not None and run.started_at < last:
            life = Life(first=row[0], earlier=life.earlier + 1)
        life.runs.append(run)
    return life


def moments(
    recording: Recording, life: Life, found: RecordingVerdict | None = None
) -> Iterator[HeardMoment | RunTold | SettingsTold]:
    """Yield a life's moments, each run of the bot where it begins, and settings before the moment from which on they
    were in force. Rows that cannot be read go to `found`."""
    found = RecordingVerdict() if found is None else found
    rows = (row for row in recording.rows(_PLAYED, found) if row[0] >= life.first)
    return _by_ticks(rows, found) if life.ticks else _by_seconds(rows, found)


def _by_ticks(rows: Iterator[Row], found: RecordingVerdict) -> Iterator[HeardMoment | RunTold | SettingsTold]:
    heard: list[Heard] = []
    for row in rows:
        kind = _KINDS[row[2]]
        if kind is EventKind.TICKS:
            yield HeardMoment(moment(row[1]), heard, row[5][1])
            heard = []
        elif kind is EventKind.RUNS:
            told = _told(row[5][0])
            if isinstance(told, RunTold | SettingsTold):
                yield told
        else:
            _hear(heard, kind, row, found)


def _by_seconds(rows: Iterator[Row], found: RecordingVerdict) -> Iterator[HeardMoment]:
    heard: list[Heard] = []
    ends_us = 0
    for row in rows:
        kind, us = _KINDS[row[2]], row[1]
        if kind in NO_FACTS:
            continue
        if us > ends_us:
            if heard:
                yield HeardMoment(moment(ends_us), heard)
                heard = []
            ends_us = -(-us // _SECOND_US) * _SECOND_US
        _hear(heard, kind, row, found)
    if heard:
        yield HeardMoment(moment(ends_us), heard)


def _hear(heard: list[Heard], kind: EventKind, row: Row, found: RecordingVerdict) -> None:
    try:
        heard.append((kind, fact_of(kind, row[4], row[5])))
    except (NotPlain, RecordingFault, TypeError, ValueError, ArithmeticError) as error:
        found.faults.append(f"{kind}: sequence {row[0]} is no fact: {error}")


_PLAYED: Final = frozenset(EventKind) - {EventKind.ANSWERS, EventKind.GAPS}
_KINDS: Final = {kind.value: kind for kind in EventKind}


def _told(text: str) -> object:
    try:
        return from_text(text)
    except NotPlain:
        return None
