"""What people asked for: the only way in from outside the tick."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from bot.store.columns import METADATA, key, label, one_of, utc, words

COMMAND_STATES: Final = ("queued", "done", "refused")

COMMAND: Final = Table(
    "command",
    METADATA,
    key(),
    label("kind"),
    words("payload", default="{}", comment="JSON"),
    label("actor", comment="admin:web:<user>, admin:telegram:<id>, cli"),
    label("state", server_default="queued"),
    utc("created_at", nullable=False),
    utc("handled_at"),
    words("answer", comment="what the person is told"),
    utc("asked_at", comment="by the wall, whatever clock the bot lives by; empty where the writer does not say"),
    one_of("state", COMMAND_STATES),
    Index(None, "state", "created_at"),
    comment="what people asked for: the only way in from outside the tick",
)
