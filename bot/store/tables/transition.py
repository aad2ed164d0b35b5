"""Every move of every machine: append-only (SQL triggers refuse UPDATE and DELETE) and hash-chained
(`bot.store.chain`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String

from bot.engine.state.records import NewTransition
from bot.store.fields import facts, given, label, of_column, ref, utc, words
from bot.store.stored import Stored

_SEQ: Final = BigInteger().with_variant(Integer, "sqlite")

TRANSITIONS: Final = Stored(
    NewTransition,
    "transition",
    # Assigned by the writer, gapless from 1: a missing number is a removed row.
    given(of_column(Column("seq", _SEQ, primary_key=True, autoincrement=False))),
    label("machine"),
    of_column(Column("entity_id", String(64), nullable=False)),
    label("from_state"),
    label("to_state"),
    label("trigger", "created: birth row; refused:<trigger>: not allowed, nothing changed"),
    label("actor"),
    words("reason"),
    facts("evidence", "JSON: the quotes, metrics and limits that decided it"),
    given(ref("config_version", "config_version.id", maybe=True)),
    utc("event_at"),
    given(utc("recorded_at")),
    given(of_column(Column("tick", BigInteger, nullable=False))),
    given(of_column(Column("prev_hash", String(64), nullable=False))),
    given(of_column(Column("hash", String(64), nullable=False))),
    more=(Index(None, "machine", "entity_id", "seq"), Index(None, "recorded_at")),
    comment="append-only, hash-chained: every move of every machine",
)
TRANSITION: Final = TRANSITIONS.table
