"""What the broker holds beyond our book: asked about, allowed, taken over."""

from __future__ import annotations

from typing import Final

from bot.domain.adoption import Adoption, AdoptionState
from bot.store.fields import key, label, utc, whole, word, words
from bot.store.stored import Stored

ADOPTIONS: Final = Stored(
    Adoption,
    "adoption",
    key("the contract's key"),
    word("state", AdoptionState),
    label("symbol"),
    whole("quantity", "contracts beyond our book that it is about"),
    words("why", "what sets it apart; a question with one is answered only by its key"),
    utc("asked_at", maybe=True),
    label("answered_by", "a person, or reconcile where it was proved", maybe=True),
    utc("answered_at", maybe=True),
    utc("adopted_at", maybe=True),
    comment="what the broker holds beyond our book: asked about, allowed, taken over",
)
ADOPTION: Final = ADOPTIONS.table
