"""Quiet hours that persons chose."""

from __future__ import annotations

from typing import Final

from bot.domain.quiet import QuietState, QuietTime
from bot.store.fields import key, label, utc, word
from bot.store.stored import Stored

QUIET_TIMES: Final = Stored(
    QuietTime,
    "quiet_time",
    key("the person's name"),
    word("state", QuietState),
    label("begins", "HH:MM of New York's clock"),
    label("ends", "HH:MM of New York's clock; the same as begins: none"),
    label("chosen_by", "who chose them", maybe=True),
    utc("chosen_at", maybe=True),
    comment="quiet hours that persons chose for themselves; who is not here has those of the settings",
)
QUIET_TIME: Final = QUIET_TIMES.table
