"""What becomes of rows: the journal first, Parquet when an hour, a day or the run is over; old days go.

Runs in the recorder's own process. A journal that a crash left is made into Parquet at the next start, as far as it is
whole. The sequence goes on within a day, whatever runs it has.
"""

from __future__ import annotations

import base64
import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Self, TextIO

from bot.domain.calendar import new_york_day
from bot.domain.recording import Columns, EventKind, RecordingFault, Row, moment
from bot.record import journal, manifest
from bot.record.tables import TableWriter, after, index_of

_HOUR_US: Final = 3_600 * 1_000_000
_MOST_BYTES: Final = 32 * 1024 * 1024  # some seconds of work when they become Parquet, in which nothing else is taken
_LOOK_S: Final = 0.2


class Keeper:
    """Keeps the rows of a bot below `root`, a folder a day of New York's calendar. `keep_days` 0: every day stays."""

    def __init__(self, root: Path, keep_days: int, patience_s: float = 0.0) -> None:
        self._root, self._keep_days = root, keep_days
        self._day: date | None = None
        self._journal: journal.JournalWriter | None = None
        self._ahead = 0  # what a row's sequence is moved by, so that it goes on within the day
        self._since = 0
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _alone_in(root, patience_s)
        for folder in days_in(root):
            if (folder / journal.NAME).exists():
                finish(folder)

    def take(self, columns: Columns) -> None:
        """Put rows on disk; they are durable when this returns. Raises OSError where there is no room."""
        for day, group in _by_day(columns):
            if day != self._day:
                self._begin(day, min(held[0][0] for held in group.values()))
            assert self._journal is not None, "a day has its journal"
            self._journal.append(_moved(group, self._ahead))
            if self._is_due(*_span(group)):
                self._end()
                self._open(day)

    def close(self) -> None:
        """Make Parquet of what is in the journal."""
        self._end()

    def leave(self) -> None:
        """Leave the open journal to a process of its own that makes Parquet of it, with the lock: whoever ends must not
        wait for that."""
        if self._journal is None or self._day is None:
            return
        self._journal.close()
        folder, self._journal = self._root / self._day.isoformat(), None
        lock = self._lock.fileno()
        subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "bot.record", "finish", str(folder)],
            pass_fds=(lock,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def let_go(self) -> None:
        """Let another recorder write here; an open journal is left as a crash would leave it."""
        if self._journal is not None:
            self._journal.close()
        self._lock.close()

    def _is_due(self, first_us: int, last_us: int) -> bool:
        assert self._journal is not None, "a day has its journal"
        self._since = self._since or first_us
        return last_us - self._since >= _HOUR_US or self._journal.size >= _MOST_BYTES

    def _begin(self, day: date, first: int) -> None:
        """Go over to a day, whose sequence goes on where an earlier run left it; `first` is the bot's own number."""
        self._end()
        self._forget_old(day)
        folder = self._root / day.isoformat()
        folder.mkdir(mode=0o700, exist_ok=True)
        self._ahead = manifest.read(folder).last + 1 - first
        self._open(day)

    def _open(self, day: date) -> None:
        self._day, self._since = day, 0
        self._journal = journal.JournalWriter(self._root / day.isoformat() / journal.NAME)

    def _end(self) -> None:
        if self._journal is not None and self._day is not None:
            self._journal.close()
            self._journal = None
            finish(self._root / self._day.isoformat())

    def _forget_old(self, today: date) -> None:
        if self._keep_days <= 0:
            return
        oldest = today - timedelta(days=self._keep_days)
        for folder in days_in(self._root):
            day = manifest.day_of(folder)
            if day is not None and day < oldest and _is_a_bots(folder):
                shutil.rmtree(folder)


def _is_a_bots(folder: Path) -> bool:
    """Say whether a bot recorded the day: what a person has imported stays until a person removes it."""
    try:
        return any(part.kind == EventKind.RUNS.value for part in manifest.read(folder).parts)
    except RecordingFault:
        return False


def _alone_in(root: Path, patience_s: float) -> TextIO:
    """Return the open lock of a folder; raises RecordingFault when another recorder writes there, and goes on to."""
    lock = (root / ".lock").open("w", encoding="utf-8")
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() >= until:
                lock.close()
                raise RecordingFault(f"{root}: another recorder writes there") from error
            time.sleep(_LOOK_S)
        else:
            return lock


def finish(folder: Path) -> None:
    """Make Parquet of a day's journal, as far as it is whole, and let the journal go."""
    path = folder / journal.NAME
    reader, known = journal.JournalReader(path), manifest.read(folder).last
    with _Tables(folder) as tables:
        for frame in reader.batches():
            for kind, batch in frame:
                tables.of(kind).put_batch(after(batch, known))
    if reader.faults:
        path.replace(_beside(path))  # what is damaged is left for who wants to look
    else:
        path.unlink()


def write_tables(folder: Path, rows: Iterable[Row]) -> int:
    """Add rows, in their sequence, to a day's folder as finished files; returns how many they were."""
    with _Tables(folder) as tables:
        for row in rows:
            tables.of(EventKind(row[2])).put(row)
    return tables.rows


class _Tables:
    """The next file of each kind that something comes of; they are listed when all of them are whole."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._known = folder, manifest.read(folder)
        self._writers: dict[EventKind, TableWriter] = {}
        self.rows = 0

    def of(self, kind: EventKind) -> TableWriter:
        writer = self._writers.get(kind)
        if writer is None:
            writer = self._writers[kind] = TableWriter(self._folder / self._known.numbered(kind), kind)
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        writers = list(self._writers.values())
        if kind is not None:
            for writer in writers:
                writer.leave()
            return
        for writer in writers:
            writer.close()
        made = tuple(_part(writer) for writer in writers if writer.rows)
        manifest.write(self._folder, manifest.Manifest((*self._known.parts, *made)))
        self.rows = sum(writer.rows for writer in writers)


def _part(writer: TableWriter) -> manifest.Part:
    path = writer.path
    return manifest.Part(
        file=path.name,
        kind=writer.kind.value,
        rows=writer.rows,
        first=writer.first,
        last=writer.last,
        since=writer.since,
        until=writer.until,
        size=path.stat().st_size,
        sha256=manifest.digest_of(path),
        index=base64.b64encode(index_of(path)).decode(),
    )


def _span(columns: Columns) -> tuple[int, int]:
    """Return the first and the last receipt, in microseconds."""
    return min(min(held[1]) for held in columns.values()), max(max(held[1]) for held in columns.values())


def _moved(columns: Columns, ahead: int) -> Columns:
    """Return rows with their sequence moved, so that it goes on within the day."""
    if not ahead:
        return columns
    return {kind: [[number + ahead for number in held[0]], *held[1:]] for kind, held in columns.items()}


def _by_day(columns: Columns) -> Iterator[tuple[date, Columns]]:
    """Yield rows by their day of New York's calendar, which a second seldom leaves; a clock that was set back does not
    bring a day back."""
    if not columns:
        return
    day, last = (new_york_day(moment(us)) for us in _span(columns))
    if day == last:
        yield day, columns
        return
    for each in sorted({new_york_day(moment(us)) for held in columns.values() for us in held[1]}):
        yield each, _of_day(columns, each)


def _of_day(columns: Columns, day: date) -> Columns:
    found: dict[str, Sequence[Sequence[Any]]] = {}
    for kind, held in columns.items():
        rows = [row for row in zip(*held, strict=True) if new_york_day(moment(row[1])) == day]
        if rows:
            found[kind] = list(zip(*rows, strict=True))
    return found


def days_in(root: Path) -> list[Path]:
    """Return the folders below `root` that are a recorded day, the oldest first."""
    found = (each for each in root.iterdir() if each.is_dir() and manifest.day_of(each) is not None)
    return sorted(each for each in found if (each / manifest.NAME).exists() or (each / journal.NAME).exists())


def _beside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"journal.damaged-{number}")).exists():
        number += 1
    return aside
