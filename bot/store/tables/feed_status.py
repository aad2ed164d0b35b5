"""How each feed is doing."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, String, Table

from bot.store.columns import METADATA, label, utc, whole, words

FEED_STATUS: Final = Table(
    "feed_status",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("dataset", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    label("state", comment="ok, waiting, retrying, open, refused, disabled"),
    utc("last_success_at"),
    words("last_error"),
    whole("requests", nullable=False),
    whole("failures", nullable=False),
    whole("dropped", nullable=False, comment="data that could not be parsed"),
    Column("max_age_s", Float, nullable=False),
    whole("quota_used"),
    whole("quota_limit"),
    utc("at", nullable=False),
    comment="how each feed is doing",
)
