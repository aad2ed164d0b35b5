"""News: what was said about whom, and in which mood. A headline is somebody else's text: it is shown, never obeyed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mood(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One headline. It has no id: the same text at the same time is the same one. `is_major` is the vendor's word."""

    at: datetime
    text: str
    source: str
    tickers: tuple[str, ...]
    mood: Mood
    is_major: bool
    tags: tuple[str, ...]
