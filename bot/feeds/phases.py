"""The phases of a market day as the exchange's calendar has them, half days too, and when something is due in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.calendar import NEW_YORK, TradingSession
from bot.engine.state.ports import TradingCalendar

PRE_MARKET_FROM: Final = time(4, 0)
AFTER_HOURS: Final = timedelta(hours=4)
"""From the close, early or not: until 20:00, on a half day until 17:00."""
DAYS_AHEAD: Final = 12
_DAYS_KEPT: Final = 32


class MarketState(StrEnum):
    PRE_MARKET = "pre_market"
    REGULAR = "regular"
    AFTER_HOURS = "after_hours"
    CLOSED = "closed"  # nights, weekends, holidays


@dataclass(frozen=True, slots=True)
class Span:
    """One phase of one New York day, from `begins` up to `ends`, which is not in it."""

    begins: datetime
    ends: datetime
    state: MarketState


class Phases:
    """The phases from any moment on, by a calendar; days are worked out once."""

    def __init__(self, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._days: dict[date, tuple[Span, ...]] = {}

    def since(self, now: datetime) -> Iterator[Span]:
        """Yield the phase that holds `now` and those that follow, some days ahead."""
        today = self._calendar.today(now)
        for ahead in range(DAYS_AHEAD):
            yield from (span for span in self._of(today + timedelta(days=ahead)) if span.ends > now)

    def now(self, now: datetime) -> MarketState:
        return next(self.since(now)).state

    def _of(self, day: date) -> tuple[Span, ...]:
        if day not in self._days:
            while len(self._days) >= _DAYS_KEPT:
                del self._days[next(iter(self._days))]
            self._days[day] = tuple(spans_of(day, self._calendar.session_on(day)))
        return self._days[day]


def spans_of(day: date, session: TradingSession | None) -> Iterator[Span]:
    """Yield the phases of a New York day, midnight to midnight, none of them empty."""
    midnight = datetime.combine(day, time(0), NEW_YORK)
    end = datetime.combine(day + timedelta(days=1), time(0), NEW_YORK)
    if session is None:
        yield Span(midnight, end, MarketState.CLOSED)
        return
    pre = datetime.combine(day, PRE_MARKET_FROM, NEW_YORK)
    over = session.close_at + AFTER_HOURS
    edges = (midnight, pre, session.open_at, session.close_at, over, end)
    states = (
        MarketState.CLOSED, MarketState.PRE_MARKET, MarketState.REGULAR, MarketState.AFTER_HOURS, MarketState.CLOSED,
    )  # fmt: skip
    for begins, ends, state in zip(edges[:-1], edges[1:], states, strict=True):
        if begins < ends:
            yield Span(begins, ends, state)


Every = Callable[[MarketState], float | None]
"""Seconds between two calls in a phase; None: it is not asked then."""


def due_after(
    last: datetime | None,
    now: datetime,
    every: Every,
    phases: Phases,
    within: tuple[time, time] | None = None,
    share: float = 1.0,
) -> datetime:
    """Return when something that was last asked at `last` is next due, now or later: its interval later where the phase
    then allows it, else with the beginning of the first phase that does. `within`: New York times of day between which
    it may be asked; `share`: of its interval, for the round that is staggered."""
    latest = now
    for span in phases.since(now):
        seconds = every(span.state)
        begins, ends = _clipped(span, within)
        latest = span.ends
        if seconds is None or begins >= ends:
            continue
        due = max(now, begins) if last is None else max(last + timedelta(seconds=seconds * share), begins, now)
        if due < ends:
            return due
    return latest


def _clipped(span: Span, within: tuple[time, time] | None) -> tuple[datetime, datetime]:
    if within is None:
        return span.begins, span.ends
    day = span.begins.astimezone(NEW_YORK).date()
    begins, ends = (datetime.combine(day, at, NEW_YORK) for at in within)
    return max(span.begins, begins), min(span.ends, ends)
