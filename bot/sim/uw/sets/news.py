"""Headlines: what the market did in the last minutes, said by people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.sim.uw.rows import Row, stamp
from bot.sim.uw.sets.day import Asked, Rows, ServedSet, VendorDay

_WINDOW_MINUTES: Final = 10
_TOLD_FROM: Final = 1.2  # standard deviations of a window
_MAJOR_FROM: Final = 2.2
_YEAR_MINUTES: Final = 252 * 390
_SOURCES: Final = ("MarketNews", "BusinessWire", "Floor")


def news(day: VendorDay, asked: Asked) -> Rows:
    """Serve headlines: newest first; a move beyond what is usual in ten minutes is told, a large one is major."""
    query = asked.query
    major, ticker, term = query.flag("major_only"), query.text("ticker"), (query.text("search_term") or "").lower()
    found = [row for symbol in day.symbols() for row in _of(day, symbol, asked)]
    kept = [
        row
        for row in found
        if (not major or row["is_major"])
        and (ticker is None or ticker in row["tickers"])
        and term in row["headline"].lower()
    ]
    ordered = sorted(kept, key=lambda row: (row["created_at"], row["headline"]), reverse=True)
    return ordered[query.page(default=50, most=100)]


def _of(day: VendorDay, symbol: str, asked: Asked) -> Rows:
    price, line, script = day.book(symbol).path.price, day.market.line, day.book(symbol).script
    usual = script.iv * math.sqrt(_WINDOW_MINUTES / _YEAR_MINUTES)
    rows: list[Row] = []
    for number in range(_WINDOW_MINUTES, day.whole_minutes(asked.minute) + 1, _WINDOW_MINUTES):
        now = line.open_index + 60 * number
        move = float(price[now] / price[now - 60 * _WINDOW_MINUTES] - 1.0)
        if abs(move) < _TOLD_FROM * usual:
            continue
        word, mood = ("rises", "positive") if move > 0 else ("falls", "negative")
        rows.append(
            {
                "created_at": line.instant(now).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "headline": f"{symbol} {word} {abs(move):.2%} within ten minutes",
                "source": _SOURCES[number // _WINDOW_MINUTES % len(_SOURCES)],
                "tickers": [symbol],
                "sentiment": mood,
                "is_major": abs(move) >= _MAJOR_FROM * usual,
                "tags": ["price"],
                "meta": {},
            }
        )
    if symbol == next(iter(day.symbols())) and day.whole_minutes(asked.minute) > 0:
        rows.append(_opening(day))
    return rows


def _opening(day: VendorDay) -> Row:
    return {
        "created_at": stamp(day.market.session_open()),
        "headline": "U.S. markets open for trading",
        "source": "MarketNews",
        "tickers": [],
        "sentiment": "neutral",
        "is_major": True,
        "tags": [],
        "meta": {},
    }


NEWS: Final[Mapping[str, ServedSet]] = MappingProxyType({"/api/news/headlines": ServedSet(news, each_time=False)})
