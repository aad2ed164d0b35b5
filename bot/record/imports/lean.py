"""QuantConnect Lean's minutes: quotes of options and of their underlying, bars of an index, as tables.

What a file is shows in its columns: `expiry, strike, right` with `bid_close` and `ask_close` are options' quotes,
without `expiry` the underlying's; `close` without sides are bars, whose last price stands for the instrument. `ms` is a
bar's start in milliseconds after New York's midnight, and Chicago's in an index's own file. A bar is known when it is
over.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.calendar import NEW_YORK
from bot.record.imports.source import Heard, Imported, columns, of_the_day, option_key, quoted, table

LACKS: Final = (
    "what happened within a minute, greeks, order books, a vendor's gamma by strike; a quote that did not move"
)
_MINUTE: Final = timedelta(minutes=1)
_CHICAGO: Final = ZoneInfo("America/Chicago")
_SIDES: Final = {"bid_close", "ask_close"}


def read(asked: Imported) -> Iterator[Heard]:
    """Yield every file's quotes by their time; files that hold neither quotes nor an index are named and left out."""
    streams = []
    for path in asked.files:
        names = columns(path)
        if "strike" in names and names >= _SIDES:
            streams.append(_options(asked, path))
        elif names >= _SIDES:
            streams.append(_underlying(asked, path))
        elif "index" in path.name and "close" in names:
            streams.append(_index(asked, path))
        else:
            asked.notes.append(f"{path.name} is left out: nothing that is played needs it")
    yield from heapq.merge(*(sorted(stream, key=attrgetter("at")) for stream in streams), key=attrgetter("at"))


def _options(asked: Imported, path: Path) -> Iterator[Heard]:
    root = _root(asked, path)
    for row in table(path):
        asked.read += 1
        key, at = option_key(root, row["expiry"], row["right"], row["strike"]), _over(asked, path, row["ms"])
        yield from asked.name(key, at)
        yield quoted(key, at, (row["bid_close"], row["bid_size"]), (row["ask_close"], row["ask_size"]))


def _root(asked: Imported, path: Path) -> str:
    """Return the class of a file's options: as told, else the first word of its name, else that of its folder."""
    word = path.name.split("_")[0]
    return (asked.symbol or (path.parent.name.split("-")[0] if word == "option" else word)).upper()


def _underlying(asked: Imported, path: Path) -> Iterator[Heard]:
    key = asked.symbol_of(path)
    for row in table(path):
        asked.read += 1
        at = _over(asked, path, row["ms"])
        yield from asked.name(key, at)
        yield quoted(key, at, (row["bid_close"], row["bid_size"]), (row["ask_close"], row["ask_size"]))


def _index(asked: Imported, path: Path) -> Iterator[Heard]:
    key = path.name.split("_")[0].upper()
    asked.notes.append(f"{path.name}: its times are taken as Chicago's, as Lean writes an index")
    for row in table(path):
        asked.read += 1
        at = _over(asked, path, row["ms"], _CHICAGO)
        yield from asked.name(key, at)
        yield quoted(key, at, (None, 0), (None, 0), row["close"])


def _over(asked: Imported, path: Path, ms: str | int, zone: ZoneInfo = NEW_YORK) -> datetime:
    """Return when a bar was over."""
    return of_the_day(asked.day_of(path), int(ms) / 1000, zone) + _MINUTE
