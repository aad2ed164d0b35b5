"""The vendor's manners: how much one token may ask, counted by the venue's clock, and what its headers say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
DAILY_RESET: Final = time(20, 0)


@dataclass(frozen=True, slots=True)
class UwLimits:
    """Defaults are a Basic plan's. `history_days` is how far back `date` may reach."""

    max_in_flight: int = 3
    per_minute: int = 120
    per_day: int = 30_000
    history_days: int = 90
    latency_wall_s: float = 0.01


class Counter:
    """Counts requests of the calendar minute and of the vendor's day (20:00 to 20:00 New York)."""

    def __init__(self, limits: UwLimits) -> None:
        self._limits = limits
        self._minute: datetime | None = None
        self._day: datetime | None = None
        self.in_minute = self.in_day = 0

    def count(self, now: datetime) -> None:
        """Take note of one request."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self.in_minute = minute, 0
        day = _vendor_day(now)
        if day != self._day:
            self._day, self.in_day = day, 0
        self.in_minute += 1
        self.in_day += 1

    @property
    def minute_spent(self) -> bool:
        return self.in_minute > self._limits.per_minute

    @property
    def day_spent(self) -> bool:
        return self.in_day > self._limits.per_day

    def headers(self, now: datetime) -> dict[str, str]:
        """Return the quota headers as they come with 200, 403, 404, 422 and 429."""
        next_minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return {
            "x-uw-daily-req-count": str(self.in_day),
            "x-uw-token-req-limit": str(self._limits.per_day),
            "x-uw-minute-req-counter": str(self.in_minute),
            "x-uw-req-per-minute-remaining": str(max(0, self._limits.per_minute - self.in_minute)),
            "x-uw-req-per-minute-reset": str(round((next_minute - now) / timedelta(milliseconds=1))),
        }


def _vendor_day(now: datetime) -> datetime:
    local = now.astimezone(NEW_YORK)
    start = datetime.combine(local.date(), DAILY_RESET, NEW_YORK)
    return start if local >= start else start - timedelta(days=1)
