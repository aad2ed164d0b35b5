"""The gateway's nightly restart and the weekly login, known from the configuration: nothing is sent while one may
happen.

What goes out in the second in which a gateway restarts is lost without a word. So entries stop a while before a window
(`ibkr.quiet_before_restart_s`), in it the connection is `restart_window` whatever the socket says, exits wait with that
reason, and when it ends the book is compared before anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.config.schema import IbkrSettings, RestartWindow
from bot.domain.calendar import NEW_YORK
from bot.domain.connection import ConnectionChange, ConnectionState, ConnectionTrigger
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.instructions import AskSnapshot
from bot.domain.session import SessionTrigger
from bot.engine.day.link import MAY_RECONCILE
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step

_UP: Final = frozenset({LinkChange.ACCEPTED, LinkChange.RESTORED, LinkChange.ORDERS_LOST})
_TELLS: Final = _UP | {LinkChange.CONNECTING, LinkChange.DROPPED}
_HOUR: Final = timedelta(hours=1)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def window_at(settings: IbkrSettings, now: datetime) -> RestartWindow | None:
    """Return the window that is open at `now`, None outside of all."""
    return next((each for each in settings.restart_windows if _is_open(each, now)), None)


def _is_open(window: RestartWindow, now: datetime) -> bool:
    """A window that ends before it begins ends on the next day; its days are those on which it begins."""
    here = now.astimezone(NEW_YORK)
    moment, crosses = here.time(), window.ends <= window.begins
    if moment >= window.begins and (crosses or moment < window.ends):
        return _DAYS[here.weekday()] in window.days
    if crosses and moment < window.ends:
        return _DAYS[(here - timedelta(days=1)).weekday()] in window.days
    return False


def last_login_window(settings: IbkrSettings, now: datetime) -> tuple[RestartWindow, datetime] | None:
    """Return the window that last asked for a login and when it ended, looking back a week; None where none does."""
    ends = [
        (end, window)
        for window in settings.restart_windows
        if window.needs_login
        for end in _ends_of(window, now)
        if end <= now
    ]
    if not ends:
        return None
    end, window = max(ends, key=lambda each: each[0])
    return window, end


def _ends_of(window: RestartWindow, now: datetime) -> list[datetime]:
    today = now.astimezone(NEW_YORK).date()
    crosses = timedelta(days=1 if window.ends <= window.begins else 0)
    begun = (today - timedelta(days=back) for back in range(9))
    days = [day for day in begun if _DAYS[day.weekday()] in window.days]
    return [datetime.combine(day + crosses, window.ends, NEW_YORK).astimezone(UTC) for day in days]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, from `since` until before `until`, in which no window begins or ends. `window` is the one that
    is open all the while, None outside of all."""

    windows: Sequence[RestartWindow]
    since: datetime
    until: datetime
    window: RestartWindow | None

    def holds(self, settings: IbkrSettings, now: datetime) -> bool:
        return self.windows is settings.restart_windows and self.since <= now < self.until


@dataclass(slots=True)
class Stretches:
    """Memory between ticks: the stretch that was asked for last, for as long as it lasts."""

    known: Stretch | None = None

    def at(self, settings: IbkrSettings, now: datetime) -> Stretch:
        if self.known is None or not self.known.holds(settings, now):
            self.known = stretch_at(settings, now)
        return self.known


def stretch_at(settings: IbkrSettings, now: datetime) -> Stretch:
    """Return the stretch around `now`, within its hour in UTC: so long New York's clocks are not set."""
    begins = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    edges = sorted({begins, *_edges_within(settings, begins), begins + _HOUR})
    since = max(edge for edge in edges if edge <= now)
    until = min(edge for edge in edges if edge > now)
    return Stretch(settings.restart_windows, since, until, window_at(settings, now))


def _edges_within(settings: IbkrSettings, hour: datetime) -> Iterator[datetime]:
    """Yield each moment within an hour at which a window begins or ends, or a login becomes overdue."""
    here = hour.astimezone(NEW_YORK)
    for window in settings.restart_windows:
        for wall in (window.begins, window.ends):
            passed = (datetime.combine(here.date(), wall) - here.replace(tzinfo=None)) % timedelta(days=1)
            if passed < _HOUR:
                yield hour + passed
        yield from (end for end in _ends_of(window, hour) if hour <= end < hour + _HOUR)


@dataclass(slots=True)
class RestartWindows:
    """Memory between ticks: what was last heard of the link, for in a window nothing follows from it."""

    last: LinkChange | None = None
    _stretches: Stretches = field(default_factory=Stretches)

    def heard(self, event: LinkChanged) -> None:
        if event.change in _TELLS:
            self.last = event.change

    def keep(self, ctx: Context, journal: Journal) -> None:
        """Enter and leave the state `restart_window` by the clock: the broker's, where ours differs."""
        connection, window = ctx.ledger.connection, self._stretches.at(ctx.settings.ibkr, ctx.broker_now).window
        inside = connection.state is ConnectionState.RESTART_WINDOW
        if window is not None and not inside:
            words = f"{window.name}: {window.begins:%H:%M} to {window.ends:%H:%M} New York"
            sets = ConnectionChange(since=ctx.now, detail=words)
            ctx.ledger.proof.unlink()
            journal.take(Step(connection, ConnectionTrigger.WINDOW, words, {}, sets))
        elif window is None and inside:
            self._leave(ctx, journal)

    @staticmethod
    def rests_until(ctx: Context, stretch: Stretch) -> datetime:
        """Return until when `keep` has nothing to do, unless the connection's state changes."""
        inside = ctx.ledger.connection.state is ConnectionState.RESTART_WINDOW
        return ctx.now if inside or stretch.window is not None else stretch.until

    def _leave(self, ctx: Context, journal: Journal) -> None:
        connection, words = ctx.ledger.connection, "the restart window is over"
        sets = ConnectionChange(since=ctx.now, detail=words)
        if self.last not in _UP:
            journal.take(Step(connection, ConnectionTrigger.DROP, words, {}, sets))
            if self.last is LinkChange.CONNECTING:
                journal.take(Step(connection, ConnectionTrigger.CONNECT, words, {}, sets))
            return
        ctx.ledger.proof.link(ctx.now)
        ask = (AskSnapshot(words),)
        journal.take(Step(connection, ConnectionTrigger.RESYNC, words, {}, sets, instructions=ask))
        if ctx.ledger.session.state in MAY_RECONCILE:
            journal.take(Step(ctx.ledger.session, SessionTrigger.RECONCILE, "the book is compared with the broker's"))
        if self.last is LinkChange.ORDERS_LOST:
            ctx.ledger.proof.unlink()
            lost = "TWS has no connection to the broker"
            journal.take(Step(connection, ConnectionTrigger.LOSE_ORDERS, lost, {}, sets))
