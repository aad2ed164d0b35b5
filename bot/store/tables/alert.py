"""What a person should see."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.events import AlertRaised
from bot.store.columns import one_of
from bot.store.fields import facts, given, key, label, utc, words
from bot.store.stored import Stored

ALERTS: Final = Stored(
    AlertRaised,
    "alert",
    given(key()),
    label("code"),
    label("severity"),
    words("text"),
    facts("facts", "JSON"),
    utc("at"),
    more=(one_of("severity", ("info", "warning", "critical")), Index(None, "at")),
    comment="what a person should see",
)
ALERT: Final = ALERTS.table
