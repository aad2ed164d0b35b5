"""Positions, signals and approvals, orders and their fills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, and_, false, func, or_, select

from bot.domain.machine import Lifecycle
from bot.domain.order import ORDER as ORDER_LIFE
from bot.domain.order import Purpose
from bot.domain.position import POSITION as POSITION_LIFE
from bot.domain.signal import SIGNAL as SIGNAL_LIFE
from bot.store.bounded import bounded
from bot.store.read.reading import columns_of, first, pairs, read
from bot.store.tables.approval import APPROVAL
from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.execution import EXECUTION
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from bot.store.tables.signal import SIGNAL
from bot.store.values import parse_json, parse_time

_FEW: Final = 9  # enough to say that an end of an id fits several


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
    elsewhere_quantity: int
    elsewhere_value: Decimal
    elsewhere_commission: Decimal
    valuation: str | None
    bid: Decimal | None
    ask: Decimal | None
    marked_at: datetime | None
    settlement: str | None
    underlying: Decimal | None


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
    confidence: int | None = None
    targets: Sequence[str] = ()
    risk_reward: float | None = None
    max_risk: Decimal | None = None
    complexity: str = ""


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
    underlying: Decimal | None


def live_states(life: Lifecycle) -> list[str]:
    """Return the states that are not the end of a machine, by which its index finds what is alive."""
    return [state.value for state in life.states if state not in life.terminal]


def open_positions(connection: Connection) -> list[PositionRow]:
    table = POSITION
    query = columns_of(PositionRow, table).where(table.c.state.in_(live_states(POSITION_LIFE)))
    query = query.order_by(table.c.opened_at)
    return read(connection, PositionRow, query)


def unsettled_positions(connection: Connection) -> list[PositionRow]:
    """Return the positions whose price at their expiry is not certain yet, or what they brought that somebody sold."""
    table = POSITION
    uncertain = or_(table.c.settlement.in_(["pending", "seen"]), table.c.valuation.in_(["unknown", "estimated"]))
    query = columns_of(PositionRow, table).where(uncertain)
    return read(connection, PositionRow, query.order_by(table.c.closed_at))


def closed_positions(connection: Connection, day: date, limit: int) -> list[PositionRow]:
    """Return the positions closed on a New York day, latest first."""
    table = POSITION
    query = columns_of(PositionRow, table).where(table.c.session_day == day.isoformat())
    return read(connection, PositionRow, query.order_by(table.c.closed_at.desc()).limit(limit))


def position(connection: Connection, position_id: str) -> PositionRow | None:
    table = POSITION
    return first(read(connection, PositionRow, columns_of(PositionRow, table).where(table.c.id == position_id)))


def positions_ending(connection: Connection, end: str) -> list[PositionRow]:
    """Return the positions, open and closed, whose id ends so; few, newest first."""
    table = POSITION
    query = columns_of(PositionRow, table).where(table.c.id.endswith(end, autoescape=True))
    return read(connection, PositionRow, query.order_by(table.c.opened_at.desc()).limit(_FEW))


def live_signals(connection: Connection) -> list[SignalRow]:
    table = SIGNAL
    alive = table.c.state.in_(live_states(SIGNAL_LIFE))
    query = columns_of(SignalRow, table).where(alive).order_by(table.c.created_at.desc())
    return read(connection, SignalRow, query)


def ended_signals(connection: Connection, limit: int) -> list[SignalRow]:
    """Return the latest signals that have come to an end."""
    table = SIGNAL
    over = table.c.state.not_in(live_states(SIGNAL_LIFE))  # said so, the newest are found by their time
    query = columns_of(SignalRow, table).where(over).order_by(table.c.created_at.desc()).limit(limit)
    return read(connection, SignalRow, query)


def signals_of_day(connection: Connection, day: date) -> dict[str, int]:
    """Return how many signals of a New York day are in which state."""
    table = SIGNAL.c
    query = select(table.state, func.count()).where(table.session_day == day.isoformat()).group_by(table.state)
    return pairs(connection, query)


def signal(connection: Connection, signal_id: str) -> SignalRow | None:
    table = SIGNAL
    return first(read(connection, SignalRow, columns_of(SignalRow, table).where(table.c.id == signal_id)))


def signals_ending(connection: Connection, end: str) -> list[SignalRow]:
    """Return the signals, live and over, whose id or approval's id ends so; few, newest first."""
    table = SIGNAL
    named = or_(table.c.id.endswith(end, autoescape=True), table.c.approval_id.endswith(end, autoescape=True))
    query = columns_of(SignalRow, table).where(named)
    return read(connection, SignalRow, query.order_by(table.c.created_at.desc()).limit(_FEW))


def signals_that_wait_for_a_person(connection: Connection) -> set[str]:
    """Return the ids of the signals with an open approval."""
    table = APPROVAL
    return set(connection.execute(select(table.c.signal_id).where(table.c.state == "requested")).scalars())


