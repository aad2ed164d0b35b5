"""The engine's pulse: one row."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Integer, Table

from bot.store.columns import METADATA, day, label, utc, whole, words

ENGINE_STATUS: Final = Table(
    "engine_status",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("tick", BigInteger, nullable=False),
    utc("at", nullable=False),
    Column("tick_ms", Float, nullable=False),
    label("mode"),
    Column("speed", Float, nullable=False, comment="clock seconds per wall second"),
    label("scenario"),
    whole("inbox_depth", nullable=False),
    Column("quotes_per_s", Float, nullable=False),
    day("session_day"),
    utc("session_open_at"),
    utc("session_close_at"),
    utc("broker_synced_at"),
    words("waiting_for", default="[]", comment="JSON list: why there is no trade right now"),
    words("clock_fault", comment="how the machine's clock differs from the broker's, what follows and what to do"),
    CheckConstraint("id = 1", name="one_row"),
    comment="the engine's pulse: one row",
)
