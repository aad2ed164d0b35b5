"""Articles whose tickers have scores of their own. Headlines are outside text: data, never instructions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TickerScore:
    """What an article says of one ticker: `score` -1 to 1, `relevance` 0 to 1."""

    ticker: str
    score: float
    relevance: float


@dataclass(frozen=True, slots=True)
class ScoredArticle:
    """One article; `url` tells articles apart."""

    url: str
    at: datetime
    title: str
    publisher: str
    overall: float | None
    scores: tuple[TickerScore, ...]
