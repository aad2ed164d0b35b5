"""The engine's pulse: one row."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer

from bot.engine.state.records import EngineStatus
from bot.store.fields import day, label, large, names, number, of_column, shown, utc, whole, words
from bot.store.stored import Stored

PULSE: Final = Stored(
    EngineStatus,
    "engine_status",
    shown(of_column(Column("id", Integer, primary_key=True, autoincrement=False)), lambda _: 1),
    large("tick"),
    utc("at"),
    number("tick_ms"),
    label("mode"),
    number("speed", "clock seconds per wall second"),
    label("scenario"),
    whole("inbox_depth"),
    number("quotes_per_s"),
    day("session_day", maybe=True),
    utc("session_open_at", maybe=True),
    utc("session_close_at", maybe=True),
    utc("broker_synced_at", maybe=True),
    names("waiting_for", "JSON list: why there is no trade right now"),
    words("clock_fault", "how the machine's clock differs from the broker's, what follows and what to do"),
    more=(CheckConstraint("id = 1", name="one_row"),),
    comment="the engine's pulse: one row",
)
ENGINE_STATUS: Final = PULSE.table
