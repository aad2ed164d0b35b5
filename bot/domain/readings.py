"""What a measure of the market said: a value with its unit and its moment, or by name why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

MARKET: Final = "market"
"""The key of a measure that is about no single underlying."""
PORTFOLIO: Final = "portfolio"
"""The key of a measure of what is held."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a measure said of a key. `value`: a number, a word, or a mapping of names to either (whose `value`, where it
    has one, is the number that stands for it); None where `absent` says by name why there is none ("no prints", "one
    strike"). `at`: the moment of the newest thing that it was made from; nothing newer is in it. After `max_age_s`
    it is not to be decided on.
    """

    value: Any
    at: datetime
    unit: str = ""
    absent: str = ""
    max_age_s: float = math.inf

    @property
    def number(self) -> float | None:
        """The number that stands for the value, None where there is none."""
        value = self.value.get("value") if isinstance(self.value, Mapping) else self.value
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return None
        return float(value) if math.isfinite(value) else None

    def age_s(self, now: datetime) -> float:
        return (now - self.at).total_seconds()

    def is_stale(self, now: datetime) -> bool:
        return self.age_s(now) > self.max_age_s

    def fault(self, now: datetime) -> str:
        """Return by name what forbids to decide on it (`absent`, else `stale`), empty when it is fit."""
        if self.absent or self.value is None:
            return self.absent or "no value"
        return "stale" if self.is_stale(now) else ""
