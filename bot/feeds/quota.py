"""How much we may still ask: a source's own count from its headers, our count where it has none, and our calls of the
last minute of the bot's clock.

aiolimiter is not used: it counts the event loop's seconds, so under a clock that runs 60 times as fast it would allow a
sixtieth of what the vendor (who lives in the same fast time, or is the simulator) allows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.calendar import NEW_YORK
from bot.feeds.schedule import WINDOW
from bot.feeds.sources import Priority, QuotaHeaders, QuotaSettings

_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Quota:
    """The latest word on our use; None where there is none. `minute_reset_at` is when the source's minute is over."""

    used: int | None = None
    limit: int | None = None
    minute_remaining: int | None = None
    minute_reset_at: datetime | None = None

    def heard(self, headers: Mapping[str, str], names: QuotaHeaders, now: datetime) -> Quota:
        """Return the quota after an answer; headers that are absent (401, an edge fault) leave what was known."""
        reset_ms = _whole(headers, names.minute_reset_ms)
        remaining = _whole(headers, names.minute_remaining)
        return replace(
            self,
            used=_or(_whole(headers, names.used), self.used),
            limit=_or(_whole(headers, names.limit), self.limit),
            minute_remaining=_or(remaining, self.minute_remaining),
            minute_reset_at=now + timedelta(milliseconds=reset_ms) if reset_ms is not None else self.minute_reset_at,
        )

    def used_fraction(self) -> float | None:
        if self.used is None or not self.limit:
            return None
        return self.used / self.limit

    def spent_until(self, now: datetime) -> datetime | None:
        """Return when the source's minute is over if nothing is left of it, else None."""
        if self.minute_remaining != 0 or self.minute_reset_at is None or self.minute_reset_at <= now:
            return None
        return self.minute_reset_at


class MinuteOfCalls:
    """Our calls of the last 60 seconds of the clock, with their priority."""

    def __init__(self) -> None:
        self._asked: deque[tuple[datetime, Priority]] = deque()

    def recent(self, now: datetime) -> tuple[tuple[datetime, Priority], ...]:
        while self._asked and self._asked[0][0] <= now - WINDOW:
            self._asked.popleft()
        return tuple(self._asked)

    def free_at(self, per_minute: int, now: datetime) -> datetime:
        """Return the first moment at which one more call fits: `now` when it does already."""
        recent = self.recent(now)
        return now if len(recent) < per_minute else recent[len(recent) - per_minute][0] + WINDOW

    def take(self, now: datetime, priority: Priority) -> None:
        self._asked.append((now, priority))


def period_began(settings: QuotaSettings, now: datetime) -> datetime | None:
    """Return when the quota was last renewed, None where there is no period."""
    if settings.period == "none":
        return None
    local = now.astimezone(NEW_YORK)
    day = local.date() if settings.period == "day" else local.date().replace(day=1)
    began = datetime.combine(day, settings.reset_at, NEW_YORK)
    if local < began:
        before = day - timedelta(days=1)
        day = before if settings.period == "day" else before.replace(day=1)
        began = datetime.combine(day, settings.reset_at, NEW_YORK)
    return began.astimezone(now.tzinfo)


def next_reset(settings: QuotaSettings, now: datetime) -> datetime:
    """Return when the quota is renewed next; without a period the next New York midnight."""
    local = now.astimezone(NEW_YORK)
    day = local.date() if settings.period != "month" else local.date().replace(day=1)
    reset = datetime.combine(day, settings.reset_at, NEW_YORK)
    while local >= reset:
        day = _next_month(day) if settings.period == "month" else day + timedelta(days=1)
        reset = datetime.combine(day, settings.reset_at, NEW_YORK)
    return reset.astimezone(now.tzinfo)


def _next_month(day: date) -> date:
    return date(day.year + day.month // _MONTHS, day.month % _MONTHS + 1, 1)


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    try:
        return int(headers[name.lower()])
    except (KeyError, ValueError):
        return None


def _or(value: int | None, otherwise: int | None) -> int | None:
    return otherwise if value is None else value
