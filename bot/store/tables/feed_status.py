"""How each feed is doing."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String

from bot.domain.events import FeedReported
from bot.store.fields import label, number, of_column, utc, whole, words
from bot.store.stored import Stored

FEEDS: Final = Stored(
    FeedReported,
    "feed_status",
    of_column(Column("feed", String(64), primary_key=True)),
    of_column(Column("dataset", String(64), primary_key=True)),
    of_column(Column("key", String(64), primary_key=True)),
    label("state", "ok, waiting, retrying, open, refused, disabled"),
    utc("last_success_at", maybe=True),
    words("last_error"),
    whole("requests"),
    whole("failures"),
    whole("dropped", "data that could not be parsed"),
    number("max_age_s"),
    whole("quota_used", maybe=True),
    whole("quota_limit", maybe=True),
    utc("at"),
    comment="how each feed is doing",
)
FEED_STATUS: Final = FEEDS.table
