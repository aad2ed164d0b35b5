"""One difference or agreement of a reconciliation."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, String

from bot.engine.state.records import ReconcileLine
from bot.store.fields import given, label, of_column, words
from bot.store.stored import Stored

LINES: Final = Stored(
    ReconcileLine,
    "reconciliation_line",
    given(of_column(Column("reconciliation_id", String(64), ForeignKey("reconciliation.id"), primary_key=True))),
    given(of_column(Column("line", Integer, primary_key=True, autoincrement=False))),
    label("subject", "position, order, execution"),
    label("key"),
    words("ours"),
    words("broker"),
    words("action"),
    comment="one difference or agreement of a reconciliation",
)
RECONCILIATION_LINE: Final = LINES.table
