"""What the page reads, each question one function: plain frozen rows in dollars, aware UTC times and dates.

Every function takes a connection of a reader (read-only), so that one look at the page is one short read transaction
and all its parts agree. A row class names the columns that it needs; the annotations say how the stored form becomes
a value.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, Table, and_, case, false, func, or_, select

from bot.domain.calendar import NEW_YORK
from bot.domain.lifecycles import LIFECYCLES
from bot.domain.money import ZERO, from_units
from bot.domain.order import Purpose
from bot.domain.position import POSITION as POSITION_LIFE
from bot.domain.signal import SIGNAL as SIGNAL_LIFE
from bot.store import schema
from bot.store.database import writer_engine
from bot.store.values import json_text, parse_json, parse_time, time_text


@dataclass(frozen=True, slots=True)
class PulseRow:
    tick: int
    at: datetime
    tick_ms: float
    mode: str
    speed: float
    scenario: str
    inbox_depth: int
    quotes_per_s: float
    session_day: date | None
    session_open_at: datetime | None
    session_close_at: datetime | None
    broker_synced_at: datetime | None
    waiting_for: str


@dataclass(frozen=True, slots=True)
class BreakerRow:
    id: str
    state: str
    value: str
    limit_words: str
    share: float | None
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    state: str
    hold: str
    held_by: str | None
    held_at: datetime | None
    hold_reason: str


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    state: str
    since: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    account: str
    day: date
    at: datetime
    net_liquidation: Decimal | None
    available_funds: Decimal | None
    day_pnl: Decimal


@dataclass(frozen=True, slots=True)
class PositionRow:
    id: str
    signal_id: str | None
    strategy: str
    contract_key: str
    multiplier: int
    plan: str
    state: str
    origin: str
    entry_quantity: int
    quantity: int
    entry_price: Decimal
    entry_value: Decimal
    commissions: Decimal
    high: Decimal
    stop_price: Decimal | None
    rungs_done: int
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    opened_at: datetime
    closed_at: datetime | None
    close_reason: str | None
    unprotected_since: datetime | None
    bid: Decimal | None
    ask: Decimal | None
    marked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignalRow:
    id: str
    strategy: str
    contract_key: str
    quantity: int
    limit_price: Decimal
    notional: Decimal
    state: str
    created_at: datetime
    expires_at: datetime
    approval_id: str | None
    position_id: str | None


@dataclass(frozen=True, slots=True)
class OrderRow:
    id: str
    order_ref: str
    signal_id: str | None
    position_id: str | None
    contract_key: str
    purpose: str
    side: str
    order_type: str
    quantity: int
    filled_quantity: int
    limit_price: Decimal | None
    stop_price: Decimal | None
    state: str
    tag: str
    mid_at_decision: Decimal | None
    reject_reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    exec_id: str
    order_id: str | None
    side: str
    quantity: int
    price: Decimal
    commission: Decimal | None
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class MarkRow:
    at: datetime
    bid: Decimal | None
    ask: Decimal | None


@dataclass(frozen=True, slots=True)
class TransitionRow:
    seq: int
    machine: str
    entity_id: str
    from_state: str
    to_state: str
    trigger: str
    actor: str
    reason: str
    evidence: str
    config_version: str | None
    event_at: datetime
    tick: int
    hash: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    id: str
    code: str
    severity: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedRow:
    feed: str
    dataset: str
    key: str
    state: str
    last_success_at: datetime | None
    last_error: str
    requests: int
    failures: int
    dropped: int
    max_age_s: float
    quota_used: int | None
    quota_limit: int | None


@dataclass(frozen=True, slots=True)
class CommandRow:
    id: str
    kind: str
    payload: str
    actor: str
    state: str
    created_at: datetime
    handled_at: datetime | None
    answer: str


@dataclass(frozen=True, slots=True)
class StatRow:
    strategy: str
    symbol: str
    evaluated: int
    proposed: int
    last_reason: str


@dataclass(frozen=True, slots=True)
class DayCounters:
    """What one New York day came to. `slippage` is dollars paid against the mid at decision (a stop: against its stop
    price), None before the first fill that can be compared."""

    closed: int
    wins: int
    realized: Decimal
    executions: int
    fees: Decimal
    slippage: Decimal | None


Row = TypeVar("Row")
_CONVERT: Final[Mapping[Any, Callable[[Any], Any]]] = {
    Decimal: from_units,
    datetime: parse_time,
    date: date.fromisoformat,
}


@cache
def _converters(row_type: Hashable) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    row: Any = row_type
    hints = typing.get_type_hints(row)
    return tuple((f.name, _CONVERT.get(_plain_type(hints[f.name]))) for f in fields(row))


def _plain_type(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _ask(row_type: Hashable, table: Table) -> Select[Any]:
    return select(*(table.c[name] for name, _ in _converters(row_type)))


def _read(connection: Connection, row_type: type[Row], query: Select[Any]) -> list[Row]:
    converters = _converters(typing.cast(Hashable, row_type))
    return [
        row_type(
            *(
                v if v is None or convert is None else convert(v)
                for v, (_, convert) in zip(row, converters, strict=True)
            )
        )
        for row in connection.execute(query)
    ]


def _pairs(connection: Connection, query: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


def pulse(connection: Connection) -> PulseRow | None:
    """Return the engine's pulse, None before its first tick."""
    return _first(_read(connection, PulseRow, _ask(PulseRow, schema.ENGINE_STATUS)))


def session(connection: Connection) -> SessionRow | None:
    return _first(_read(connection, SessionRow, _ask(SessionRow, schema.SESSION_STATE)))


def breakers(connection: Connection) -> list[BreakerRow]:
    """Return every circuit breaker, the one nearest to its limit first."""
    table = schema.BREAKER.c
    return _read(connection, BreakerRow, _ask(BreakerRow, schema.BREAKER).order_by(table.share.desc(), table.id))


def broker_link(connection: Connection) -> ConnectionRow | None:
    return _first(_read(connection, ConnectionRow, _ask(ConnectionRow, schema.CONNECTION_STATE)))


def account(connection: Connection) -> AccountRow | None:
    """Return the latest account reading."""
    table = schema.ACCOUNT_SNAPSHOT
    return _first(_read(connection, AccountRow, _ask(AccountRow, table).order_by(table.c.at.desc()).limit(1)))


def account_day(connection: Connection, day: date) -> list[AccountRow]:
    """Return a New York day's account readings, oldest first."""
    table = schema.ACCOUNT_SNAPSHOT
    query = _ask(AccountRow, table).where(table.c.day == day.isoformat()).order_by(table.c.at)
    return _read(connection, AccountRow, query)


def open_positions(connection: Connection) -> list[PositionRow]:
    table = schema.POSITION
    ended = [state.value for state in POSITION_LIFE.terminal]
    query = _ask(PositionRow, table).where(table.c.state.not_in(ended)).order_by(table.c.opened_at)
    return _read(connection, PositionRow, query)


def closed_positions(connection: Connection, day: date, limit: int) -> list[PositionRow]:
    """Return the positions closed on a New York day, latest first."""
    table = schema.POSITION
    query = _ask(PositionRow, table).where(table.c.session_day == day.isoformat())
    return _read(connection, PositionRow, query.order_by(table.c.closed_at.desc()).limit(limit))


def position(connection: Connection, position_id: str) -> PositionRow | None:
    table = schema.POSITION
    return _first(_read(connection, PositionRow, _ask(PositionRow, table).where(table.c.id == position_id)))


def live_signals(connection: Connection) -> list[SignalRow]:
    table = schema.SIGNAL
    ended = [state.value for state in SIGNAL_LIFE.terminal]
    query = _ask(SignalRow, table).where(table.c.state.not_in(ended)).order_by(table.c.created_at.desc())
    return _read(connection, SignalRow, query)


def ended_signals(connection: Connection, limit: int) -> list[SignalRow]:
    """Return the latest signals that have come to an end."""
    table = schema.SIGNAL
    ended = [state.value for state in SIGNAL_LIFE.terminal]
    query = _ask(SignalRow, table).where(table.c.state.in_(ended)).order_by(table.c.created_at.desc()).limit(limit)
    return _read(connection, SignalRow, query)


def signal(connection: Connection, signal_id: str) -> SignalRow | None:
    table = schema.SIGNAL
    return _first(_read(connection, SignalRow, _ask(SignalRow, table).where(table.c.id == signal_id)))


def signals_that_wait_for_a_person(connection: Connection) -> set[str]:
    """Return the ids of the signals with an open approval."""
    table = schema.APPROVAL
    return set(connection.execute(select(table.c.signal_id).where(table.c.state == "requested")).scalars())


def approval_ids(connection: Connection, signal_id: str) -> list[str]:
    table = schema.APPROVAL
    return list(connection.execute(select(table.c.id).where(table.c.signal_id == signal_id)).scalars())


