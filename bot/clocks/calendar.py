"""Sessions of the New York Stock Exchange: holidays, half days, daylight saving, by exchange_calendars.

The table is computed once by a child process (see `bot.clocks.session_table` for why) and kept on disk, named by the
library's version and the range, so that an upgrade of the library makes a new one.
"""

from __future__ import annotations

import bisect
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from bot.config.schema import CalendarSettings
from bot.domain.calendar import NEW_YORK, TradingSession, new_york_day
from bot.domain.errors import BotError

LIBRARY: Final = "exchange_calendars"
CHILD_TIMEOUT_S: Final = 120
_REPO_ROOT: Final = Path(__file__).resolve().parents[2]


class CalendarUnavailable(BotError):
    """The sessions could not be computed; the text says why. Nothing may trade without them."""


class XnysCalendar:
    """The `TradingCalendar` port over a table of sessions."""

    def __init__(self, sessions: Iterable[TradingSession], first_day: date, last_day: date) -> None:
        """Take the sessions of `first_day` to `last_day`, both included."""
        self.first_day, self.last_day = first_day, last_day
        self._by_day = {session.day: session for session in sessions}
        self._days = sorted(self._by_day)

    @classmethod
    def around(cls, day: date, cache_dir: Path, announced: CalendarSettings | None = None) -> XnysCalendar:
        """Return the calendar from the year before `day` to the year after it, from the cache or freshly computed.

        Blocks for a few seconds when it has to compute. Raises CalendarUnavailable.
        """
        known = load_calendar(date(day.year - 1, 1, 1), date(day.year + 1, 12, 31), cache_dir)
        return known.with_announced(announced) if announced else known

    def with_announced(self, announced: CalendarSettings) -> XnysCalendar:
        """Return the calendar with what the exchange announced: days without a session, and early closes. A close that
        is earlier by the table stays."""
        sessions = [
            _closing_early(session, announced.early[session.day]) if session.day in announced.early else session
            for session in self._by_day.values()
            if session.day not in announced.closed
        ]
        return XnysCalendar(sessions, self.first_day, self.last_day)

    def session_on(self, day: date) -> TradingSession | None:
        self._require_in_range(day)
        return self._by_day.get(day)

    def next_session(self, after: date) -> TradingSession:
        self._require_in_range(after)
        place = bisect.bisect_right(self._days, after)
        if place == len(self._days):
            raise ValueError(f"no session after {after} up to {self.last_day}, the end of the calendar that was loaded")
        return self._by_day[self._days[place]]

    def today(self, now: datetime) -> date:
        return new_york_day(now)

    def _require_in_range(self, day: date) -> None:
        if not self.first_day <= day <= self.last_day:
            raise ValueError(f"{day} is outside the calendar that was loaded ({self.first_day} to {self.last_day})")


def _closing_early(session: TradingSession, at: time) -> TradingSession:
    close_at = datetime.combine(session.day, at, NEW_YORK).astimezone(session.close_at.tzinfo)
    return session if close_at >= session.close_at else replace(session, close_at=close_at, is_half_day=True)


def load_calendar(
    first_day: date, last_day: date, cache_dir: Path, compute: Callable[[date, date], str] | None = None
) -> XnysCalendar:
    """Return the calendar of a range; `compute` gives the table when the cache has none. Raises CalendarUnavailable."""
    cached = cache_dir / f"xnys-{_library_version()}-{first_day}-{last_day}.json"
    sessions = _read_cache(cached)
    if sessions is None:
        text = (compute or compute_in_child)(first_day, last_day)
        sessions = _parse(text)
        _write_cache(cached, text)
    return XnysCalendar(sessions, first_day, last_day)


def compute_in_child(first_day: date, last_day: date) -> str:
    """Return the table as the child prints it; raises CalendarUnavailable with the child's own last words."""
    command = [sys.executable, "-m", "bot.clocks.session_table", first_day.isoformat(), last_day.isoformat()]
    environment = {**os.environ, "PYTHONPATH": str(_REPO_ROOT)}
    try:
        done = subprocess.run(  # noqa: S603 - our own module, under our own interpreter
            command, capture_output=True, text=True, timeout=CHILD_TIMEOUT_S, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CalendarUnavailable(f"cannot compute the trading calendar: {error}") from error
    if done.returncode != 0:
        last_words = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CalendarUnavailable(
            f"cannot compute the trading calendar {first_day} to {last_day} with {LIBRARY}: {last_words}"
        )
    return done.stdout


def _library_version() -> str:
    try:
        return metadata.version(LIBRARY)
    except metadata.PackageNotFoundError as error:
        raise CalendarUnavailable(f"{LIBRARY} is not installed; run `make setup`") from error


def _read_cache(path: Path) -> Sequence[TradingSession] | None:
    """Return the cached sessions; None when there are none or the file is damaged, for then it is computed again."""
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (OSError, CalendarUnavailable):
        return None


def _write_cache(path: Path, text: str) -> None:
    """Write whole or not at all; a directory that cannot be written costs a recomputation, not the start."""
    half_written = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half_written.write_text(text, encoding="utf-8")
        half_written.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            half_written.unlink()


def _parse(text: str) -> Sequence[TradingSession]:
    try:
        return [_session(row) for row in json.loads(text)["sessions"]]
    except (ValueError, KeyError, TypeError) as error:
        raise CalendarUnavailable(f"the table of sessions is damaged: {error}") from error


def _session(row: Sequence[Any]) -> TradingSession:
    day, open_at, close_at, is_half_day = row
    return TradingSession(
        date.fromisoformat(day), datetime.fromisoformat(open_at), datetime.fromisoformat(close_at), bool(is_half_day)
    )
