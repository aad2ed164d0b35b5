"""One row: as whom this store's orders were sent."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from bot.store.columns import METADATA, key, label, utc, whole

BOT_IDENTITY: Final = Table(
    "bot_identity",
    METADATA,
    key(comment="bot"),
    label("bot_id", comment="first part of every order reference"),
    whole("client_id", nullable=False, comment="the broker lets this client alone cancel and change its orders"),
    utc("since", nullable=False),
    comment="one row: as whom this store's orders were sent",
)
