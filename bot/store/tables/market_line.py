"""Who holds which market data line."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String

from bot.domain.events.market_data import LineReported
from bot.store.fields import label, of_column, utc, whole, words
from bot.store.stored import Stored

MARKET_LINES: Final = Stored(
    LineReported,
    "market_line",
    of_column(Column("key", String(64), primary_key=True)),
    of_column(Column("kind", String(64), primary_key=True)),
    label("rank", "position, candidate, context"),
    label("group_name", "of the universe; empty: none"),
    label("state", "open, waiting, delayed, refused, left_out, snapshot, closed"),
    words("detail"),
    utc("ticked_at", maybe=True),
    whole("gaps", "found missing in its sequence on this connection"),
    utc("at"),
    comment="who holds which market data line, and who waits for one",
)
MARKET_LINE: Final = MARKET_LINES.table
