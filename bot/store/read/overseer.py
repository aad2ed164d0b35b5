"""What the overseer's rules look at, what its calls said and cost, and what became of what they judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Case, ColumnElement, Connection, case, exists, func, select

from bot.domain.calendar import new_york_day
from bot.domain.money import from_units
from bot.domain.order import OrderState
from bot.domain.overseer import Action, ModelTask, OverseerCall
from bot.domain.position import OPEN
from bot.domain.review import ReviewState
from bot.domain.wording import dollars
from bot.store.bounded import bounded, whole_rows
from bot.store.read.reading import columns_of, read
from bot.store.tables.account_snapshot import ACCOUNT_SNAPSHOT
from bot.store.tables.broker_order import BROKER_ORDER
from bot.store.tables.overseer_call import OVERSEER_CALL, OVERSEER_CALLS
from bot.store.tables.position import POSITION
from bot.store.tables.review import REVIEW
from bot.store.tables.signal import SIGNAL
from bot.store.values import parse_json, time_text

MICROS: Final = Decimal(1_000_000)
"""Millionths of a dollar in one dollar."""


def explanation_of(connection: Connection, position_id: str) -> OverseerCall | None:
    """Return what the overseer said last of why a position was entered, None where it said nothing."""
    table = OVERSEER_CALL.c
    said = whole_rows(OVERSEER_CALL).where(table.task == ModelTask.EXPLANATION.value, table.subject == position_id)
    row = connection.execute(said.order_by(table.at.desc()).limit(1)).first()
    return None if row is None else OVERSEER_CALLS.read(row._mapping)


@dataclass(frozen=True, slots=True)
class DoubtfulOrder:
    """An order whose state at the broker nobody knows."""

    order_ref: str
    contract_key: str
    purpose: str
    state_since: datetime


@dataclass(frozen=True, slots=True)
class BarePosition:
    """An open position of which contracts have no working stop at the broker."""

    id: str
    contract_key: str
    quantity: int
    unprotected_quantity: int
    unprotected_since: datetime | None


@dataclass(frozen=True, slots=True)
class EquityPoint:
    at: datetime
    net_liquidation: Decimal | None


@dataclass(frozen=True, slots=True)
class SignalRate:
    """Signals of the last hour, and their mean an hour over earlier days; None: there are none."""

    last_hour: int
    mean: float | None
    days: int


@dataclass(frozen=True, slots=True)
class DayCost:
    """What a New York day's calls cost, in dollars, over how many, by how they ended."""

    day: date
    calls: int
    asked: int
    usd: Decimal
    failed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """How often an action was asked for, and how often its subject came to each outcome."""

    action: str
    calls: int
    open: int
    won: int
    lost: int
    other: int


def doubtful_orders(connection: Connection) -> list[DoubtfulOrder]:
    order = BROKER_ORDER.c
    chosen = columns_of(DoubtfulOrder, BROKER_ORDER).where(order.state == OrderState.UNKNOWN.value)
    return read(connection, DoubtfulOrder, chosen.order_by(order.state_since, order.id))


def bare_positions(connection: Connection) -> list[BarePosition]:
    held = POSITION.c
    chosen = columns_of(BarePosition, POSITION).where(
        held.state.in_([state.value for state in OPEN]), held.unprotected_since.is_not(None)
    )
    return read(connection, BarePosition, chosen.order_by(held.unprotected_since, held.id))


def equity_path(connection: Connection, since: datetime) -> list[EquityPoint]:
    """Return the account's values since a moment, oldest first."""
    told = ACCOUNT_SNAPSHOT.c
    chosen = columns_of(EquityPoint, ACCOUNT_SNAPSHOT).where(told.at >= time_text(since))
    return read(connection, EquityPoint, chosen.order_by(told.at, told.id))


def signal_rate(connection: Connection, now: datetime, session_hours: float, days: int = 20) -> SignalRate:
    """Return how many signals were proposed in the last hour, and how many an hour were over the latest `days` earlier
    days that had any."""
    table = SIGNAL.c
    hour_ago, today = time_text(now - timedelta(hours=1)), new_york_day(now).isoformat()
    last = connection.execute(
        select(func.count()).select_from(SIGNAL).where(table.created_at > hour_ago, table.created_at <= time_text(now))
    ).scalar()
    by_day = (
        select(table.session_day, func.count().label("n"))
        .where(table.session_day < today)
        .group_by(table.session_day)
        .order_by(table.session_day.desc())
        .limit(days)
    )
    counts = [int(row.n) for row in connection.execute(by_day)]
    mean = sum(counts) / (len(counts) * session_hours) if counts and session_hours > 0 else None
    return SignalRate(int(last or 0), mean, len(counts))


# ---- calls


def overseer_calls(connection: Connection, limit: int, task: ModelTask | None = None) -> list[OverseerCall]:
    """Return calls, newest first, each with what became of what it was about."""
    call = OVERSEER_CALL.c
    chosen = whole_rows(OVERSEER_CALL).order_by(call.at.desc(), call.id.desc()).limit(limit)
    chosen = chosen if task is None else chosen.where(call.task == task.value)
    return [OVERSEER_CALLS.read(row._mapping) for row in connection.execute(chosen)]


