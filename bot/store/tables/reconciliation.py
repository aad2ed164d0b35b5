"""Comparisons of our book with the broker's."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Index, Table

from bot.store.columns import METADATA, key, utc, words

RECONCILIATION: Final = Table(
    "reconciliation",
    METADATA,
    key(),
    utc("at", nullable=False),
    words("reason"),
    Column("complete", Boolean, nullable=False, comment="every part of the broker's book gave its end marker"),
    Index(None, "at"),
    comment="comparisons of our book with the broker's",
)
