"""The one row that a process of ours inserts when it has something to say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from bot.domain.outside import outside
from bot.store.database import writer_engine
from bot.store.tables.inbound import INBOUND
from bot.store.values import json_text, time_text


def insert_inbound(
    url: str, row_id: str, source: str, kind: str, payload: Mapping[str, Any], received_at: datetime
) -> None:
    """Insert one queued row. Raises sqlalchemy's DBAPIError when the store does not take it."""
    engine = writer_engine(url)
    values = {
        "id": row_id, "source": outside(source), "kind": outside(kind), "payload": json_text(payload),
        "state": "queued", "received_at": time_text(received_at), "answer": "",
    }  # fmt: skip
    try:
        with engine.begin() as connection:
            connection.execute(INBOUND.insert().values(values))
    finally:
        engine.dispose()


def inbound_state(connection: Connection, row_id: str) -> tuple[str, str] | None:
    """Return (state, answer) of a row, None where there is none."""
    table = INBOUND.c
    found = connection.execute(select(table.state, table.answer).where(table.id == row_id)).first()
    return None if found is None else (found[0], found[1])
