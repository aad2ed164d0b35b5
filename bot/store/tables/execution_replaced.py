"""Fills that the broker corrected: kept for the record, counted nowhere."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String, Table

from bot.store.columns import METADATA
from bot.store.tables.execution import fields_of_a_fill

EXECUTION_REPLACED: Final = Table(
    "execution_replaced",
    METADATA,
    *(column for each in fields_of_a_fill() for column in each.columns),
    Column("replaced_by", String(64), nullable=False),
    comment="fills that the broker corrected: kept for the record, counted nowhere",
)
