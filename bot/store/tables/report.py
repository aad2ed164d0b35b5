"""Drafted from the store, approved by a person, published once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from bot.domain.report import ReportState
from bot.store.columns import METADATA, key, label, one_of, utc, words

REPORT: Final = Table(
    "report",
    METADATA,
    key(),
    label("kind"),
    label("period"),
    words("title"),
    words("body"),
    label("state"),
    utc("created_at", nullable=False),
    utc("decided_at"),
    label("decided_by", nullable=True),
    utc("published_at"),
    one_of("state", ReportState),
    Index(None, "state"),
    comment="drafted from the store, approved by a person, published once",
)
