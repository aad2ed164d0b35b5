"""Every kind of data that can be imported, and how an import becomes a recording."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bot.domain.calendar import new_york_day
from bot.domain.recording import OF, EventKind, RecordingFault, Row, key_of, micros, moment, values_of
from bot.record.imports import bars, ibkr, lean, lobster, unusual_whales
from bot.record.imports.source import Heard, Imported, Importer
from bot.record.keeper import write_tables


@dataclass(frozen=True, slots=True)
class ImportKind:
    """One kind: what it reads, in words, and what such data do not have."""

    what: str
    lacks: str
    read: Importer


IMPORTERS: Final[Mapping[str, ImportKind]] = MappingProxyType(
    {
        "lobster": ImportKind("an order book's messages, its first book, its best quotes", lobster.LACKS, lobster.read),
        "lean": ImportKind("Lean's minute quotes of options and underlyings, index bars", lean.LACKS, lean.read),
        "bars": ImportKind("minute bars: datetime, open, high, low, close, volume", bars.LACKS, bars.read),
        "uw": ImportKind("Unusual Whales' recorded stream messages", unusual_whales.LACKS, unusual_whales.read),
        "ibkr": ImportKind("ticks of a line as IBKR's API gave them", ibkr.LACKS, ibkr.read),
    }
)
"""By the word that `import` takes."""


@dataclass(frozen=True, slots=True)
class ImportedRecording:
    """What an import made: the day, its folder, rows by kind; `asked` has what was read and what there is to say."""

    day: date
    folder: Path
    rows: int
    asked: Imported


def import_files(kind: str, asked: Imported, root: Path, to: Path | None = None) -> ImportedRecording:
    """Make a recording of files below `root`, or in the folder `to`. Raises RecordingFault for what makes no sense, and
    where there is a recording already; nothing is left behind then."""
    missing = [str(path) for path in asked.files if not path.is_file()]
    if missing:
        raise RecordingFault(f"there is no file {', '.join(missing)}")
    stream = IMPORTERS[kind].read(asked)
    first = next(stream, None)
    if first is None:
        raise RecordingFault(f"{kind}: nothing in these files can be played")
    day = new_york_day(first.at)
    folder = to or root / day.isoformat()
    if folder.exists():
        raise RecordingFault(f"{folder} exists: name another by --to, or remove it")
    folder.mkdir(mode=0o700, parents=True)
    try:
        rows = write_tables(folder, _rows(kind, first, stream))
    except BaseException:
        shutil.rmtree(folder)
        raise
    return ImportedRecording(day, folder, rows, asked)


def _rows(kind: str, first: Heard, stream: Iterator[Heard]) -> Iterator[Row]:
    before = 0
    for number, heard in enumerate(chain((first,), stream), 1):
        us = micros(heard.at)
        if us < before:
            raise RecordingFault(f"{kind}: {moment(us).isoformat()} comes after {moment(before).isoformat()}")
        before = us
        yield _row(kind, number, us, heard)


def _row(kind: str, number: int, us: int, heard: Heard) -> Row:
    source = f"import:{kind}"
    if heard.event is None:
        path, body = heard.answer or ("", b"")
        return number, us, EventKind.ANSWERS.value, source, path, (path, "[]", 200, "{}", body)
    table, _ = OF[type(heard.event)]
    return number, us, table.value, source, key_of(heard.event), values_of(heard.event)
