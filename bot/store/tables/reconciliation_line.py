"""One difference or agreement of a reconciliation."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from bot.store.columns import METADATA, label, words

RECONCILIATION_LINE: Final = Table(
    "reconciliation_line",
    METADATA,
    Column("reconciliation_id", String(64), ForeignKey("reconciliation.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    label("subject", comment="position, order, execution"),
    label("key"),
    words("ours"),
    words("broker"),
    words("action"),
    comment="one difference or agreement of a reconciliation",
)
