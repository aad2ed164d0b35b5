"""Quiet hours that persons chose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bot.store.read.reading import columns_of, read
from bot.store.tables.quiet_time import QUIET_TIME


@dataclass(frozen=True, slots=True)
class QuietRow:
    """One person's: New York's HH:MM, the same twice is none; `state` usual: those of the settings hold again."""

    id: str
    state: str
    begins: str
    ends: str
    chosen_by: str | None
    chosen_at: datetime | None


def quiet_times(connection: Connection) -> list[QuietRow]:
    """Return the hours of everybody who ever chose some, by name."""
    return read(connection, QuietRow, columns_of(QuietRow, QUIET_TIME).order_by(QUIET_TIME.c.id))
