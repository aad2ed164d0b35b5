"""Backups by the clock: every so many hours and after each close, off the tick, old ones removed.

The copy is made and checked in a process of its own (`bot.app.job_process`), so that the tick never waits for it. What
became of it is a fact for the engine like any other: a job row, and an alert when it failed.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bot.app.child_process import ChildFailed
from bot.app.job_process import Question, ask, serve
from bot.config.schema import DatabaseSettings
from bot.domain.calendar import TradingSession
from bot.domain.errors import StoreError
from bot.domain.events import AlertRaised, Event, JobRan
from bot.engine.state.ports import Clock, TradingCalendar
from bot.store.address import sqlite_path
from bot.store.backup import Backup, backup, backup_name, backups, folder_of, taken_at
from bot.store.chain import Head
from bot.store.database import open_reader
from bot.store.heads import file_in, in_words, missing, note

log: Final = logging.getLogger("quanticity")

JOB: Final = "backup"
_MB: Final = 2**20
_LOOK_S: Final = 5.0
_AFTER_CLOSE: Final = timedelta(minutes=5)
_AGAIN_AFTER: Final = timedelta(minutes=30)
"""How long a backup that failed waits for its next attempt."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long backups are kept, in days, and how large all of them together may be."""

    days: int
    most_mb: int


@dataclass(frozen=True, slots=True)
class Outcome:
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
        look_s: float = _LOOK_S,
    ) -> None:
        self._url, self._settings = url, settings
        self._clock, self._calendar, self._tell = clock, calendar, tell
        self._folder = folder_of(url, settings.backup_dir)
        self._failed_at: datetime | None = None
        self._look_s = look_s

    async def run(self) -> None:
        """Make backups until cancelled."""
        while True:
            await asyncio.sleep(self._look_s)  # a start has better things to do
            if self.is_due(self._clock.now()):
                await self.make()

    def is_due(self, now: datetime) -> bool:
        """Say whether the newest backup is too old, or older than today's close, or there is none."""
        if self._failed_at is not None and now - self._failed_at < _AGAIN_AFTER:
            return False
        newest = self._newest(now)
        if newest is None or now - newest >= timedelta(hours=self._settings.backup_every_hours):
            return True
        closed_at = _last_close(self._calendar, now)
        return closed_at is not None and newest < closed_at

    def _newest(self, now: datetime) -> datetime | None:
        """Return when the newest backup was made; a simulated clock may have been later in an earlier run."""
        times = [at for path in backups(self._folder) if (at := taken_at(path)) is not None and at <= now]
        return max(times, default=None)

    async def make(self) -> Outcome:
        """Make and check one in a process of its own, remove old ones, and tell the engine."""
        at = self._clock.now()
        keep = Keep(self._settings.backup_keep_days, self._settings.backup_most_mb)
        outcome = await _make_apart(self._url, self._folder, at, keep)
        self._failed_at = at if outcome.made is None else None
        self._report(outcome)
        return outcome

    def _report(self, outcome: Outcome) -> None:
        if outcome.rewritten:
            log.error(outcome.rewritten)
            facts = {"folder": str(self._folder)}
            self._tell(AlertRaised("HISTORY_REWRITTEN", outcome.rewritten, facts, outcome.at))
        if outcome.made is None:
            words = f"the backup failed: {outcome.failure}"
            log.error(words)
            self._tell(JobRan(JOB, "failed", outcome.failure, outcome.at))
            self._tell(AlertRaised("BACKUP_FAILED", words, {"folder": str(self._folder)}, outcome.at))
            return
        removed = f", {len(outcome.removed)} old ones removed" if outcome.removed else ""
        words = f"{outcome.made.path}: {outcome.made.size_bytes} bytes, {outcome.made.transitions} transitions, checked"
        log.info(f"backup {words}{removed}")
        self._tell(JobRan(JOB, "done", words + removed, outcome.at))


async def _make_apart(url: str, folder: Path, at: datetime, keep: Keep) -> Outcome:
    question = {"url": url, "folder": str(folder), "at": at.isoformat(), "keep": asdict(keep)}
    try:
        found = await ask("bot.app.backups", JOB, question)
    except ChildFailed as error:
        return Outcome(at, None, str(error), [])
    made = found["made"]
    return Outcome(
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


def make(url: str, folder: Path, at: datetime, keep: Keep) -> Outcome:
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
        return Outcome(at, None, str(error), [])
    return Outcome(at, made, "", _remove_old(folder, at, keep, made.path), in_words(gone) if gone else "")


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


def _last_close(calendar: TradingCalendar, now: datetime) -> datetime | None:
    """Return today's close once its reports are in, None before that and on a day without a session."""
    session: TradingSession | None = calendar.session_on(calendar.today(now))
    if session is None or now < session.close_at + _AFTER_CLOSE:
        return None
    return session.close_at


if __name__ == "__main__":
    sys.exit(serve(answer))
