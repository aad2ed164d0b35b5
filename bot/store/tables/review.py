"""Looks of the overseer at signals before they are traded."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.review import Review, ReviewState
from bot.store.fields import key, label, names, utc, word, words
from bot.store.stored import Stored

REVIEWS: Final = Stored(
    Review,
    "review",
    key(),
    label("signal_id"),
    word("state", ReviewState),
    names("why", "JSON list: what makes the signal complex"),
    utc("asked_at"),
    utc("deadline", "a verdict after it is none"),
    utc("decided_at", maybe=True),
    words("note", "what the verdict says to it"),
    label("call_id", "the call of the model; empty: none"),
    more=(Index(None, "state"), Index(None, "signal_id")),
    comment="looks of the overseer at signals before they are traded",
)
REVIEW: Final = REVIEWS.table
