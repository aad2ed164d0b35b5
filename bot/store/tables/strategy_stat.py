"""Counters of a strategy and symbol on a day."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String

from bot.engine.state.records import StrategyStatRow
from bot.store.fields import day, facts, of_column, utc, whole, words
from bot.store.stored import Stored

STRATEGY_STATS: Final = Stored(
    StrategyStatRow,
    "strategy_stat",
    of_column(Column("strategy", String(64), primary_key=True)),
    of_column(Column("symbol", String(32), primary_key=True)),
    day("day", primary_key=True),
    whole("evaluated"),
    whole("proposed"),
    words("last_reason", "why its latest look was no signal"),
    utc("at"),
    facts("seen", "JSON: what its latest look that measured anything measured"),
    utc("seen_at", maybe=True),
    comment="counters of a strategy and symbol on a day",
)
STRATEGY_STAT: Final = STRATEGY_STATS.table
