"""Comparisons of our book with the broker's."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Index

from bot.engine.state.records import ReconcileRow
from bot.store.fields import key, of_column, utc, words
from bot.store.stored import Stored

RECONCILIATIONS: Final = Stored(
    ReconcileRow,
    "reconciliation",
    key(),
    utc("at"),
    words("reason"),
    of_column(
        Column("complete", Boolean, nullable=False, comment="every part of the broker's book gave its end marker")
    ),
    more=(Index(None, "at"),),
    in_memory=("lines",),  # rows of their own
    comment="comparisons of our book with the broker's",
)
RECONCILIATION: Final = RECONCILIATIONS.table
