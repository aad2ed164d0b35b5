"""The one row that a process of ours inserts when it has something to say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreError
from bot.domain.outside import facts, outside
from bot.store.database import inserting_engine, reason_of
from bot.store.tables.inbound import INBOUND
from bot.store.values import json_text, time_text


def inbound_row(
    row_id: str, source: str, kind: str, payload: Mapping[str, Any], received_at: datetime
) -> dict[str, str]:
    """Return what a process of ours says as its queued row."""
    return {
        "id": row_id, "source": outside(source), "kind": outside(kind), "payload": json_text(facts(payload)),
        "state": "queued", "received_at": time_text(received_at), "answer": "",
    }  # fmt: skip


def insert_inbound(
    url: str, row_id: str, source: str, kind: str, payload: Mapping[str, Any], received_at: datetime
) -> None:
    """Insert one queued row; raises StoreError when the store does not take it. An id that is there already is the same
    row: it is left as it is."""
    engine, values = inserting_engine(url), inbound_row(row_id, source, kind, payload, received_at)
    try:
        with engine.begin() as connection:
            there = connection.execute(select(INBOUND.c.id).where(INBOUND.c.id == row_id)).first()
            if there is None:
                connection.execute(INBOUND.insert().values(**values))
    except DBAPIError as error:
        raise StoreError(f"the store refuses the row: {reason_of(error)}") from error


def inbound_state(connection: Connection, row_id: str) -> tuple[str, str] | None:
    """Return (state, answer) of a row, None where there is none."""
    table = INBOUND.c
    found = connection.execute(select(table.state, table.answer).where(table.id == row_id)).first()
    return None if found is None else (found[0], found[1])
