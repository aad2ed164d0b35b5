"""The recorded jobs of the timetable: what each run came to last, and when it runs next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from bot.domain.calendar import TradingSession
from bot.domain.timetable import TIMETABLE, Job, Setting
from bot.engine.state.records import EngineStatus
from bot.store.read.reading import columns_of, first, read
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.job_run import JOB_RUN
from bot.store.values import parse_json

AILING: Final = frozenset({"failed", "differs"})
"""Outcomes that somebody should look at."""
_MOST_CONFIG: Final = 1_000_000  # characters; ours are some ten thousand


@dataclass(frozen=True, slots=True)
class JobRunRow:
    name: str
    ran_at: datetime
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class RecordedJob:
    """A job with its last run (None: none yet) and its next (None: in the next session, or nobody can tell); one that
    is due has its next run now."""

    name: str
    what: str
    when: str
    runs: str
    missed: str
    last: JobRunRow | None
    next_at: datetime | None
    is_due: bool

    @property
    def is_fine(self) -> bool:
        return self.last is None or self.last.state not in AILING


def jobs(connection: Connection, pulse: EngineStatus | None) -> list[RecordedJob]:
    """Return the jobs whose runs are recorded, in the timetable's order, as of the engine's last tick."""
    setting = recorded_setting(connection)
    return [_recorded(connection, job, pulse, setting) for job in TIMETABLE if job.recorded]


def _recorded(connection: Connection, job: Job, pulse: EngineStatus | None, setting: Setting) -> RecordedJob:
    last = last_run(connection, job.name)
    next_at = _next(job, last, pulse, setting) if pulse is not None else None
    is_due = pulse is not None and next_at == pulse.at
    return RecordedJob(job.name, job.what, job.when, job.runs.value, job.missed.value, last, next_at, is_due)


def _next(job: Job, last: JobRunRow | None, pulse: EngineStatus, setting: Setting) -> datetime | None:
    day, opens, closes = pulse.session_day, pulse.session_open_at, pulse.session_close_at
    session = TradingSession(day, opens, closes, is_half_day=False) if day and opens and closes else None
    try:
        return job.next(last.ran_at if last else None, pulse.at, session, setting)
    except (LookupError, TypeError, ValueError):  # the settings of another version of the program
        return None


def last_run(connection: Connection, name: str) -> JobRunRow | None:
    """Return a job's latest run."""
    table = JOB_RUN.c
    query = columns_of(JobRunRow, JOB_RUN).where(table.name == name).order_by(table.ran_at.desc(), table.id.desc())
    return first(read(connection, JobRunRow, query.limit(1)))


def recorded_setting(connection: Connection) -> Callable[[str], object]:
    """Return how a setting is read from the configuration that is in force by the record; raises LookupError for one
    that is not in it."""
    body = CONFIG_VERSION.c.body
    short = select(body).where(func.length(body) <= _MOST_CONFIG).order_by(CONFIG_VERSION.c.number.desc()).limit(1)
    text = connection.execute(short).scalar()
    try:
        tree = parse_json(text)["settings"] if text else {}
    except (ValueError, LookupError, TypeError):
        tree = {}

    def setting(name: str) -> object:
        here: object = tree
        for part in name.split("."):
            if not isinstance(here, dict):
                raise LookupError(name)
            here = here[part]
        return here

    return setting
