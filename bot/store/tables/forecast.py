"""What the product stated of the future, and what came of it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index

from bot.domain.forecast import Forecast, ForecastKind
from bot.store.fields import facts, key, label, number, utc, word, words
from bot.store.stored import Stored

FORECASTS: Final = Stored(
    Forecast,
    "forecast",
    key("what it is of and about"),
    word("kind", ForecastKind),
    label("stated_by", "strategy or measure"),
    label("symbol"),
    label("subject", "a position's id, or a New York day"),
    number("stated", "a probability from 0 to 1; of expected_move dollars"),
    utc("at"),
    utc("due_at", "when it can be settled; null: when its position is closed", maybe=True),
    facts("facts", "JSON: what it was stated with"),
    number("outcome", "1 it came, 0 it did not; of expected_move realized over implied", maybe=True),
    utc("settled_at", "null: what comes of it is not known yet", maybe=True),
    words("note", "why nothing can be said of what came"),
    more=(Index(None, "settled_at"), Index(None, "kind", "at")),
    comment="what the product stated of the future, by whom, and what came of it",
)
FORECAST: Final = FORECASTS.table
