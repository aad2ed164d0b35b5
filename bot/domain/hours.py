"""What the broker itself tells of a day's trading hours, to be held against the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bot.domain.calendar import NEW_YORK


@dataclass(frozen=True, slots=True)
class DayHours:
    """One day: periods as (open, close) in aware UTC, in their order and apart; none at all: closed."""

    day: date
    periods: tuple[tuple[datetime, datetime], ...]

    def __str__(self) -> str:
        """Return New York's times, "closed" for a day without."""
        spans = [f"{a.astimezone(NEW_YORK):%H:%M}-{b.astimezone(NEW_YORK):%H:%M}" for a, b in self.periods]
        return ", ".join(spans) or "closed"


def joined(periods: list[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
    """Return periods in their order; those that touch or overlap are one."""
    out: list[tuple[datetime, datetime]] = []
    for begins, ends in sorted(periods):
        if out and begins <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], ends))
        else:
            out.append((begins, ends))
    return tuple(out)


def common(
    one: tuple[tuple[datetime, datetime], ...], other: tuple[tuple[datetime, datetime], ...]
) -> tuple[tuple[datetime, datetime], ...]:
    """Return when both are open."""
    both = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple((begins, ends) for begins, ends in both if begins < ends)
