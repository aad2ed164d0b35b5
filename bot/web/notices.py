"""What a visitor has just asked for and what the bot answered; where it can be undone, what undoes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import request
from sqlalchemy import Connection

from bot.domain.alert import AlertState
from bot.domain.errors import StoreError
from bot.domain.events.people import RequestKind
from bot.store import read as ask
from bot.store.read.alerting import alert_state
from bot.store.values import parse_json
from bot.web.store_reader import reader
from bot.web.views import RequestView, command_view

DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class UndoOffer:
    """The request that takes another back, with its payload as a form sends it."""

    kind: str
    target: str = ""
    to: str = ""


def notice() -> dict[str, Any]:
    """Return what every page's notice shows: the request that the address names, and its undoing."""
    command_id = request.args.get("sent", "")
    sent, undo = (None, None) if not command_id else _sent(command_id)
    return {"sent": sent, "undo": undo, "sent_id": command_id}


def _sent(command_id: str) -> tuple[RequestView | None, UndoOffer | None]:
    try:
        return reader().look(lambda connection: _looked_up(connection, command_id))
    except StoreError:
        return None, None


def _looked_up(connection: Connection, command_id: str) -> tuple[RequestView | None, UndoOffer | None]:
    row = ask.command(connection, command_id)
    return (None, None) if row is None else (command_view(row), undo_of(connection, row))


def undo_of(connection: Connection, row: ask.RequestRow) -> UndoOffer | None:
    """Return what takes a request back, None where nothing does or where somebody has changed the thing since."""
    if row.state != DONE:
        return None
    if row.kind == RequestKind.PAUSE.value:
        session = ask.session(connection)
        return UndoOffer(RequestKind.RESUME.value) if session is not None and session.state == "paused" else None
    if row.kind == RequestKind.RESUME.value:
        session = ask.session(connection)
        return UndoOffer(RequestKind.PAUSE.value) if session is not None and session.state == "active" else None
    if row.kind == RequestKind.ACK.value:
        return _open_again(connection, row)
    return _switched_back(connection, row) if row.kind == RequestKind.STRATEGY.value else None


def _open_again(connection: Connection, row: ask.RequestRow) -> UndoOffer | None:
    """Only one that was acknowledged by itself is offered back: which `all` were, its answer says in words alone."""
    alert_id = str((parse_json(row.payload) or {}).get("alert_id", ""))
    is_theirs = alert_state(connection, alert_id) == AlertState.ACKNOWLEDGED.value
    return UndoOffer(RequestKind.UNACK.value, alert_id) if is_theirs else None


def _switched_back(connection: Connection, row: ask.RequestRow) -> UndoOffer | None:
    payload = parse_json(row.payload) or {}
    name = str(payload.get("strategy", ""))
    steps = [step for step in ask.transitions_of(connection, [name]) if step.machine == "strategy"]
    moved = [step for step in steps if step.from_state != step.to_state]
    if not moved or moved[-1].to_state != str(payload.get("to", "")).lower():
        return None
    return UndoOffer(row.kind, name, moved[-1].from_state)
