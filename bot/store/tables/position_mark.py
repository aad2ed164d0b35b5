"""Price path of a position, sampled; and its latest mark, which stands in the position's own row."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Column, ForeignKey, String

from bot.engine.state.records import NewMark
from bot.store.fields import apart, money, of_column, utc
from bot.store.stored import Patch, Stored
from bot.store.tables.position import POSITION

MARKS: Final = Stored(
    NewMark,
    "position_mark",
    of_column(Column("position_id", String(64), ForeignKey("position.id"), primary_key=True)),
    utc("at", primary_key=True),
    money("bid", maybe=True),
    money("ask", maybe=True),
    money("underlying", maybe=True),
    money("unrealized_pnl", maybe=True),
    apart(money("stop_price", "where the stop stood", maybe=True)),
    in_memory=("sampled", "quoted_at"),
    comment="price path of a position, sampled",
)
POSITION_MARK: Final = MARKS.table

LATEST_MARKS: Final = Patch(
    NewMark,
    "latest_mark",
    POSITION,
    "position_id",
    money("bid", maybe=True),
    money("ask", maybe=True),
    money("underlying", maybe=True),
    money("unrealized_pnl", maybe=True),
    replace(utc("marked_at"), name="at"),
    utc("quoted_at", maybe=True),
)
