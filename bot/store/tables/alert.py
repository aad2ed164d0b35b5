"""What a person should see, from its raising to its end."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, text

from bot.domain.alert import Alert, AlertState
from bot.store.columns import label as short
from bot.store.columns import one_of
from bot.store.fields import facts, key, label, of_column, utc, whole, word, words
from bot.store.stored import Stored

_SUBJECT: Final = "the id or name of what it is about; empty: its code says that"

ALERTS: Final = Stored(
    Alert,
    "alert",
    key(),
    label("code"),
    label("severity"),
    words("text"),
    facts("facts", "JSON"),
    utc("at", "when it was last raised"),
    utc("first_at", "when it was first raised", maybe=True),
    word("state", AlertState, default=AlertState.RAISED),
    of_column(short("entity", server_default=text("''"), comment=_SUBJECT)),
    whole("count", "how often it was raised", default="1"),
    whole("escalation", "how often it was told again, further each time", default="0"),
    utc("told_at", "when a channel confirmed it", maybe=True),
    utc("shown_at", "when its count was last told", maybe=True),
    utc("acknowledged_at", maybe=True),
    label("acknowledged_by", maybe=True),
    utc("resolved_at", maybe=True),
    more=(one_of("severity", ("info", "warning", "critical")), Index(None, "at"), Index(None, "state")),
    comment="what a person should see",
)
ALERT: Final = ALERTS.table
