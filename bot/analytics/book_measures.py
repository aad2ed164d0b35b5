"""What an order book leans towards, as measures of an underlying: see `bot/analytics/depth.py` for the formulas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.analytics.depth import book_pressure, book_slope
from bot.analytics.measure import Measure, MeasuredView, absent, told
from bot.domain.quotes import Depth
from bot.domain.readings import Reading

EVERY_S: Final = 2.0
MAX_AGE_S: Final = 60.0
_UNIT: Final = "share"


def _of_the_book(of: Callable[[Depth], float | None]) -> Callable[[MeasuredView, str, datetime], Reading]:
    def read(view: MeasuredView, key: str, now: datetime) -> Reading:
        book = view.book(key)
        if book is None:
            return absent("no book", now, _UNIT, MAX_AGE_S)
        value = None if book.lost else of(book)
        if value is None:
            why = "the book's line is lost" if book.lost else "a book that is one-sided, crossed or too thin"
            return absent(why, book.sound_at, _UNIT, MAX_AGE_S)
        return told(value, book.sound_at, _UNIT, MAX_AGE_S)

    return read


MEASURES: Final = (
    Measure("pressure", ("book",), EVERY_S, MAX_AGE_S, _UNIT, _of_the_book(book_pressure)),
    Measure("slope", ("book",), EVERY_S, MAX_AGE_S, _UNIT, _of_the_book(book_slope)),
)