def orders_of_signal(connection: Connection, signal_id: str) -> list[OrderRow]:
    """Return a signal's entry orders, oldest first."""
    table = schema.BROKER_ORDER
    wanted = and_(table.c.signal_id == signal_id, table.c.purpose == Purpose.ENTRY.value)
    return _read(connection, OrderRow, _ask(OrderRow, table).where(wanted).order_by(table.c.created_at))


def orders_of_position(connection: Connection, position_id: str, signal_id: str | None) -> list[OrderRow]:
    """Return a position's orders, those of its entry included, oldest first."""
    table = schema.BROKER_ORDER
    entry = and_(table.c.signal_id == signal_id, table.c.purpose == Purpose.ENTRY.value) if signal_id else false()
    query = _ask(OrderRow, table).where(or_(table.c.position_id == position_id, entry))
    return _read(connection, OrderRow, query.order_by(table.c.created_at))


def orders(connection: Connection, ids: Iterable[str]) -> dict[str, OrderRow]:
    table = schema.BROKER_ORDER
    found = _read(connection, OrderRow, _ask(OrderRow, table).where(table.c.id.in_(list(ids))))
    return {row.id: row for row in found}


def executions(connection: Connection, order_ids: Iterable[str], position_id: str | None = None) -> list[ExecutionRow]:
    """Return the fills that count of orders, and of a position (an adopted one has fills without an order of ours)."""
    table = schema.EXECUTION
    ours = table.c.order_id.in_(list(order_ids))
    query = _ask(ExecutionRow, table).where(or_(ours, table.c.position_id == position_id) if position_id else ours)
    return _read(connection, ExecutionRow, query.order_by(table.c.executed_at))


def marks(connection: Connection, position_id: str) -> list[MarkRow]:
    """Return the sampled price path of a position."""
    table = schema.POSITION_MARK
    return _read(
        connection, MarkRow, _ask(MarkRow, table).where(table.c.position_id == position_id).order_by(table.c.at)
    )


def transitions_of(connection: Connection, ids: Sequence[str]) -> list[TransitionRow]:
    """Return every transition of some entities, oldest first."""
    table = schema.TRANSITION
    known = [name for name in LIFECYCLES if name not in {"session", "connection"}]
    # Naming the machines lets the (machine, entity_id, seq) index find the rows.
    wanted = and_(table.c.machine.in_(known), table.c.entity_id.in_(list(ids)))
    return _read(connection, TransitionRow, _ask(TransitionRow, table).where(wanted).order_by(table.c.seq))


def latest_transitions(connection: Connection, limit: int, machine: str | None = None) -> list[TransitionRow]:
    """Return the latest transitions, newest first, of one machine or of all."""
    table = schema.TRANSITION
    query = _ask(TransitionRow, table).order_by(table.c.seq.desc()).limit(limit)
    return _read(connection, TransitionRow, query if machine is None else query.where(table.c.machine == machine))


