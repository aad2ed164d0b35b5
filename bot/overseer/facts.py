"""What the rules judge: one look at the store, as plain numbers. The model is given the same and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from bot.config.schema import Settings
from bot.domain.calendar import new_york_day
from bot.store import read as ask
from bot.store.read import money, overseer, reconciliations
from bot.store.read.standing import running_since

_HOUR_S = 3600.0
_AFTER_CLOSE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class FeedAge:
    """A data set's last good answer for a key; `age_s` None: there was none yet. `row_age_s`: of its newest row by the
    vendor's own time, None where rows have none; `max_age_s`: from where on rows are called stale."""

    dataset: str
    key: str
    state: str
    age_s: float | None
    row_age_s: float | None = None
    max_age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """The bot at one instant of its own clock, `now`: the pulse's. Money in dollars.

    `session_s`: seconds since the market opened today, None while it is closed. `run_s`: seconds since the bot began,
    None where no start is on record: what this run has not asked for yet is not old. `apart`: the day's change of
    equity less our own P&L.
    """

    now: datetime
    session_state: str
    session_s: float | None
    began_at: datetime | None
    run_s: float | None
    is_over: bool  # today's session closed a while ago
    holds: bool
    feeds: Sequence[FeedAge]
    link_state: str
    link_since: datetime | None
    synced_at: datetime | None
    reconcile_s: float
    differences: Sequence[reconciliations.LastingDifference]
    equity: Decimal | None
    equity_at: datetime | None
    apart: Decimal | None
    slippage: money.Slippage | None
    doubtful: Sequence[overseer.DoubtfulOrder]
    bare: Sequence[overseer.BarePosition]
    signals: overseer.SignalRate
    equity_path: Sequence[overseer.EquityPoint]

    def age_s(self, at: datetime) -> float:
        return (self.now - at).total_seconds()


def facts_of(connection: Connection, settings: Settings, began: datetime | None = None) -> Facts | None:
    """Return what the store says now, None before the bot's first pulse. One short read transaction. `began`: when this
    run began, where it is known already; else the history is asked."""
    pulse = ask.pulse(connection)
    if pulse is None:
        return None
    day = new_york_day(pulse.at)
    session, link = ask.session(connection), ask.broker_link(connection)
    opens, closes = pulse.session_open_at, pulse.session_close_at
    is_open = opens is not None and closes is not None and opens <= pulse.at < closes
    hours = (closes - opens).total_seconds() / _HOUR_S if opens is not None and closes is not None else 0.0
    today, began = money.money_of_day(connection, day), began or running_since(connection)
    jump = timedelta(seconds=settings.overseer.watch.equity_jump_s)
    return Facts(
        now=pulse.at,
        session_state=session.state if session is not None else "starting",
        session_s=(pulse.at - opens).total_seconds() if is_open and opens is not None else None,
        began_at=began,
        run_s=(pulse.at - began).total_seconds() if began is not None else None,
        is_over=closes is not None and pulse.session_day == day and pulse.at >= closes + _AFTER_CLOSE,
        holds=bool(today.positions),
        feeds=tuple(
            FeedAge(
                row.dataset, row.key, row.state,
                None if row.last_success_at is None else (pulse.at - row.last_success_at).total_seconds(),
                row.row_age_s(pulse.at), row.max_age_s,
            )
            for row in ask.feeds(connection)
        ),
        link_state=link.state if link is not None else "down",
        link_since=link.since if link is not None else None,
        synced_at=pulse.broker_synced_at,
        reconcile_s=settings.engine.reconcile_seconds,
        differences=tuple(reconciliations.lasting_differences(connection)),
        equity=today.equity,
        equity_at=today.equity_at,
        apart=today.difference,
        slippage=money.slippage_of_day(connection, day),
        doubtful=tuple(overseer.doubtful_orders(connection)),
        bare=tuple(overseer.bare_positions(connection)),
        signals=overseer.signal_rate(connection, pulse.at, hours),
        equity_path=tuple(overseer.equity_path(connection, pulse.at - jump)),
    )  # fmt: skip
