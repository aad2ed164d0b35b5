"""The account over time."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from bot.store.columns import METADATA, day, key, label, units, utc, whole

ACCOUNT_SNAPSHOT: Final = Table(
    "account_snapshot",
    METADATA,
    key(),
    label("account"),
    day("day", nullable=False),
    utc("at", nullable=False),
    units("net_liquidation"),
    units("available_funds"),
    units("buying_power"),
    units("cash"),
    units("realized_pnl", comment="as the broker counts it"),
    units("unrealized_pnl", comment="as the broker counts it"),
    units("day_pnl", nullable=False, comment="equity less the day's first"),
    whole("open_positions", nullable=False),
    Index(None, "day", "at"),
    comment="the account over time",
)