def calls_without_outcome(connection: Connection, since: datetime, limit: int = 100) -> list[OverseerCall]:
    """Return the calls since a moment whose subject may still come to something, oldest first."""
    call = OVERSEER_CALL.c
    chosen = whole_rows(OVERSEER_CALL).where(call.outcome == "", call.subject != "", call.at >= time_text(since))
    judging = call.task.in_([ModelTask.REVIEW.value, ModelTask.EXPLANATION.value])
    rows = connection.execute(chosen.where(judging).order_by(call.at, call.id).limit(limit))
    return [OVERSEER_CALLS.read(row._mapping) for row in rows]


def overseer_spent(connection: Connection, day: date) -> Decimal:
    """Return what the calls of a New York day cost so far, in dollars."""
    call = OVERSEER_CALL.c
    micros = connection.execute(select(func.sum(call.cost_micros)).where(call.day == day.isoformat())).scalar()
    return Decimal(int(micros or 0)) / MICROS


def overseer_costs(connection: Connection, limit: int = 30) -> list[DayCost]:
    """Return what each of the latest days cost, newest first."""
    call = OVERSEER_CALL.c
    asked = func.sum(_one_if(call.model != ""))
    failed = func.sum(_one_if(call.answered.in_(["late", "refused", "malformed", "unavailable"])))
    chosen = select(call.day, func.count(), asked, func.sum(call.cost_micros), failed).group_by(call.day)
    return [
        DayCost(date.fromisoformat(day), int(n), int(a or 0), Decimal(int(micros or 0)) / MICROS, int(f or 0))
        for day, n, a, micros, f in connection.execute(chosen.order_by(call.day.desc()).limit(limit))
    ]


def _one_if(condition: ColumnElement[bool]) -> Case[int]:
    return case((condition, 1), else_=0)


def outcome_of(connection: Connection, call: OverseerCall) -> str:
    """Return in words what became of what a call judged; empty: it is not over. A signal's is its position's."""
    position_id, signal_state = call.subject, ""
    if call.task is ModelTask.REVIEW:
        found = connection.execute(
            select(SIGNAL.c.state, SIGNAL.c.position_id).where(SIGNAL.c.id == call.verdict.get("signal_id", ""))
        ).first()
        if found is None:
            return ""
        signal_state, position_id = found
    if signal_state in {"rejected", "expired", "cancelled"}:
        return f"signal {signal_state}"
    held = connection.execute(
        select(POSITION.c.state, POSITION.c.realized_pnl).where(POSITION.c.id == (position_id or ""))
    ).first()
    if held is None or held[0] != "closed":
        return ""
    pnl = from_units(int(held[1]))
    return f"{'won' if pnl > 0 else 'lost'} {dollars(abs(pnl))}"


def judged(connection: Connection, since: datetime | None = None) -> list[Judged]:
    """Return verdicts beside outcomes: of the reviews by action, how many are open, won, lost, or were never traded."""
    call = OVERSEER_CALL.c
    kinds = {
        "open": call.outcome == "",
        "won": call.outcome.like("won%"),
        "lost": call.outcome.like("lost%"),
        "other": call.outcome.like("signal%"),
    }
    counted = [func.sum(_one_if(kind)) for kind in kinds.values()]
    chosen = (
        select(call.action, func.count(), *counted).where(call.task == ModelTask.REVIEW.value).group_by(call.action)
    )
    if since is not None:
        chosen = chosen.where(call.at >= time_text(since))
    rows = {row[0]: row for row in connection.execute(chosen)}
    known = [action.value for action in Action if action.value in rows]
    return [Judged(name, *(int(value or 0) for value in rows[name][1:])) for name in known]


# ---- what the model is asked about


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A signal's review; `why`: what makes the signal complex."""

    id: str
    signal_id: str
    state: str
    why: Sequence[str]
    asked_at: datetime
    deadline: datetime
    note: str


def open_reviews(connection: Connection) -> list[ReviewRow]:
    """Return the reviews that wait for a verdict, the oldest first."""
    table = REVIEW.c
    chosen = columns_of(ReviewRow, REVIEW).where(table.state == ReviewState.ASKED.value)
    return read(connection, ReviewRow, chosen.order_by(table.asked_at, table.id))


def what_it_saw(connection: Connection, signal_id: str | None) -> dict[str, Any]:
    """Return what the strategy saw when it proposed a signal."""
    chosen = select(bounded(SIGNAL.c.rationale)).where(SIGNAL.c.id == (signal_id or ""))
    found = connection.execute(chosen).scalar()
    seen = parse_json(found) if found else {}
    return seen if isinstance(seen, dict) else {}


def unexplained(connection: Connection, since: datetime) -> list[str]:
    """Return the positions that were opened since a moment and have no explanation on record, the oldest first."""
    held, call = POSITION.c, OVERSEER_CALL.c
    explained = exists().where(call.subject == held.id, call.task == ModelTask.EXPLANATION.value)
    chosen = select(held.id).where(held.opened_at >= time_text(since), ~explained)
    return [row[0] for row in connection.execute(chosen.order_by(held.opened_at, held.id).limit(20))]


def has_call(connection: Connection, task: ModelTask, subject: str) -> bool:
    """Say whether a task is on record for a subject."""
    call = OVERSEER_CALL.c
    chosen = select(call.id).where(call.task == task.value, call.subject == subject).limit(1)
    return connection.execute(chosen).first() is not None
