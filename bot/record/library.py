"""Recordings as they lie on disk: what there is, whether it is whole, and its rows in their sequence."""

from __future__ import annotations

import contextlib
import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from bot.domain.calendar import NEW_YORK
from bot.domain.outside import outside
from bot.domain.plain import NotPlain, from_text
from bot.domain.recording import NO_FACTS, EventKind, NotRecorded, RecordingFault, Row, RunTold, fact_of, moment
from bot.record import journal, manifest
from bot.record.keeper import days_in, write_tables
from bot.record.tables import TableReader

_ENDING: Final = ".parquet"
SHIPPED: Final = "sample"
"""The name of the recording that comes with the project."""
_LOOP_US: Final = 1_000_000
"""So long may pass between the time that a tick goes by and its taking of what came."""
_SAMPLE: Final = Path(__file__).resolve().parents[2] / "config" / "recordings" / SHIPPED


@dataclass(slots=True)
class RecordingVerdict:
    """What was found of a recording: rows by kind, what is damaged, and how many of its rows can be read."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    unread: int = 0
    missing: int = 0  # sequences that no row has and no gap explains
    gaps: list[NotRecorded] = field(default_factory=list)
    since: datetime | None = None
    until: datetime | None = None

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    @property
    def is_whole(self) -> bool:
        return not self.faults

    def verdict(self) -> str:
        """Return in words whether it is whole, and what it says itself that it lacks."""
        lacks = [f"{gap.count:,} facts are not recorded, {gap.since.isoformat()} to {gap.until.isoformat()}: {gap.why}"
                 for gap in self.gaps]  # fmt: skip
        return "; ".join(("whole" if self.is_whole else self.words(), *lacks))

    def words(self) -> str:
        """Return what is wrong with it and what still serves, in a sentence or two."""
        good = f"{self.rows:,} of {self.rows + self.unread:,} rows can be read"
        return f"{'; '.join(self.faults)}. {good}"


class Recording:
    """One recorded day. Reading never changes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._faults: list[str] = []
        try:
            self._told = manifest.read(folder)
        except RecordingFault as error:
            self._told = manifest.Manifest()
            self._faults.append(str(error))

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_open(self) -> bool:
        """Whether it is being recorded, or a crash left it so."""
        return (self.folder / journal.NAME).exists()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(each.stat().st_size for each in self.folder.iterdir() if each.is_file())

    def kinds(self) -> list[EventKind]:
        """Return the kinds that have finished files."""
        return sorted({EventKind(part.kind) for part in self._parts()})

    def counts(self) -> Counter[str]:
        """Return how many rows the list of its files tells of each kind, unread; of a journal nothing is told."""
        counts: Counter[str] = Counter()
        for part in self._told.parts:
            counts[part.kind] += part.rows
        return counts

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the first and the last receipt that the list of its files tells of."""
        parts = self._told.parts
        if not parts:
            return None
        return moment(min(part.since for part in parts)), moment(max(part.until for part in parts))

    def runs(self) -> list[RunTold]:
        """Return how the bot ran that was recorded, each run of the day; none for what was imported."""
        found = []
        for row in self.rows({EventKind.RUNS}):
            try:
                told = from_text(row[5][0])
            except NotPlain:
                continue
            if isinstance(told, RunTold):
                found.append(told)
        return found

    def rows(self, kinds: Iterable[EventKind] | None = None, faults: RecordingVerdict | None = None) -> Iterator[Row]:
        """Yield rows in their sequence, of all kinds or of some; what cannot be read is left out, and goes to
        `faults`."""
        wanted = set(EventKind) if kinds is None else set(kinds)
        found = RecordingVerdict() if faults is None else faults
        found.faults += self._faults
        by_kind = {kind: [part for part in self._parts() if part.kind == kind.value] for kind in sorted(wanted)}
        streams = [self._of_parts(kind, parts, found) for kind, parts in by_kind.items() if parts]
        yield from _in_sequence(streams)
        yield from self._of_journal({kind.value for kind in wanted}, found)

    def _of_parts(self, kind: EventKind, parts: Sequence[manifest.Part], found: RecordingVerdict) -> Iterator[Row]:
        for part in parts:
            path = self.folder / part.file
            try:
                reader = TableReader(path, kind, part.copy_of_index if part.index else None)
            except RecordingFault as error:
                found.faults.append(str(error))
                found.unread += part.rows
                continue
            if reader.fault:
                found.faults.append(reader.fault)
            for group in reader.groups():
                if group.fault:
                    found.faults.append(group.fault)
                    found.unread += group.count
                yield from group.rows

    def _of_journal(self, wanted: set[str], found: RecordingVerdict) -> Iterator[Row]:
        if not self.is_open:
            return
        reader = journal.JournalReader(self.folder / journal.NAME)
        for rows in reader.rows():
            yield from (row for row in rows if row[2] in wanted and row[0] > self._told.last)
        found.faults += reader.faults

    def _parts(self) -> Sequence[manifest.Part]:
        """Return the files of the list; without one, those that lie there."""
        if self._told.parts:
            return self._told.parts
        return [_unlisted(path) for path in sorted(self.folder.glob(f"*{_ENDING}")) if _kind_of(path) is not None]

    def is_as_written(self) -> bool:
        """Say whether every file is the one that was written, without reading a row; of a journal that is open, and of
        files that no list names, it cannot be said."""
        if self._faults or self.is_open or not self._told.parts or self._set_aside():
            return False
        paths = [(self.folder / part.file, part.sha256) for part in self._told.parts]
        return all(path.exists() and manifest.digest_of(path) == digest for path, digest in paths)

    def judge(self) -> RecordingVerdict:
        """Read the whole of it: every file against its digest, every row once, every sequence."""
        found = RecordingVerdict()
        for part in self._told.parts:
            path = self.folder / part.file
            if not path.exists():
                found.faults.append(f"{part.file}: it is missing")
                found.unread += part.rows
            elif manifest.digest_of(path) != part.sha256:
                found.faults.append(f"{part.file}: it is not as it was written: its digest differs")
        found.faults += [f"{each}: a damaged journal that was set aside" for each in self._set_aside()]
        self._read_all(found)
        found.faults = list(dict.fromkeys(found.faults))
        return found

    def _read_all(self, found: RecordingVerdict) -> None:
        before, lost, latest_us = 0, 0, 0
        for row in self.rows(faults=found):
            found.counts[row[2]] += 1
            if row[0] <= before:
                found.faults.append(f"{self._place_of(row)} comes after {before}")
            if row[2] == EventKind.RUNS.value:
                latest_us = row[1]  # another life of the same day may begin before the end of the one before
            if row[1] < latest_us - _LOOP_US:
                back_s = (latest_us - row[1]) / 1e6
                words = f"was received {back_s:,.0f} s before what stands before it: a clock was set back"
                found.faults.append(f"{self._place_of(row)} {words}")
                latest_us = row[1]  # told once
            latest_us = max(latest_us, row[1])
            found.missing += max(0, row[0] - before - 1)
            before = max(before, row[0])
            at = moment(row[1])
            found.since, found.until = found.since or at, at
            fault = _fault_of(row, found.gaps)
            if fault:
                found.faults.append(f"{self._place_of(row)} is no fact: {fault}")
        lost = sum(gap.count for gap in found.gaps)
        found.missing = max(0, found.missing - lost - found.unread)
        if found.missing:
            found.faults.append(f"{found.missing} rows are missing that nothing accounts for")

    def _place_of(self, row: Row) -> str:
        """Return where a row stands: its file, its sequence."""
        for part in self._told.parts:
            if part.kind == row[2] and part.first <= row[0] <= part.last:
                return f"{part.file}: sequence {row[0]}"
        return f"{journal.NAME}: {row[2]}, sequence {row[0]}"

    def _set_aside(self) -> list[str]:
        return sorted(each.name for each in self.folder.glob("journal.damaged-*"))


def _fault_of(row: Row, gaps: list[NotRecorded]) -> str:
    """Return why nothing can be made of a row, "" where something can."""
    kind = EventKind(row[2])
    try:
        if kind is EventKind.GAPS:
            gaps.append(from_text(row[5][0]))
        elif kind not in NO_FACTS:
            fact_of(kind, row[4], row[5])
    except (NotPlain, RecordingFault, TypeError, ValueError, ArithmeticError) as error:
        return str(error) or type(error).__name__
    return ""


def _in_sequence(streams: Sequence[Iterator[Row]]) -> Iterator[Row]:
    if len(streams) == 1:
        yield from streams[0]
    else:
        yield from heapq.merge(*streams)  # a sequence is given once, so nothing else of two rows is compared


def _kind_of(path: Path) -> EventKind | None:
    word = path.name.partition("-")[0]
    return EventKind(word) if word in set(EventKind) else None


def _unlisted(path: Path) -> manifest.Part:
    return manifest.Part(path.name, path.name.partition("-")[0], 0, 0, 0, 0, 0, 0, "", "")


# ---- which there are


def recordings(root: Path) -> list[Recording]:
    """Return the recorded days below a folder, the oldest first; none where there is no folder."""
    return [Recording(folder) for folder in days_in(root)] if root.is_dir() else []


def of_days(root: Path, first: date, last: date) -> list[Recording]:
    """Return the recordings of a span of days."""
    found = []
    for each in recordings(root):
        day = manifest.day_of(each.folder)
        if day is not None and first <= day <= last:
            found.append(each)
    return found


def span_of(text: str) -> tuple[date, date] | None:
    """Return the days of `2026-11-20` or `2026-11-16..2026-11-20`, None for what is neither."""
    first, dots, last = text.partition("..")
    try:
        begin = date.fromisoformat(first)
        return (begin, date.fromisoformat(last)) if dots else (begin, begin)
    except ValueError:
        return None


def named(root: Path, name: str) -> list[Recording]:
    """Return the recordings that a name means: a day, a range of days, the sample that is shipped, or a folder. Raises
    RecordingFault for what is none of them."""
    if name == SHIPPED:
        return [Recording(_SAMPLE)]
    span = span_of(name)
    if span is not None:
        found = of_days(root, *span)
        if found:
            return found
        there = ", ".join(each.name for each in recordings(root)) or "none"
        raise RecordingFault(f"nothing was recorded on {name}; recorded days in {root}: {there}")
    with contextlib.suppress(OSError, ValueError, RuntimeError):  # what no folder can be called, or nobody's home
        folder = Path(name).expanduser()
        if folder.is_dir() and is_recording(folder):
            return [Recording(folder)]
    shown = outside(name, 60)
    raise RecordingFault(f"{shown!r} is no recorded day, no range (2026-11-16..2026-11-20) and no recording's folder")


def is_recording(folder: Path) -> bool:
    """Say whether a folder holds a recorded day, whole or not."""
    named_files = (folder / manifest.NAME).exists() or (folder / journal.NAME).exists()
    return named_files or any(_kind_of(path) is not None for path in folder.glob(f"*{_ENDING}"))


def cut(recording: Recording, to: Path, until: time, without: Collection[str]) -> int:
    """Write the first part of a recording to a new folder; returns how many rows it has. `until` is New York's time of
    day. Raises RecordingFault for a table that there is not."""
    unknown = [word for word in without if word not in set(EventKind)]
    if unknown:
        raise RecordingFault(f"there is no table {', '.join(unknown)}: there are {', '.join(EventKind)}")
    kinds = [kind for kind in EventKind if kind.value not in without]
    rows = (row for row in recording.rows(kinds) if moment(row[1]).astimezone(NEW_YORK).time() <= until)
    to.mkdir(mode=0o700, parents=True)
    return write_tables(to, ((number, *row[1:]) for number, row in enumerate(rows, 1)))
