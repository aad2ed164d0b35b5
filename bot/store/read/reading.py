"""How a query becomes rows: a row class names the columns that it needs, its annotations how they become values."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, Table, select

from bot.domain.money import from_units
from bot.domain.outside import outside
from bot.store.bounded import bounded
from bot.store.trouble import UNREADABLE, damaged
from bot.store.values import parse_json, parse_time

Row = TypeVar("Row")

_CONVERT: Final[Mapping[Any, Callable[[Any], Any]]] = {
    Decimal: from_units,
    datetime: parse_time,
    date: date.fromisoformat,
    Sequence[str]: lambda text: tuple(str(line) for line in parse_json(text)),
    Sequence[Any]: parse_json,
    Mapping[str, Any]: lambda text: parse_json(text) or {},
}


class WrittenByOutsiders:
    """A row class of a table that others write, too: a time that is none is None, and shows as nothing; a blob in place
    of a text is a text."""

    __slots__ = ()


@cache
def columns_of(row_type: Hashable, table: Table) -> Select[Any]:
    """Return the query for the columns of a row class, still to be narrowed and put in order; texts are bounded.

    Made once: a query is never changed, narrowing makes another.
    """
    return select(*(bounded(table.c[name]) for name, _ in _converters(row_type)))


def read(connection: Connection, row_type: type[Row], query: Select[Any]) -> list[Row]:
    """Return what a query of `columns_of` finds, NULL as None; raises StoreUnusable for a value that we never write."""
    converters = _converters(typing.cast(Hashable, row_type))
    found: list[Row] = []
    row: Any = ()
    try:
        for row in connection.execute(query):
            found.append(
                row_type(
                    *(
                        v if v is None or convert is None else convert(v)
                        for v, (_, convert) in zip(row, converters, strict=True)
                    )
                )
            )
    except UNREADABLE as error:
        shown = outside(row[0] if row else "", 40)
        raise damaged(f"{row_type.__name__} {shown}: a value is not what this program writes: {error!r}") from error
    return found


def pairs(connection: Connection, query: Select[Any]) -> dict[str, Any]:
    """Return what a query of two columns finds, the second by the first."""
    return {row[0]: row[1] for row in connection.execute(query)}


def first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


@cache
def _converters(row_type: Hashable) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    row: Any = row_type
    hints = typing.get_type_hints(row)
    table = {**_CONVERT, datetime: _time_if_any, str: _as_text} if issubclass(row, WrittenByOutsiders) else _CONVERT
    return tuple((f.name, table.get(_plain_type(hints[f.name]))) for f in fields(row))


def _as_text(stored: Any) -> str:
    return stored.decode("utf-8", "replace") if isinstance(stored, bytes) else str(stored)


def _time_if_any(text: Any) -> datetime | None:
    try:
        return parse_time(str(text))
    except (ValueError, OverflowError):
        return None


def _plain_type(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint
