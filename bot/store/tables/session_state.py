"""One row: whether the bot may enter."""

from __future__ import annotations

from typing import Final

from bot.domain.session import Hold, Session, SessionState
from bot.store.fields import key, label, utc, word, words
from bot.store.stored import Stored

SESSIONS: Final = Stored(
    Session,
    "session_state",
    key("session"),
    word("state", SessionState),
    word("hold", Hold, "what a restart comes back to"),
    label("held_by", maybe=True),
    utc("held_at", maybe=True),
    words("hold_reason"),
    comment="one row: whether the bot may enter",
)
SESSION_STATE: Final = SESSIONS.table
