"""Rows of any kind as plain fields by name: what people read, and what JSON takes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from bot.domain.outside import outside

_MOST_TEXT: Final = 200
_MOST_FIELDS: Final = 60


def plain(row: Any) -> dict[str, Any]:
    """Return a row's fields, declared or typed, as texts, numbers, booleans and None."""
    return {name: _plain(value) for name, value in list(_fields(row))[:_MOST_FIELDS]}


def _fields(row: Any) -> Any:
    if isinstance(row, Mapping):
        return row.items()
    return ((each.name, getattr(row, each.name)) for each in dataclasses.fields(row) if each.repr)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or (isinstance(value, bool | int | float) and not isinstance(value, Enum)):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return outside(value, _MOST_TEXT)
    if isinstance(value, Sequence | frozenset | set):
        return outside("; ".join(str(_plain(each)) for each in value), 3 * _MOST_TEXT)
    key = getattr(value, "key", None)
    return outside(key if isinstance(key, str) else plain(value), _MOST_TEXT)
