"""How each feed is doing."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String, text

from bot.domain.events.feeds import FeedReported
from bot.store import columns
from bot.store.fields import Field, label, number, of_column, utc, whole, words
from bot.store.stored import Stored


def _of_later(name: str, comment: str) -> Field:
    """A word that rows of before do not have."""
    return of_column(columns.label(name, comment=comment, server_default=text("''")))


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
    _of_later("outcome", "how the last call came out, in one word"),
    utc("next_call_at", maybe=True),
    _of_later("source", "whose rows are in use: another vendor than feed where one stands in"),
    _of_later("priority", "critical, important, nice_to_have, background"),
    utc("newest_row_at", maybe=True, comment="the vendor's own time of the newest row, null where rows have none"),
    comment="how each feed is doing",
)
FEED_STATUS: Final = FEEDS.table
