"""The connection machine and what hangs on it: the session reconciles whenever the broker comes (back)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from bot.domain.connection import CONNECTION, CONNECTION_WORDS, ConnectionChange, ConnectionState, ConnectionTrigger
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.instructions import AskSnapshot
from bot.domain.session import Hold, SessionState, SessionTrigger
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Step

TRIGGER_OF: Final[Mapping[LinkChange, ConnectionTrigger]] = MappingProxyType(
    {
        LinkChange.CONNECTING: ConnectionTrigger.CONNECT,
        LinkChange.ACCEPTED: ConnectionTrigger.ACCEPTED,
        LinkChange.DROPPED: ConnectionTrigger.DROP,
        LinkChange.DATA_LOST: ConnectionTrigger.LOSE_DATA,
        LinkChange.DATA_RESTORED: ConnectionTrigger.RESTORE,
        LinkChange.ORDERS_LOST: ConnectionTrigger.LOSE_ORDERS,
        LinkChange.RESTORED: ConnectionTrigger.RESYNC,
        LinkChange.COMPETING: ConnectionTrigger.COMPETE,
    }
)

_ASKS_FOR_THE_BOOK: Final = frozenset({ConnectionTrigger.ACCEPTED, ConnectionTrigger.RESYNC})
_ENDS_PROOF: Final = _ASKS_FOR_THE_BOOK | {ConnectionTrigger.DROP, ConnectionTrigger.LOSE_ORDERS}
_TOLD: Final[Mapping[ConnectionState, str]] = MappingProxyType(
    {
        ConnectionState.DEGRADED_DATA: "no entries, exits go on",
        ConnectionState.COMPETING: "another login has the market data; no entries, exits go on",
        ConnectionState.DEGRADED_ORDERS: "nothing is sent; stops rest at the broker",
    }
)
TOLD_AGAIN: Final = timedelta(minutes=5)
MAY_RECONCILE: Final = frozenset({SessionState.STARTING, SessionState.ACTIVE, SessionState.PAUSED})


def link_changed(ctx: Context, journal: Journal, event: LinkChanged) -> None:
    """Apply what happened to the connection; repeats that change nothing (two drops in a row) are passed over."""
    connection = ctx.ledger.connection
    trigger = TRIGGER_OF[event.change]
    if connection.state is ConnectionState.RESTART_WINDOW or not CONNECTION.allows(connection.state, trigger):
        return
    if trigger in _ENDS_PROOF:
        ctx.ledger.proof.begin_link()
        if trigger in _ASKS_FOR_THE_BOOK:
            ctx.ledger.proof.link(ctx.now)
    sets = ConnectionChange(since=ctx.now, detail=event.detail)
    ask = (AskSnapshot(event.detail or trigger.value),) if trigger in _ASKS_FOR_THE_BOOK else ()
    before = connection.state
    journal.take(Step(connection, trigger, event.detail or trigger.value, {}, sets, instructions=ask, actor="broker"))
    if connection.state is not before:
        _tell_of_trouble(ctx, journal)
    if ask and ctx.ledger.session.state in MAY_RECONCILE:
        journal.take(Step(ctx.ledger.session, SessionTrigger.RECONCILE, "the book is compared with the broker's"))


def _tell_of_trouble(ctx: Context, journal: Journal) -> None:
    """Tell what the socket alone does not show. At night farms come and go; in the session each trouble is told, and
    not with every flutter. Another login with our data is told at any hour: only a person can end it."""
    link, told_at = ctx.ledger.connection, ctx.ledger.link_told_at
    effect = _TOLD.get(link.state)
    if effect is None or not (ctx.trading.is_open(ctx.broker_now) or link.state is ConnectionState.COMPETING):
        return
    last = told_at.get(link.state.value)
    if last is not None and ctx.now - last < TOLD_AGAIN:
        return
    told_at[link.state.value] = ctx.now
    severity = "warning" if link.state is ConnectionState.DEGRADED_DATA else "critical"
    said = link.detail or "nothing was said"
    words = f"the connection to the broker is {CONNECTION_WORDS[link.state]}: {effect} ({said})"
    journal.alert("LINK_DEGRADED", words, {"state": link.state.value, "detail": link.detail}, severity=severity)


def synced(ctx: Context, journal: Journal) -> None:
    """Every snapshot gave its end marker and nothing is in doubt: the connection is synced, and the session goes on
    once the broker's clock agrees with ours."""
    ledger = ctx.ledger
    if CONNECTION.allows(ledger.connection.state, ConnectionTrigger.SYNCED):
        sets = ConnectionChange(since=ctx.now, detail="every snapshot complete")
        journal.take(
            Step(ledger.connection, ConnectionTrigger.SYNCED, "every snapshot complete", {}, sets, actor="reconcile")
        )
    if ledger.session.state is SessionState.RECONCILING and ctx.hour_is_known:
        journal.take(_go_on(ctx))


def _go_on(ctx: Context) -> Step:
    session = ctx.ledger.session
    held = {"held_by": session.held_by, "held_at": session.held_at, "reason": session.hold_reason}
    if session.hold is Hold.HALT:
        return Step(session, SessionTrigger.HOLD_HALT, f"still halted: {session.hold_reason}", held, actor="reconcile")
    if session.hold is Hold.PAUSE:
        return Step(session, SessionTrigger.HOLD_PAUSE, f"still paused: {session.hold_reason}", held, actor="reconcile")
    return Step(session, SessionTrigger.RECONCILED, "our book and the broker's agree", actor="reconcile")
