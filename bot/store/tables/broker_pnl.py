"""What the broker reckons that each holding brought."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String

from bot.domain.events.account import PositionPnlTold
from bot.store.fields import money, of_column, utc, whole
from bot.store.stored import Stored

BROKER_PNLS: Final = Stored(
    PositionPnlTold,
    "broker_pnl",
    of_column(Column("key", String(64), primary_key=True)),
    whole("quantity"),
    money("daily", "of the day", maybe=True),
    money("unrealized", maybe=True),
    money("realized", maybe=True),
    money("value", maybe=True),
    utc("at"),
    comment="profit and loss of each holding as the broker reckons it; ours come from fills",
)
BROKER_PNL: Final = BROKER_PNLS.table
