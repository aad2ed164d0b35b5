"""How values stand in the store: times and days as text, money as integers of 1/10000 dollar, the rest as JSON text.

Rows are written and read in these stored forms on every database, so that the audit hash of a row is the same
wherever it lies and an outsider needs no driver's idea of a timestamp.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from bot.domain.money import from_units

Row = Mapping[Any, Any]
"""A row as it is read: a value by its column's name."""


def time_text(at: datetime) -> str:
    """Return an aware time as `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`: one width, so text order is time order."""
    if at.tzinfo is UTC:
        return at.isoformat(timespec="microseconds")
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def parse_time(text: str) -> datetime:
    """Return the aware UTC time of a stored text; also takes what outsiders write (`Z`, no fraction); raises
    ValueError, also for the first and the last year that there is: not every zone has a time there.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    if not MINYEAR < at.year < MAXYEAR:
        raise ValueError(f"{text!r} is beyond all times")
    return at.astimezone(UTC)


def maybe_parse_time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def maybe_dollars(units: int | None) -> Decimal | None:
    return None if units is None else from_units(units)


def _plain(value: Any) -> Any:
    """Return what JSON has no word for: decimals and times as their text, sets in order."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()  # numpy's numbers and arrays
    raise TypeError(f"{type(value).__name__} has no place in evidence: {value!r}")


_STRICT: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
).encode


def _finite(value: Any) -> Any:
    """Return a value whose NaN and infinities, which JSON does not know, are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


def json_text(value: Any) -> str:
    """Return canonical JSON: sorted keys, no blanks, real characters; a NaN becomes null."""
    try:
        return _STRICT(value)
    except ValueError:
        return _STRICT(_finite(value))


def parse_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