def approval_ids(connection: Connection, signal_id: str) -> list[str]:
    table = APPROVAL
    return list(connection.execute(select(table.c.id).where(table.c.signal_id == signal_id)).scalars())


def live_orders(connection: Connection) -> list[OrderRow]:
    """Return the orders that are not over, newest first."""
    table = BROKER_ORDER
    alive = table.c.state.in_(live_states(ORDER_LIFE))
    query = columns_of(OrderRow, table).where(alive).order_by(table.c.created_at.desc())
    return read(connection, OrderRow, query)


def orders_ending(connection: Connection, end: str) -> list[OrderRow]:
    """Return the orders, live and over, whose id or reference ends so; few, newest first."""
    table = BROKER_ORDER
    named = or_(table.c.id.endswith(end, autoescape=True), table.c.order_ref.endswith(end, autoescape=True))
    query = columns_of(OrderRow, table).where(named)
    return read(connection, OrderRow, query.order_by(table.c.created_at.desc()).limit(_FEW))


def orders_of_signal(connection: Connection, signal_id: str) -> list[OrderRow]:
    """Return a signal's entry orders, oldest first."""
    table = BROKER_ORDER
    wanted = and_(table.c.signal_id == signal_id, table.c.purpose == Purpose.ENTRY.value)
    return read(connection, OrderRow, columns_of(OrderRow, table).where(wanted).order_by(table.c.created_at))


def orders_of_position(connection: Connection, position_id: str, signal_id: str | None) -> list[OrderRow]:
    """Return a position's orders, those of its entry included, oldest first."""
    table = BROKER_ORDER
    entry = and_(table.c.signal_id == signal_id, table.c.purpose == Purpose.ENTRY.value) if signal_id else false()
    query = columns_of(OrderRow, table).where(or_(table.c.position_id == position_id, entry))
    return read(connection, OrderRow, query.order_by(table.c.created_at))


def orders(connection: Connection, ids: Iterable[str]) -> dict[str, OrderRow]:
    table = BROKER_ORDER
    found = read(connection, OrderRow, columns_of(OrderRow, table).where(table.c.id.in_(list(ids))))
    return {row.id: row for row in found}


def executions(connection: Connection, order_ids: Iterable[str], position_id: str | None = None) -> list[ExecutionRow]:
    """Return the fills that count of orders, and of a position (an adopted one has fills without an order of ours)."""
    table = EXECUTION
    ours = table.c.order_id.in_(list(order_ids))
    query = columns_of(ExecutionRow, table).where(
        or_(ours, table.c.position_id == position_id) if position_id else ours
    )
    return read(connection, ExecutionRow, query.order_by(table.c.executed_at))


def marks(connection: Connection, position_id: str) -> list[MarkRow]:
    """Return the sampled price path of a position."""
    table = POSITION_MARK
    return read(
        connection, MarkRow, columns_of(MarkRow, table).where(table.c.position_id == position_id).order_by(table.c.at)
    )


def first_mark(connection: Connection, position_id: str) -> MarkRow | None:
    """Return the first sampled quote of a position that has all its parts: what the market was at its entry."""
    mark = POSITION_MARK.c
    whole = (mark.bid.is_not(None), mark.ask.is_not(None), mark.underlying.is_not(None))
    query = columns_of(MarkRow, POSITION_MARK).where(mark.position_id == position_id, *whole).order_by(mark.at).limit(1)
    return next(iter(read(connection, MarkRow, query)), None)


def titles(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the contract of each signal and position among some ids."""
    found: dict[str, str] = {}
    for table in (SIGNAL, POSITION):
        query = select(table.c.id, bounded(table.c.contract_key)).where(table.c.id.in_(list(ids)))
        found.update(pairs(connection, query))
    return found


def signal_of_approval(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    table = APPROVAL
    query = select(table.c.id, table.c.signal_id).where(table.c.id.in_(list(ids)))
    return pairs(connection, query)


def plan_rungs(plan: str) -> list[Decimal]:
    """Return the gains of a frozen exit plan's rungs (0.5 is +50 %)."""
    rungs = (parse_json(plan) or {}).get("rungs", [])
    return [Decimal(str(rung["gain"] if isinstance(rung, dict) else rung[0])) for rung in rungs]


@dataclass(frozen=True, slots=True)
class PlanNumbers:
    """The other numbers of a frozen exit plan: fractions, and when it is sold by the clock."""

    stop_loss: Decimal | None
    trail: Decimal | None
    flat_at: datetime | None


def plan_numbers(plan: str) -> PlanNumbers:
    """Return stop, trail and flat time of a frozen exit plan, None where it has none or is of another form."""
    found = parse_json(plan) or {}
    try:
        fractions = [
            None if (value := found.get(name)) is None else Decimal(str(value)) for name in ("stop_loss", "trail")
        ]
        flat = found.get("flat_at")
        return PlanNumbers(fractions[0], fractions[1], parse_time(str(flat)) if flat else None)
    except (ArithmeticError, ValueError, AttributeError):
        return PlanNumbers(None, None, None)
