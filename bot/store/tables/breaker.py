"""Circuit breakers: limits of the whole book with their present numbers."""

from __future__ import annotations

from typing import Final

from bot.domain.breaker import Breaker, BreakerState
from bot.store.fields import facts, key, number, utc, word, words
from bot.store.stored import Stored

BREAKERS: Final = Stored(
    Breaker,
    "breaker",
    key("the rule's name"),
    word("state", BreakerState),
    words("value", "as a person reads it"),
    words("limit_words", "as a person reads it", field="limit"),
    number("share", "value as a part of its limit; 1: at the limit", maybe=True),
    words("detail"),
    utc("since", "when the state was entered", maybe=True),
    utc("acknowledged_at", "what is counted, is counted from here", maybe=True),
    facts("facts", "JSON: the numbers behind it"),
    comment="circuit breakers: limits of the whole book with their present numbers",
)
BREAKER: Final = BREAKERS.table