def last_words(connection: Connection, machine: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the reason of each entity's latest transition."""
    table = schema.TRANSITION
    newest = select(func.max(table.c.seq)).where(table.c.machine == machine, table.c.entity_id.in_(list(ids)))
    query = select(table.c.entity_id, table.c.reason).where(table.c.seq.in_(newest.group_by(table.c.entity_id)))
    return _pairs(connection, query)


def titles(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the contract of each signal and position among some ids."""
    found: dict[str, str] = {}
    for table in (schema.SIGNAL, schema.POSITION):
        query = select(table.c.id, table.c.contract_key).where(table.c.id.in_(list(ids)))
        found.update(_pairs(connection, query))
    return found


def signal_of_approval(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    table = schema.APPROVAL
    query = select(table.c.id, table.c.signal_id).where(table.c.id.in_(list(ids)))
    return _pairs(connection, query)


def alerts(connection: Connection, limit: int) -> list[AlertRow]:
    table = schema.ALERT
    return _read(
        connection, AlertRow, _ask(AlertRow, table).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
    )


def feeds(connection: Connection) -> list[FeedRow]:
    table = schema.FEED_STATUS
    return _read(connection, FeedRow, _ask(FeedRow, table).order_by(table.c.feed, table.c.dataset, table.c.key))


def commands(connection: Connection, limit: int) -> list[CommandRow]:
    table = schema.COMMAND
    return _read(connection, CommandRow, _ask(CommandRow, table).order_by(table.c.id.desc()).limit(limit))


def command(connection: Connection, command_id: str) -> CommandRow | None:
    table = schema.COMMAND
    return _first(_read(connection, CommandRow, _ask(CommandRow, table).where(table.c.id == command_id)))


def oldest_queued_command(connection: Connection) -> datetime | None:
    """Return when the command that has waited longest was given."""
    table = schema.COMMAND
    found = connection.execute(select(func.min(table.c.created_at)).where(table.c.state == "queued")).scalar()
    return None if found is None else parse_time(str(found))


def strategy_stats(connection: Connection, day: date) -> list[StatRow]:
    table = schema.STRATEGY_STAT
    query = _ask(StatRow, table).where(table.c.day == day.isoformat()).order_by(table.c.strategy, table.c.symbol)
    return _read(connection, StatRow, query)


def counters(connection: Connection, day: date) -> DayCounters:
    """Return what a New York day came to so far."""
    table = schema.POSITION
    won = func.sum(case((table.c.realized_pnl > 0, 1), else_=0))
    closed, wins, realized = connection.execute(
        select(func.count(), won, func.sum(table.c.realized_pnl)).where(table.c.session_day == day.isoformat())
    ).one()
    fills, fees, slipped = _fills_of_day(connection, day)
    return DayCounters(int(closed), int(wins or 0), from_units(int(realized or 0)), fills, fees, slipped)


def _fills_of_day(connection: Connection, day: date) -> tuple[int, Decimal, Decimal | None]:
    fill, order, held = schema.EXECUTION, schema.BROKER_ORDER, schema.POSITION
    start = time_text(datetime.combine(day, time(), NEW_YORK))
    end = time_text(datetime.combine(day, time(23, 59, 59, 999999), NEW_YORK))
    # A stop is decided long before it fills, so its mid at decision says nothing: the price that it promised does.
    expected = case((order.c.purpose == Purpose.PROTECT.value, order.c.stop_price), else_=order.c.mid_at_decision)
    worse = case((fill.c.side == "BUY", fill.c.price - expected), else_=expected - fill.c.price)
    cost = worse * fill.c.quantity * func.coalesce(held.c.multiplier, 100)
    joined = fill.outerjoin(order, order.c.id == fill.c.order_id).outerjoin(held, held.c.id == fill.c.position_id)
    query = select(func.count(), func.sum(fill.c.commission), func.sum(cost)).select_from(joined)
    number, fees, slipped = connection.execute(query.where(fill.c.executed_at.between(start, end))).one()
    return int(number), from_units(int(fees or 0)), None if slipped is None else from_units(int(slipped))


_TABLE_OF: Final[Mapping[str, Table]] = {
    "signal": schema.SIGNAL,
    "position": schema.POSITION,
    "order": schema.BROKER_ORDER,
    "approval": schema.APPROVAL,
    "message": schema.MESSAGE,
    "report": schema.REPORT,
    "session": schema.SESSION_STATE,
    "connection": schema.CONNECTION_STATE,
    "breaker": schema.BREAKER,
}


def state_counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return how many of each machine are in each state now."""
    found: dict[str, dict[str, int]] = {}
    for machine, table in _TABLE_OF.items():
        query = select(table.c.state, func.count()).group_by(table.c.state)
        found[machine] = _pairs(connection, query)
    return found


def transition_count(connection: Connection) -> int:
    """Return the number of the newest transition: the chain is gapless from 1."""
    return int(connection.execute(select(func.max(schema.TRANSITION.c.seq))).scalar() or 0)


def unprotected_contracts(connection: Connection) -> int:
    """Return the contracts of open positions that no working stop covers."""
    table = schema.POSITION
    query = select(func.sum(table.c.quantity)).where(
        table.c.unprotected_since.is_not(None), table.c.state.not_in([s.value for s in POSITION_LIFE.terminal])
    )
    return int(connection.execute(query).scalar() or 0)


def plan_rungs(plan: str) -> list[Decimal]:
    """Return the gains of a frozen exit plan's rungs (0.5 is +50 %)."""
    rungs = (parse_json(plan) or {}).get("rungs", [])
    return [Decimal(str(rung["gain"] if isinstance(rung, dict) else rung[0])) for rung in rungs]


def total_open(rows: Iterable[PositionRow]) -> Decimal:
    """Return the unrealized dollars of positions at their latest marks."""
    return sum((row.unrealized_pnl or ZERO for row in rows), ZERO)


def insert_command(
    url: str, command_id: str, kind: str, payload: Mapping[str, str], actor: str, created_at: datetime
) -> None:
    """Insert one queued command row: all that the page ever writes."""
    engine = writer_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(
                schema.COMMAND.insert().values(
                    id=command_id, kind=kind, payload=json_text(payload), actor=actor, state="queued",
                    created_at=time_text(created_at), answer="",
                )
            )  # fmt: skip
    finally:
        engine.dispose()
