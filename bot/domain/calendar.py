"""One day at the exchange, and cut-offs that honour an early close."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
REGULAR_CLOSE: Final = time(16, 0)


@dataclass(frozen=True, slots=True)
class TradingSession:
    """One day at the exchange, times aware UTC."""

    day: date
    open_at: datetime
    close_at: datetime
    is_half_day: bool

    def is_open(self, now: datetime) -> bool:
        return self.open_at <= now < self.close_at

    def at(self, new_york: time) -> datetime:
        """Return a New York wall time of this day as it stands, for times that count from the open."""
        return datetime.combine(self.day, new_york, NEW_YORK)

    def cut_off(self, new_york: time) -> datetime:
        """Return a cut-off that is written for a 16:00 close, moved so that it is as long before the real close."""
        before_close = datetime.combine(self.day, REGULAR_CLOSE) - datetime.combine(self.day, new_york)
        return self.close_at - before_close


def new_york_day(now: datetime) -> date:
    """Return the New York date of an aware time."""
    if now.tzinfo is UTC:
        return _new_york_day_in(now.year, now.month, now.day, now.hour)
    return now.astimezone(NEW_YORK).date()


@lru_cache(maxsize=1024)
def _new_york_day_in(year: int, month: int, day: int, hour: int) -> date:
    """Return the New York date of an hour in UTC: it holds for all of it, for New York is whole hours away and its
    clocks are set on the hour."""
    return datetime(year, month, day, hour, tzinfo=UTC).astimezone(NEW_YORK).date()


def midnight_after(now: datetime) -> datetime:
    """Return when New York's next day begins, in UTC."""
    return datetime.combine(new_york_day(now) + timedelta(days=1), time(0), NEW_YORK).astimezone(UTC)


def seconds(duration: float) -> timedelta:
    return timedelta(seconds=duration)
