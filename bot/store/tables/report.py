"""Drafted from the store, approved by a person, published once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.report import Report, ReportState
from bot.store.fields import key, label, utc, whole, word, words
from bot.store.stored import Stored

REPORTS: Final = Stored(
    Report,
    "report",
    key(),
    label("kind"),
    label("period"),
    words("title"),
    words("body"),
    word("state", ReportState),
    utc("created_at"),
    utc("decided_at", maybe=True),
    label("decided_by", maybe=True),
    utc("published_at", maybe=True),
    whole("edits", "how often a person changed its text", default="0"),
    words("reason"),
    more=(Index(None, "state"),),
    comment="drafted from the store, approved by a person, published once",
)
REPORT: Final = REPORTS.table
