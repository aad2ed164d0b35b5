"""News headlines."""

from __future__ import annotations

from typing import Final

from bot.domain.data.news import Mood, NewsItem
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Malformed, Row, flag, text, texts
from bot.feeds.vendors.unusual_whales.fields import time_of

_MOODS: Final = {each.value: each for each in Mood}


def news_item(row: Row) -> NewsItem:
    """Read a headline as REST writes it (`created_at`) or the stream (`timestamp`); a mood that nobody knows is
    neutral."""
    headline = text(row, "headline")
    if not headline:
        raise Malformed("headline is missing")
    return NewsItem(
        at=time_of(row, "created_at", "timestamp"),
        text=headline,
        source=text(row, "source"),
        tickers=texts(row, "tickers"),
        mood=_MOODS.get(text(row, "sentiment").lower(), Mood.NEUTRAL),
        is_major=flag(row, "is_major"),
        tags=texts(row, "tags"),
    )


# The last headline of a quiet hour is old without the answer being so.
NEWS: Final[Parsers] = {
    "news": Parser(news_item, lambda r: (r.at, r.text), lambda r: (r.at, r.text), None, stamp=lambda r: r.at),
}
