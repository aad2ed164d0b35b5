"""The jobs of the clock: what runs when, where, and what becomes of a run that was missed. One table for all of them.

A job runs every so often, at moments of a session, or both. A moment is told by its anchor: the open, the close, a time
of New York's clock as it stands, or a cut-off that is written for a 16:00 close and moves with an early one. A number
that people may set is the name of its setting, so that this table is the same for every bot.

Three places: in the tick (its result is in the tick's transaction), beside it (in the program, between ticks), apart
(in a process of its own that ends with the work). Work that somebody waits for, or that follows from a fact, is no job:
it is not here. Neither is how often one and the same trouble is told again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.domain.calendar import TradingSession, midnight_after, new_york_day

_HOUR_S: Final = 3600.0

Setting = Callable[[str], object]
"""Returns the value of a setting by its name, as `engine.settlement_evening`; a time may come as ISO text."""


class Anchor(StrEnum):
    """What a moment of a session is told by."""

    OPEN = "open"
    CLOSE = "close"
    FIXED = "fixed"
    CUT_OFF = "cut_off"


class Runs(StrEnum):
    """Where a job runs."""

    TICK = "tick"
    BESIDE = "beside"
    APART = "apart"


class Missed(StrEnum):
    """What becomes of a run whose time came while nobody was there, or while it could not be done."""

    AT_ONCE = "made up at once"
    TODAY = "made up until midnight in New York, then left out"
    SOON = "made up within an hour, then left out"
    LATEST = "the latest of the day is made up until midnight in New York, earlier ones are left out"


SOON: Final = timedelta(hours=1)
"""How long after its moment a run is made up that is left out later."""


def no_setting(name: str) -> object:
    """Stand for the settings of a job that needs none."""
    raise LookupError(f"the timetable asks for {name}, and no settings were given")


@dataclass(frozen=True, slots=True)
class SessionMoment:
    """A moment of each session; `setting` names the time of day of FIXED and CUT_OFF."""

    name: str
    anchor: Anchor
    offset: timedelta = timedelta(0)
    setting: str = ""

    @property
    def words(self) -> str:
        """Return when it is, in words."""
        minutes = self.offset.total_seconds() / 60
        match self.anchor:
            case Anchor.OPEN | Anchor.CLOSE:
                return f"{abs(minutes):g} min {'after' if minutes >= 0 else 'before'} the {self.anchor}"
            case Anchor.FIXED:
                return f"at {self.setting}"
            case Anchor.CUT_OFF:
                return f"at {self.setting}, earlier by an early close"

    def on(self, session: TradingSession, setting: Setting) -> datetime:
        """Return when it is in a session."""
        match self.anchor:
            case Anchor.OPEN:
                return session.open_at + self.offset
            case Anchor.CLOSE:
                return session.close_at + self.offset
            case Anchor.FIXED:
                return session.at(_time_of(setting(self.setting)))
            case Anchor.CUT_OFF:
                return session.cut_off(_time_of(setting(self.setting)))


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the timetable. `each_day`: at the turn of each day in New York, with a session or without. `every`:
    seconds, or the name of the setting that says how many (0: never), which `unit_s` makes seconds of; `recorded`: each
    run leaves a row in `job_run`; `again_after`: how long one that failed waits; `is_off`: by the settings it never
    runs."""

    name: str
    what: str
    runs: Runs
    missed: Missed = Missed.AT_ONCE
    moments: tuple[SessionMoment, ...] = ()
    each_day: bool = False
    every: float | str | None = None
    unit_s: float = 1.0
    recorded: bool = False
    again_after: timedelta = timedelta(0)
    is_off: Callable[[Setting], bool] = lambda setting: False

    @property
    def when(self) -> str:
        """Return when it runs, in words; numbers that people set by the names of their settings."""
        unit = "h" if self.unit_s == _HOUR_S else "s"
        every = [f"every {self.every:g} s"] if isinstance(self.every, float) else []
        every += [f"every {self.every} {unit}"] if isinstance(self.every, str) else []
        turn = ["at midnight in New York"] if self.each_day else []
        return "; ".join([*(moment.words for moment in self.moments), *turn, *every])

    def every_s(self, setting: Setting) -> float:
        """Return how many seconds lie between two runs, 0 for a job of moments alone."""
        every = self.every
        if isinstance(every, str):
            value: Any = setting(every)
            return float(value) * self.unit_s
        return every or 0.0

    def times(self, session: TradingSession, setting: Setting) -> dict[str, datetime]:
        """Return the moments of a session by name, in their order."""
        return {moment.name: moment.on(session, setting) for moment in self.moments}

    def due_since(self, session: TradingSession, setting: Setting, now: datetime) -> tuple[str, datetime] | None:
        """Return the latest moment of the session that has come, None before the first."""
        come = [(name, at) for name, at in self.times(session, setting).items() if at <= now]
        return come[-1] if come else None

    def is_due(
        self,
        last: datetime | None,
        now: datetime,
        session: TradingSession | None = None,
        setting: Setting = no_setting,
    ) -> bool:
        """Say whether it has to run, having run last at `last`; `session`: today's, None on a day without."""
        if self.is_off(setting):
            return False
        every_s = self.every_s(setting)
        if every_s and (last is None or now - last >= timedelta(seconds=every_s)):
            return True
        if self.each_day and (last is None or new_york_day(last) != new_york_day(now)):
            return True
        due = self.due_since(session, setting, now) if session is not None else None
        if due is None or self.is_left_out(due[1], now):
            return False
        return last is None or last < due[1]

    def is_left_out(self, moment: datetime, now: datetime) -> bool:
        """Say whether a run of a moment that has come is not made up any more."""
        return self.missed is Missed.SOON and now - moment >= SOON

    def next(
        self,
        last: datetime | None,
        now: datetime,
        session: TradingSession | None = None,
        setting: Setting = no_setting,
    ) -> datetime | None:
        """Return when it runs next, as far as this session tells: `now` when it is due, None for a later session."""
        if self.is_due(last, now, session, setting):
            return now
        if self.is_off(setting):
            return None
        every_s = self.every_s(setting)
        coming = [at for at in self.times(session, setting).values() if at > now] if session is not None else []
        coming += [last + timedelta(seconds=every_s)] if last is not None and every_s else []
        coming += [midnight_after(now)] if self.each_day else []
        return min(coming, default=None)


