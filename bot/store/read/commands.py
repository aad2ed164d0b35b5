"""What people asked of the bot, and the one row that the page ever writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, update
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreError, StoreUnusable
from bot.domain.outside import facts, outside
from bot.store.database import inserting_engine, reason_of
from bot.store.read.reading import WrittenByOutsiders, columns_of, first, read
from bot.store.tables.command import COMMAND
from bot.store.trouble import remedy_for
from bot.store.values import json_text, time_text

_WITHOUT_THE_STORE: Final = "The emergency stop needs no store to be heard: `kill -USR1` to the bot's process"


@dataclass(frozen=True, slots=True)
class RequestRow(WrittenByOutsiders):
    id: str
    kind: str
    payload: str
    actor: str
    state: str
    created_at: datetime | None
    handled_at: datetime | None
    answer: str
    asked_at: datetime | None


def commands(connection: Connection, limit: int) -> list[RequestRow]:
    table = COMMAND
    return read(connection, RequestRow, columns_of(RequestRow, table).order_by(table.c.id.desc()).limit(limit))


def command(connection: Connection, command_id: str) -> RequestRow | None:
    table = COMMAND
    return first(read(connection, RequestRow, columns_of(RequestRow, table).where(table.c.id == command_id)))


def queued(connection: Connection) -> list[RequestRow]:
    """Return the requests that nobody answered yet, oldest first."""
    table = COMMAND
    chosen = columns_of(RequestRow, table).where(table.c.state == "queued").order_by(table.c.created_at, table.c.id)
    return read(connection, RequestRow, chosen)


def oldest_queued_command(connection: Connection) -> datetime | None:
    """Return when the command that has waited longest was given, of those that say when."""
    return min((row.created_at for row in queued(connection) if row.created_at is not None), default=None)


def command_row(
    command_id: str, kind: str, payload: Mapping[str, Any], actor: str, created_at: datetime, asked_at: datetime
) -> dict[str, str]:
    """Return a queued command as its row. `asked_at` is the wall's time, by which it dies."""
    return {
        "id": command_id, "kind": kind, "payload": json_text(facts(payload)), "actor": outside(actor),
        "state": "queued", "created_at": time_text(created_at), "answer": "", "asked_at": time_text(asked_at),
    }  # fmt: skip


def not_asked(error: DBAPIError) -> StoreError:
    """Return what is raised where the store does not take a request, with what else reaches the bot."""
    trouble = remedy_for(error)
    if trouble is None:
        return StoreError(f"nothing was asked: the store refuses the row: {reason_of(error)}")
    words = f"nothing was asked: {trouble.what}. What to do: {trouble.do}. {_WITHOUT_THE_STORE}"
    return StoreUnusable(words, code=trouble.code, passes=trouble.passes, exit_code=trouble.exit_code)


def insert_command(
    url: str, command_id: str, kind: str, payload: Mapping[str, str], actor: str, created_at: datetime,
    asked_at: datetime,
) -> None:  # fmt: skip
    """Insert one queued command row: all that the page ever writes. Raises StoreError when the store does not take
    it."""
    engine = inserting_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(
                COMMAND.insert().values(**command_row(command_id, kind, payload, actor, created_at, asked_at))
            )
    except DBAPIError as error:
        raise not_asked(error) from error


def withdraw_command(url: str, command_id: str, actor: str, at: datetime) -> bool:
    """Refuse a queued request as withdrawn, while no bot runs (the caller holds the store's lock); False when it is
    queued no more."""
    engine = inserting_engine(url)
    table = COMMAND
    values = {"state": "refused", "answer": f"WITHDRAWN: withdrawn by {actor}", "handled_at": time_text(at)}
    with engine.begin() as connection:
        chosen = update(table).where(table.c.id == command_id, table.c.state == "queued").values(**values)
        return connection.execute(chosen).rowcount == 1
