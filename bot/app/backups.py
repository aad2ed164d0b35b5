"""Backups by the clock: every so many hours and after each close, off the tick, old ones removed.

The copy is made and checked in a process of its own (`bot.app.job_process`), so that the tick never waits for it. What
became of it is a fact for the engine like any other: a job row, and an alert when it failed.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from bot.app.child_process import ChildFailed
from bot.app.due_jobs import LOOK_WALL_S, whenever_due
from bot.app.job_process import Question, ask, serve
from bot.config.schema import DatabaseSettings
from bot.domain.errors import StoreError
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from bot.domain.events.people import AlertRaised
from bot.domain.timetable import BACKUP
from bot.engine.state.ports import Clock, TradingCalendar
from bot.store.address import sqlite_path
from bot.store.backup import Backup, backup, backup_name, backups, folder_of, taken_at
from bot.store.chain import Head
from bot.store.database import open_reader
from bot.store.heads import file_in, in_words, missing, note

log: Final = logging.getLogger("quanticity")

_MB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Keep:
    """How long backups are kept, in days, and how large all of them together may be."""

    days: int
    most_mb: int


@dataclass(frozen=True, slots=True)
class BackupOutcome:
    """One attempt: what was made, or why not, and which old backups were removed."""

    at: datetime
    made: Backup | None
    failure: str
    removed: list[Path]
    rewritten: str = ""  # in words, when a head that was noted is not in the history any more


class Backups:
    """Looks at the clock every few seconds and makes what is due."""

    def __init__(
        self,
        url: str,
        settings: DatabaseSettings,
        clock: Clock,
        calendar: TradingCalendar,
        tell: Callable[[Event], None],
        look_s: float = LOOK_WALL_S,
    ) -> None:
        self._url, self._settings = url, settings
        self._clock, self._calendar, self._tell = clock, calendar, tell
        self._folder = folder_of(url, settings.backup_dir)
        self._failed_at: datetime | None = None
        self._look_s = look_s

    async def run(self) -> None:
        """Make backups until cancelled."""
        await whenever_due(self.is_due, lambda now: self.make(), self._clock, self._look_s)

    def is_due(self, now: datetime) -> bool:
        """Say whether the newest backup is too old, or from before the end of today's session, or there is none."""
        if self._failed_at is not None and now - self._failed_at < BACKUP.again_after:
            return False
        session = self._calendar.session_on(self._calendar.today(now))
        return BACKUP.is_due(self._newest(now), now, session, self._setting)

    def _setting(self, name: str) -> object:
        return attrgetter(name.removeprefix("database."))(self._settings)

    def _newest(self, now: datetime) -> datetime | None:
        """Return when the newest backup was made; a simulated clock may have been later in an earlier run."""
        times = [at for path in backups(self._folder) if (at := taken_at(path)) is not None and at <= now]
        return max(times, default=None)

    async def make(self) -> BackupOutcome:
        """Make and check one in a process of its own, remove old ones, and tell the engine."""
        at = self._clock.now()
        keep = Keep(self._settings.backup_keep_days, self._settings.backup_most_mb)
        outcome = await _make_apart(self._url, self._folder, at, keep)
        self._failed_at = at if outcome.made is None else None
        self._report(outcome)
        return outcome

    def _report(self, outcome: BackupOutcome) -> None:
        if outcome.rewritten:
            log.error(outcome.rewritten)
            facts = {"folder": str(self._folder)}
            self._tell(AlertRaised("HISTORY_REWRITTEN", outcome.rewritten, facts, outcome.at))
        if outcome.made is None:
            words = f"the backup failed: {outcome.failure}"
            log.error(words)
            self._tell(JobRan(BACKUP.name, "failed", outcome.failure, outcome.at))
            self._tell(AlertRaised("BACKUP_FAILED", words, {"folder": str(self._folder)}, outcome.at))
            return
        removed = f", {len(outcome.removed)} old ones removed" if outcome.removed else ""
        words = f"{outcome.made.path}: {outcome.made.size_bytes} bytes, {outcome.made.transitions} transitions, checked"
        log.info(f"backup {words}{removed}")
        self._tell(JobRan(BACKUP.name, "done", words + removed, outcome.at))


async def _make_apart(url: str, folder: Path, at: datetime, keep: Keep) -> BackupOutcome:
    question = {"url": url, "folder": str(folder), "at": at.isoformat(), "keep": asdict(keep)}
    try:
        found = await ask("bot.app.backups", BACKUP.name, question)
    except ChildFailed as error:
        return BackupOutcome(at, None, str(error), [])
    made = found["made"]
    return BackupOutcome(
        at,
        Backup(Path(made["path"]), made["size_bytes"], made["transitions"], Head(*made["head"])) if made else None,
        found["failure"],
        [Path(path) for path in found["removed"]],
        found["rewritten"],
    )


def answer(question: Question) -> dict[str, Any]:
    """Make one backup as asked by `_make_apart`."""
    at = datetime.fromisoformat(question["at"])
    outcome = make(question["url"], Path(question["folder"]), at, Keep(**question["keep"]))
    made = asdict(outcome.made) | {"path": str(outcome.made.path)} if outcome.made else None
    removed = [str(path) for path in outcome.removed]
    return {"made": made, "failure": outcome.failure, "removed": removed, "rewritten": outcome.rewritten}


def make(url: str, folder: Path, at: datetime, keep: Keep) -> BackupOutcome:
    """Make one backup, note the head that it was verified up to, and remove the old ones, never the newest; failures
    come back as words."""
    heads = file_in(folder)
    try:
        with open_reader(url) as connection:
            gone = missing(connection, heads)
        _refuse_without_room(url, folder)
        made = backup(url, folder / backup_name(at))
        note(heads, made.head, at, "backup", verified=True)
    except (StoreError, OSError) as error:
        return BackupOutcome(at, None, str(error), [])
    return BackupOutcome(at, made, "", _remove_old(folder, at, keep, made.path), in_words(gone) if gone else "")


def _refuse_without_room(url: str, folder: Path) -> None:
    """A copy that fills the disk would take the store's own next commit with it."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted, free = sqlite_path(url).stat().st_size * 2, shutil.disk_usage(folder).free
    if wanted > free:
        raise StoreError(
            f"{folder} has {free / _MB:.0f} MB free, a backup wants {wanted / _MB:.0f}: free space there, or set "
            "database.backup_dir to another disk"
        )


def _remove_old(folder: Path, at: datetime, keep: Keep, newest: Path) -> list[Path]:
    limit = at - timedelta(days=keep.days)
    room = keep.most_mb * _MB - newest.stat().st_size
    old = []
    for path in backups(folder):
        taken = taken_at(path)
        if path == newest or taken is None:
            continue
        room -= path.stat().st_size
        if taken < limit or room < 0:
            old.append(path)
    # What an attempt that was killed left half done bears the name of the backup that it was to be, and `.part`.
    halves = [p for p in folder.glob("*.part") if (begun := taken_at(p.with_suffix(""))) is not None and begun < limit]
    for path in (*old, *halves):
        path.unlink(missing_ok=True)
    return old


if __name__ == "__main__":
    sys.exit(serve(answer))
