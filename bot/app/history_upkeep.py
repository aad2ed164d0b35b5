"""The history beside the tick: is it guarded and the one that was noted, its head written down by the hour, and what is
no history thinned out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.app.due_jobs import LOOK_WALL_S, whenever_due
from bot.config.schema import DatabaseSettings
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from bot.domain.events.people import AlertRaised
from bot.domain.timetable import HEAD, RETENTION
from bot.engine.state.ports import Clock
from bot.store.address import is_sqlite
from bot.store.backup import folder_of
from bot.store.database import open_reader, writer_engine
from bot.store.guards import guard_faults, restore_guards
from bot.store.heads import file_in, in_words, missing, note
from bot.store.retention import Retention
from bot.store.sql_store import SqlStore

log: Final = logging.getLogger("quanticity")

_BREATH_S: Final = 0.2  # between two short transactions: a tick goes first


def look_at_start(database: DatabaseSettings, now: datetime) -> list[AlertRaised]:
    """Return what is wrong with the history before anything is written to it; guards that are gone are put back."""
    found = []
    with open_reader(database.url) as connection:
        faults = guard_faults(connection)
        heads = heads_of(database)
        gone = missing(connection, heads) if heads is not None else None
    if faults:
        words = f"the history was open to changes: {'; '.join(faults)}. Put back; run `audit verify`"
        found.append(AlertRaised("HISTORY_UNGUARDED", words, {"faults": faults}, now))
        engine = writer_engine(database.url)
        try:
            with engine.begin() as connection:
                restore_guards(connection)
        finally:
            engine.dispose()
    if gone is not None:
        facts = {"seq": gone.head.seq, "hash": gone.head.hash, "noted_at": gone.at}
        found.append(AlertRaised("HISTORY_REWRITTEN", in_words(gone), facts, now))
    for alert in found:
        log.error(alert.text)
    return found


def heads_of(database: DatabaseSettings) -> Path | None:
    """Return the file in which the heads of a store are noted; None: it is not in SQLite, and others back it up."""
    return file_in(folder_of(database.url, database.backup_dir)) if is_sqlite(database.url) else None


class HistoryKeeper:
    """Notes the head every hour and once a day lets go of what is older than the settings say."""

    def __init__(
        self,
        database: DatabaseSettings,
        store: SqlStore,
        clock: Clock,
        tell: Callable[[Event], None],
        look_s: float = LOOK_WALL_S,
    ) -> None:
        self._database, self._store, self._clock, self._tell = database, store, clock, tell
        self._file = file_in(folder_of(database.url, database.backup_dir))
        self._noted_at: datetime | None = None
        self._thinned_at: datetime | None = None
        self._look_s = look_s

    async def keep_head(self) -> None:
        """Note the head whenever that is due, until cancelled."""

        async def work(now: datetime) -> None:
            self.note(now)

        await whenever_due(lambda now: HEAD.is_due(self._noted_at, now), work, self._clock, self._look_s)

    async def keep_size(self) -> None:
        """Let go of what is old whenever that is due, until cancelled."""
        due = RETENTION.is_due
        await whenever_due(lambda now: due(self._thinned_at, now), self.thin_out, self._clock, self._look_s)

    def note(self, now: datetime) -> None:
        """Append the present head. A disk that does not take it is told, once an hour."""
        self._noted_at = now
        try:
            note(self._file, self._store.head, now, "hour")
            self._tell(JobRan(HEAD.name, "done", f"up to {self._store.head.seq}, in {self._file}", now))
        except OSError as error:
            words = f"the history's head cannot be noted in {self._file}: {error.strerror}"
            self._tell(JobRan(HEAD.name, "failed", words, now))
            self._tell(AlertRaised("HEAD_NOT_NOTED", words, {"file": str(self._file)}, now))

    async def thin_out(self, now: datetime) -> int:
        """Remove what is older than the settings say, a little at a time; return how many rows went."""
        self._thinned_at = now
        keep, gone = retention_of(self._database), 0
        while some := await self._store.thin_out(keep, now):
            gone += some
            await asyncio.sleep(_BREATH_S)
        self._tell(JobRan(RETENTION.name, "done", f"{gone} rows older than the settings keep were removed", now))
        return gone


def retention_of(database: DatabaseSettings) -> Retention:
    return Retention(
        account_days=database.keep_account_days,
        mark_days=database.keep_mark_days,
        job_days=database.keep_job_days,
        comparison_days=database.keep_comparison_days,
    )
