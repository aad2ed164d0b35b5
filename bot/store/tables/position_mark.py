"""Price path of a position, sampled."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, String, Table

from bot.store.columns import METADATA, units

POSITION_MARK: Final = Table(
    "position_mark",
    METADATA,
    Column("position_id", String(64), ForeignKey("position.id"), primary_key=True),
    Column("at", String(32), primary_key=True),
    units("bid"),
    units("ask"),
    units("underlying"),
    units("unrealized_pnl"),
    units("stop_price", comment="where the stop stood"),
    comment="price path of a position, sampled",
)
