"""Updates of Telegram that were taken up: each is handled once, also across a kill."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from bot.store.columns import METADATA, key, label, one_of, utc, words

UPDATE_STATES: Final = ("taken", "handled")

TELEGRAM_UPDATE: Final = Table(
    "telegram_update",
    METADATA,
    key(),
    label("command_id", comment="the id under which a request of it is, or would be, in command"),
    label("actor", comment="who it came from"),
    words("words", comment="what it was, in short"),
    label("state", server_default="taken"),
    utc("received_at", nullable=False),
    label("chat", nullable=True, comment="where its answer goes"),
    utc("answered_at", comment="when what came of its request was told"),
    one_of("state", UPDATE_STATES),
    comment="updates of Telegram that were taken up: each is handled once, also across a kill",
)
