"""The session, the connection, breakers and halted symbols."""

from __future__ import annotations

from typing import Any

from bot.domain.adoption import Adoption, AdoptionState
from bot.domain.breaker import Breaker, BreakerState
from bot.domain.connection import Connection, ConnectionState
from bot.domain.session import Hold, Session, SessionState
from bot.domain.symbol_halt import SymbolHalt, SymbolState
from bot.store.values import (
    Row,
    json_text,
    maybe_parse_time,
    maybe_time_text,
    parse_json,
)


def session_row(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "state": session.state.value,
        "hold": session.hold.value,
        "held_by": session.held_by,
        "held_at": maybe_time_text(session.held_at),
        "hold_reason": session.hold_reason,
    }


def session_of(row: Row) -> Session:
    return Session(
        id=row["id"],
        state=SessionState(row["state"]),
        hold=Hold(row["hold"]),
        held_by=row["held_by"],
        held_at=maybe_parse_time(row["held_at"]),
        hold_reason=row["hold_reason"],
    )


def breaker_row(breaker: Breaker) -> dict[str, Any]:
    return {
        "id": breaker.id,
        "state": breaker.state.value,
        "value": breaker.value,
        "limit_words": breaker.limit,
        "share": breaker.share,
        "detail": breaker.detail,
        "since": maybe_time_text(breaker.since),
        "acknowledged_at": maybe_time_text(breaker.acknowledged_at),
        "facts": json_text(breaker.facts),
    }


def breaker_of(row: Row) -> Breaker:
    return Breaker(
        id=row["id"],
        state=BreakerState(row["state"]),
        value=row["value"],
        limit=row["limit_words"],
        share=row["share"],
        detail=row["detail"],
        since=maybe_parse_time(row["since"]),
        acknowledged_at=maybe_parse_time(row["acknowledged_at"]),
        facts=parse_json(row["facts"]),
    )


def symbol_halt_row(halt: SymbolHalt) -> dict[str, Any]:
    return {
        "id": halt.id,
        "state": halt.state.value,
        "reason": halt.reason,
        "causes": json_text(list(halt.causes)),
        "halted_by": halt.halted_by,
        "halted_at": maybe_time_text(halt.halted_at),
        "lifted_by": halt.lifted_by,
        "lifted_at": maybe_time_text(halt.lifted_at),
    }


def symbol_halt_of(row: Row) -> SymbolHalt:
    return SymbolHalt(
        id=row["id"],
        state=SymbolState(row["state"]),
        reason=row["reason"],
        causes=tuple(parse_json(row["causes"]) or ()),
        halted_by=row["halted_by"],
        halted_at=maybe_parse_time(row["halted_at"]),
        lifted_by=row["lifted_by"],
        lifted_at=maybe_parse_time(row["lifted_at"]),
    )


def adoption_row(adoption: Adoption) -> dict[str, Any]:
    return {
        "id": adoption.id,
        "state": adoption.state.value,
        "symbol": adoption.symbol,
        "quantity": adoption.quantity,
        "why": adoption.why,
        "asked_at": maybe_time_text(adoption.asked_at),
        "answered_by": adoption.answered_by,
        "answered_at": maybe_time_text(adoption.answered_at),
        "adopted_at": maybe_time_text(adoption.adopted_at),
    }


def adoption_of(row: Row) -> Adoption:
    return Adoption(
        id=row["id"],
        state=AdoptionState(row["state"]),
        symbol=row["symbol"],
        quantity=row["quantity"],
        why=row["why"],
        asked_at=maybe_parse_time(row["asked_at"]),
        answered_by=row["answered_by"],
        answered_at=maybe_parse_time(row["answered_at"]),
        adopted_at=maybe_parse_time(row["adopted_at"]),
    )


def connection_row(connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "state": connection.state.value,
        "since": maybe_time_text(connection.since),
        "detail": connection.detail,
    }


def connection_of(row: Row) -> Connection:
    return Connection(
        id=row["id"], state=ConnectionState(row["state"]), since=maybe_parse_time(row["since"]), detail=row["detail"]
    )
