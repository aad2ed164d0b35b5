"""Each configuration that was accepted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, Table

from bot.store.columns import METADATA, key, label, utc, words

CONFIG_VERSION: Final = Table(
    "config_version",
    METADATA,
    key(comment="version of the text; version-2, -3 when the same text came into force again"),
    Column("number", Integer, nullable=False, unique=True, comment="1, 2, 3: in the order of acceptance"),
    label("hash", comment="sha256 of the text, hex"),
    words("body", comment="the accepted configuration without secrets"),
    utc("created_at", nullable=False, comment="when it came into force"),
    comment="each configuration that was accepted",
)
