"""One row: how slowly the bot may enter."""

from __future__ import annotations

from typing import Final

from bot.domain.slowdown import Slowdown, SlowdownState
from bot.store.fields import fraction, key, label, number, utc, word, words
from bot.store.stored import Stored

SLOWDOWNS: Final = Stored(
    Slowdown,
    "slowdown",
    key("slowdown"),
    word("state", SlowdownState),
    fraction("scale", "decimal text: of the size that the rules allow"),
    number("spacing_s", "seconds between two entries"),
    utc("until", maybe=True),
    words("reason"),
    label("by", "the overseer"),
    comment="one row: how slowly the bot may enter, until when",
)
SLOWDOWN: Final = SLOWDOWNS.table
