"""A forecast: a probability or a size that the product stated, by whom, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ForecastKind(StrEnum):
    """What was stated. Of a probability the outcome is 1 (it came) or 0; of a size it is realized over implied."""

    CONFIDENCE = "confidence"  # of an idea that became a trade: that it wins
    PIN_RISK = "pin_risk"  # that an expiry ends within half a strike of its max pain
    MOC = "moc"  # that the closing auction presses the way that was said
    EXPECTED_MOVE = "expected_move"  # how far the underlying moves until the close, in dollars

    @property
    def is_probability(self) -> bool:
        return self is not ForecastKind.EXPECTED_MOVE


@dataclass(frozen=True, slots=True)
class Forecast:
    """`stated`: a probability from 0 to 1, or the size in dollars. `stated_by` is the strategy or measure, `subject`
    what it is about: a position's id, or a day. `settled_at` None: what comes of it is not known yet; `outcome` None
    then, and where `note` says why nothing can be said."""

    id: str
    kind: ForecastKind
    stated_by: str
    symbol: str
    subject: str
    stated: float
    at: datetime
    due_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    outcome: float | None = None
    settled_at: datetime | None = None
    note: str = ""
