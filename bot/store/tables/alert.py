"""What a person should see."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from bot.store.columns import METADATA, key, label, one_of, utc, words

ALERT: Final = Table(
    "alert",
    METADATA,
    key(),
    label("code"),
    label("severity"),
    words("text"),
    words("facts", default="{}", comment="JSON"),
    utc("at", nullable=False),
    one_of("severity", ("info", "warning", "critical")),
    Index(None, "at"),
    comment="what a person should see",
)
