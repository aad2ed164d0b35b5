"""Counters of a strategy and symbol on a day."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String, Table

from bot.store.columns import METADATA, day, utc, whole, words

STRATEGY_STAT: Final = Table(
    "strategy_stat",
    METADATA,
    Column("strategy", String(64), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    day("day", nullable=False, primary_key=True),
    whole("evaluated", nullable=False),
    whole("proposed", nullable=False),
    words("last_reason", comment="why its latest look was no signal"),
    utc("at", nullable=False),
    comment="counters of a strategy and symbol on a day",
)
