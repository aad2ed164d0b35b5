"""Columns as they are read: whole where they can mean something, cut in the database where they cannot.

Whoever can write the file can write rows, and a text of megabytes in one of them must not become the memory of page,
bot and command line. What the bot writes itself passed the border (`bot.domain.outside`) and is far below these limits.
The audit chain is not read this way: its hashes are of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Select,
    String,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
)

MOST_LABEL: Final = 256
MOST_WORDS: Final = 4_000
MOST_JSON: Final = 100_000
MOST_PAYLOAD: Final = 20_000
"""Characters of a request: ids, a price, a reason."""


MOST_CELL: Final = 20_000
"""Characters of one value of an audit query's answer; what the bot writes itself is shorter."""


def short_cell(value: Any) -> Any:
    """Return a value of a query that chose its columns itself: a text of megabytes is cut, and says how long it was."""
    if not isinstance(value, str | bytes) or len(value) <= MOST_CELL:
        return value
    shown = value[:MOST_CELL] if isinstance(value, str) else value[:MOST_CELL].decode("utf-8", "replace")
    return f"{shown}… (cut: {len(value):,} characters are stored)"


def bounded(column: Column[Any], most_json: int = MOST_JSON) -> ColumnElement[Any]:
    """Return a column for a query: words are cut, JSON that is too long counts as its default, numbers are numbers."""
    if not isinstance(column.type, String):
        return column
    if (column.comment or "").startswith("JSON"):
        empty = "[]" if "list" in (column.comment or "") or column.name == "grid" else "{}"
        return case((func.length(column) > most_json, literal(empty)), else_=column).label(column.name)
    most = MOST_WORDS if isinstance(column.type, Text) else MOST_LABEL
    return func.substr(column, 1, most).label(column.name)


def whole_rows(table: Table) -> Select[Any]:
    """Return the query for every column of a table, still to be narrowed; texts are bounded."""
    return select(*(bounded(each) for each in table.c))


def as_written(columns: Iterable[Column[Any]], most: int, *, sqlite: bool) -> list[ColumnElement[Any]]:
    """Return columns of rows that outsiders write, each text one character longer at most than it may be: who reads it
    sees that it is too long, and says so."""
    cut = _cut_after_a_nul if sqlite else _cut
    return [cut(each, most + 1).label(each.name) if isinstance(each.type, String) else each for each in columns]


def can_be_answered(column: Column[str], *, sqlite: bool) -> ColumnElement[bool]:
    """Say whether a row that an outsider wrote has an id by which it is found again. SQLite keeps blobs in a column of
    texts; such a row is nobody's."""
    short = func.length(column) <= MOST_LABEL
    return and_(short, func.typeof(column) == "text") if sqlite else short


def _cut(column: ColumnElement[Any], most: int) -> ColumnElement[Any]:
    return func.substr(column, 1, most)


def _cut_after_a_nul(column: ColumnElement[Any], most: int) -> ColumnElement[Any]:
    """SQLite's own cut ends a text at its first NUL: "cli" and a NUL would be read as "cli"."""
    whole = func.substr(cast(column, LargeBinary), 1, most)
    text = func.coalesce(cast(whole, Text), literal(""))  # of nothing it makes NULL
    return case((func.typeof(column) == "text", text), else_=_cut(column, most))
