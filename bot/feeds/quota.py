"""How much we may still ask: the vendor's own count from its headers, and our budget a minute of the bot's clock.

aiolimiter is not used: it counts the event loop's seconds, so under a clock that runs 60 times as fast it would allow a
sixtieth of what the vendor (who lives in the same fast time, or is the simulator) allows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final

from bot.domain.calendar import NEW_YORK

RESET_AT: Final = time(20, 0)
MINUTE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Quota:
    """The vendor's latest word on our use; None where it has not said. `minute_reset_at` is when its minute is over."""

    used: int | None = None
    limit: int | None = None
    minute_remaining: int | None = None
    minute_reset_at: datetime | None = None

    def heard(self, headers: Mapping[str, str], now: datetime) -> Quota:
        """Return the quota after an answer; headers that are absent (401, an edge fault) leave what was known."""
        reset_ms = _whole(headers, "x-uw-req-per-minute-reset")
        remaining = _whole(headers, "x-uw-req-per-minute-remaining")
        return replace(
            self,
            used=_or(_whole(headers, "x-uw-daily-req-count"), self.used),
            limit=_or(_whole(headers, "x-uw-token-req-limit"), self.limit),
            minute_remaining=_or(remaining, self.minute_remaining),
            minute_reset_at=now + timedelta(milliseconds=reset_ms) if reset_ms is not None else self.minute_reset_at,
        )

    def used_fraction(self) -> float | None:
        if self.used is None or not self.limit:
            return None
        return self.used / self.limit

    def spent_until(self, now: datetime) -> datetime | None:
        """Return when the vendor's minute is over if nothing is left of it, else None."""
        if self.minute_remaining != 0 or self.minute_reset_at is None or self.minute_reset_at <= now:
            return None
        return self.minute_reset_at


class MinuteBudget:
    """At most so many requests in any 60 seconds of the clock."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._asked: deque[datetime] = deque()

    def free_at(self, now: datetime) -> datetime:
        """Return the first moment at which one more request fits: `now` when it does already."""
        while self._asked and self._asked[0] <= now - MINUTE:
            self._asked.popleft()
        return now if len(self._asked) < self._per_minute else self._asked[0] + MINUTE

    def take(self, now: datetime) -> None:
        self._asked.append(now)


def next_daily_reset(now: datetime) -> datetime:
    """Return the next 20:00 New York, when the vendor counts from zero again."""
    local = now.astimezone(NEW_YORK)
    today = datetime.combine(local.date(), RESET_AT, NEW_YORK)
    reset = today if local < today else datetime.combine(local.date() + timedelta(days=1), RESET_AT, NEW_YORK)
    return reset.astimezone(now.tzinfo)


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    try:
        return int(headers[name])
    except (KeyError, ValueError):
        return None


def _or(value: int | None, otherwise: int | None) -> int | None:
    return otherwise if value is None else value
