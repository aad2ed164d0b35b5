"""Every move of every machine: append-only (SQL triggers refuse UPDATE and DELETE) and hash-chained
(`bot.store.chain`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from bot.store.columns import METADATA, label, ref, utc, words

TRANSITION: Final = Table(
    "transition",
    METADATA,
    # Assigned by the writer, gapless from 1: a missing number is a removed row.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    label("machine"),
    Column("entity_id", String(64), nullable=False),
    label("from_state"),
    label("to_state"),
    label("trigger", comment="created: birth row; refused:<trigger>: not allowed, nothing changed"),
    label("actor"),
    words("reason"),
    words("evidence", default="{}", comment="JSON: the quotes, metrics and limits that decided it"),
    ref("config_version", "config_version.id"),
    utc("event_at", nullable=False),
    utc("recorded_at", nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "machine", "entity_id", "seq"),
    Index(None, "recorded_at"),
    comment="append-only, hash-chained: every move of every machine",
)