def _time_of(value: object) -> time:
    return value if isinstance(value, time) else time.fromisoformat(str(value))


def _after_close(minutes: int) -> SessionMoment:
    return SessionMoment("after the close", Anchor.CLOSE, timedelta(minutes=minutes))


RECONCILE: Final = Job(
    "reconcile", "the book is compared with the broker's; sooner while something is in doubt", Runs.TICK,
    every="engine.reconcile_seconds", recorded=True,
)  # fmt: skip
SETTLEMENT: Final = Job(
    "settlement", "the broker's book is asked for what became of expired positions", Runs.TICK, Missed.LATEST,
    moments=(
        SessionMoment("morning", Anchor.FIXED, setting="engine.settlement_morning"),
        SessionMoment("evening", Anchor.CUT_OFF, setting="engine.settlement_evening"),
    ),
    recorded=True,
)  # fmt: skip
WELL: Final = Job(
    "well", "people are told that the bot is well: mode, equity, open risk, the head", Runs.TICK, Missed.SOON,
    moments=(SessionMoment("morning", Anchor.FIXED, setting="alerts.well_at"),), recorded=True,
)  # fmt: skip
DAY_TOTALS: Final = Job(
    "day_totals", "our executions of the day against the broker's", Runs.TICK, Missed.TODAY,
    moments=(_after_close(1),), recorded=True,  # by then the reports of the last fills are in
)  # fmt: skip
DAY_SUMMARY: Final = Job(
    "day_summary", "the day is summed up on the log", Runs.APART, Missed.TODAY,
    moments=(_after_close(2),), recorded=True,
)  # fmt: skip
BACKUP: Final = Job(
    "backup", "the store is copied and the copy checked", Runs.APART,
    moments=(_after_close(5),), every="database.backup_every_hours", unit_s=_HOUR_S, recorded=True,
    again_after=timedelta(minutes=30),
)  # fmt: skip
HEAD: Final = Job(
    "history_head", "the history's head is written down outside the store", Runs.BESIDE, every=3600.0, recorded=True
)
RETENTION: Final = Job(
    "retention", "rows older than the settings keep are removed", Runs.BESIDE, every=86400.0, recorded=True
)


def _nothing_to_discover(setting: Setting) -> bool:
    if not setting("discovery.enabled"):
        return True
    return setting("mode") == "sim" and not setting("discovery.in_sim")


DISCOVERY: Final = Job(
    "discovery", "numbers that measures go by are found in recorded days", Runs.APART, Missed.SOON,
    moments=(SessionMoment("before the open", Anchor.FIXED, setting="discovery.at"),), recorded=True,
    again_after=timedelta(minutes=10), is_off=_nothing_to_discover,
)  # fmt: skip
PRICE_PATH: Final = Job(
    "price_path", "a point of each position's price path is kept", Runs.TICK, every="engine.mark_seconds"
)
ACCOUNT_SNAPSHOT: Final = Job(
    "account_snapshot", "the account's values are kept", Runs.TICK, every="engine.account_snapshot_seconds"
)
BREAKERS: Final = Job("breakers", "the circuit breakers are measured", Runs.TICK, every="risk.breaker_seconds")
LINES: Final = Job("lines", "market data lines follow what is looked at", Runs.TICK, every=5.0)
TRADING_HOURS: Final = Job("trading hours", "the broker is asked for its hours", Runs.TICK, every=3600.0)
NEW_DAY: Final = Job("new day", "what yesterday needed and today does not is let go", Runs.TICK, each_day=True)
DISK: Final = Job("free disk", "room on the disk of the store is looked at", Runs.BESIDE, every=10.0)
CROSS_CHECK: Final = Job(
    "cross check", "the vendor's data are compared with the broker's", Runs.TICK, every=1.0
)  # fmt: skip
NO_MARKET: Final = Job("silent markets", "positions that nobody bids for are looked for", Runs.TICK, every=1.0)

TIMETABLE: Final = (
    RECONCILE, SETTLEMENT, WELL, DISCOVERY, DAY_TOTALS, DAY_SUMMARY, BACKUP, HEAD, RETENTION,
    PRICE_PATH, ACCOUNT_SNAPSHOT, BREAKERS, LINES, TRADING_HOURS, CROSS_CHECK, NO_MARKET, NEW_DAY, DISK,
)  # fmt: skip
