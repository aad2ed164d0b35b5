"""Minute bars of one symbol a file: `datetime, open, high, low, close, volume`, New York's time.

Some sources stamp a bar by its start, others by its end: `--stamp` says which. A bar is known when it is over; its
close is the last price. There are no sides, so nothing can be bought or sold on it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Final

from bot.domain.calendar import NEW_YORK
from bot.domain.recording import RecordingFault
from bot.record.imports.source import Heard, Imported, columns, quoted, table

LACKS: Final = "bid and ask, what happened within a minute, options"
_MINUTE: Final = timedelta(minutes=1)
_NEEDED: Final = {"datetime", "open", "high", "low", "close", "volume"}


def read(asked: Imported) -> Iterator[Heard]:
    """Yield the close of each minute of one day, when it was known; of files with several days `asked.day` says
    which."""
    yield from heapq.merge(*(sorted(_bars(asked, path), key=attrgetter("at")) for path in asked.files),
                           key=attrgetter("at"))  # fmt: skip


def _bars(asked: Imported, path: Path) -> Iterator[Heard]:
    if not columns(path) >= _NEEDED:
        raise RecordingFault(f"{path.name}: no minute bars: its columns are not {', '.join(sorted(_NEEDED))}")
    key, wanted = asked.symbol_of(path), _day(asked, path)
    for row in table(path):
        asked.read += 1
        stamped = datetime.fromisoformat(row["datetime"]).replace(tzinfo=NEW_YORK)
        at = (stamped if asked.stamp == "end" else stamped + _MINUTE).astimezone(UTC)
        if at.astimezone(NEW_YORK).date() != wanted:
            asked.left_out += 1
            continue
        yield from asked.name(key, at)
        yield quoted(key, at, (None, 0), (None, 0), row["close"])


def _day(asked: Imported, path: Path) -> date:
    if asked.day is not None:
        return asked.day
    days = {row["datetime"][:10] for row in table(path)}
    if len(days) != 1:
        raise RecordingFault(f"{path.name}: it holds {len(days)} days ({min(days)} to {max(days)}): --day says which")
    return date.fromisoformat(days.pop())
