"""What a bot must say of itself that looks alive and trades nothing.

| seen | told |
|---|---|
| the kill switch of the gate comes, or goes | KILL_SWITCH, each time |
| entries not allowed in the session for engine.not_tradable_alert_s | NOT_TRADABLE and why, every half hour |
| a window that needs a login has begun (ibkr.restart_windows) | LOGIN_DUE, once |
| no synced connection since such a window, ibkr.login_grace_s after its end | LOGIN_MISSED, every six hours |

A gateway whose weekly login was missed takes no connection for days: the program runs, the page is green, nobody looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.config.schema import RestartWindow
from bot.domain.calendar import NEW_YORK
from bot.domain.connection import ConnectionState
from bot.domain.session import SessionState
from bot.engine.day.restart_windows import Stretch, last_login_window, window_at
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import Schedule

_NOT_TRADABLE_AGAIN_S: Final = 1800.0
_LOGIN_AGAIN_S: Final = 6 * 3600.0


@dataclass(slots=True)
class NotTradingWatch:
    """Memory between ticks. `watching_since`: the start, or the end of the last restart window of any kind;
    `proved_at`: when the connection was last seen synced, so that somebody had logged in."""

    idle_since: datetime | None = None
    switch: str = ""
    watching_since: datetime | None = None
    proved_at: datetime | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def look(self, ctx: Context, journal: Journal) -> None:
        """Tell what is overdue."""
        window = window_at(ctx.settings.ibkr, ctx.broker_now)
        if self.watching_since is None or window is not None:
            self.watching_since = ctx.now
        if ctx.ledger.connection.state is ConnectionState.SYNCED:
            self.proved_at = ctx.now
        self._tell_of_the_kill_switch(ctx, journal)
        self._tell_of_idleness(ctx, journal)
        self._remind_of_login(ctx, journal, window)
        self._tell_of_missed_login(ctx, journal)

    def rests_until(self, ctx: Context, stretch: Stretch) -> datetime:
        """Return until when nothing can become overdue: all is well, and goes on so."""
        last, trading, now = last_login_window(ctx.settings.ibkr, ctx.now), ctx.trading, ctx.now
        proved = last is None or (self.proved_at is not None and self.proved_at >= last[1])
        waits = self.watching_since is None or self.idle_since is not None or self.switch or ctx.kill_switch
        if not proved or waits or stretch.window is not None:
            return now
        if not trading.is_open(now):
            return min(stretch.until, trading.open_at) if now < trading.open_at else stretch.until
        return min(stretch.until, trading.close_at) if ctx.may_enter else now

    def _tell_of_the_kill_switch(self, ctx: Context, journal: Journal) -> None:
        if bool(ctx.kill_switch) is not bool(self.switch):
            there = f"{ctx.kill_switch}: no entry leaves, and those that work are taken back"
            words = there if ctx.kill_switch else "the kill switch is gone: entries pass again"
            journal.alert("KILL_SWITCH", words, severity="critical" if ctx.kill_switch else "info")
        self.switch = ctx.kill_switch

    def _tell_of_idleness(self, ctx: Context, journal: Journal) -> None:
        if not ctx.trading.is_open(ctx.broker_now) or (ctx.may_enter and not ctx.kill_switch):
            self.idle_since = None
            self.schedule.forget("idle")
            return
        self.idle_since = self.idle_since or ctx.now
        waited = (ctx.now - self.idle_since).total_seconds()
        if waited < ctx.settings.engine.not_tradable_alert_s:
            return
        if self.schedule.due("idle", ctx.now, _NOT_TRADABLE_AGAIN_S):
            paused = ctx.ledger.session.state is SessionState.PAUSED  # somebody's will, and known to somebody
            words = f"no entry has been allowed for {waited / 60:.0f} min of the session: {_why(ctx)}"
            journal.alert("NOT_TRADABLE", words, {"for_s": waited}, severity="warning" if paused else "critical")

    def _remind_of_login(self, ctx: Context, journal: Journal, window: RestartWindow | None) -> None:
        if window is None or not window.needs_login:
            self.schedule.forget("login due")
        elif self.schedule.due("login due", ctx.now, _LOGIN_AGAIN_S):
            words = f"{window.name}: log in to the gateway after {window.ends:%H:%M} New York, or nothing is traded"
            journal.alert("LOGIN_DUE", words, {"window": window.name})

    def _tell_of_missed_login(self, ctx: Context, journal: Journal) -> None:
        last = last_login_window(ctx.settings.ibkr, ctx.now)
        if last is None or self.watching_since is None:
            return
        window, ended = last
        if self.proved_at is not None and self.proved_at >= ended:
            return
        waited = (ctx.now - max(ended, self.watching_since)).total_seconds()
        if waited < ctx.settings.ibkr.login_grace_s or not self.schedule.due("login", ctx.now, _LOGIN_AGAIN_S):
            return
        link, since = ctx.ledger.connection, f"{ended.astimezone(NEW_YORK):%A %H:%M} New York"
        words = f"no synced connection since the {window.name} of {since} ({link.state}): was the login forgotten?"
        facts = {"window": window.name, "ended_at": ended, "opens_at": ctx.trading.open_at, "detail": link.detail}
        journal.alert("LOGIN_MISSED", words, facts)


def _why(ctx: Context) -> str:
    session, link = ctx.ledger.session, ctx.ledger.connection
    held = f", by {session.held_by}: {session.hold_reason}" if session.held_by else ""
    near = "; a restart window is near" if ctx.restart_is_near else ""
    near += f"; {ctx.kill_switch}" if ctx.kill_switch else ""
    near += f"; {ctx.ledger.clocks.difference}" if ctx.ledger.clocks.difference else ""
    return f"session {session.state}{held}; connection {link.state} ({link.detail or 'nothing was said'}){near}"
