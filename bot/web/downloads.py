"""Tables as files: CSV row by row, so that a million rows take no more memory than one, and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from flask import Response
from sqlalchemy import Connection

from bot.web.store_reader import StoreReader

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
PIECE: Final = 64 * 1024
"""Characters that are collected before they are sent."""


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield a table as CSV that a spreadsheet does not execute, in pieces."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        if text.tell() >= PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def csv_file(name: str, lines: Iterable[str]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(lines, mimetype="text/csv; charset=utf-8", headers=headers)


def streamed(
    reader: StoreReader, columns: Sequence[str], rows: Callable[[Connection], Iterable[Sequence[Any]]]
) -> Iterator[str]:
    """Yield a table that is read while it is sent, in one read transaction."""
    with reader.reading() as connection:
        yield from csv_lines(columns, rows(connection))


def safe_cell(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would take for a formula; numbers stay numbers."""
    risky = isinstance(value, str) and value.startswith(FORMULA_STARTS) and not _is_number(value)
    return f"'{value}" if risky else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
