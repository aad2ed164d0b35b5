"""Reading a vendor's JSON: numbers as strings, null and "" for nothing, three ways to write a time, several envelopes.

The readers take what the vendor is known to send and raise `Malformed` for everything else; nothing is guessed. The
`need_*` forms raise for an absent value too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, TypeVar

from bot.domain.outside import outside

T = TypeVar("T")
Row = Mapping[str, Any]

_NOTHING: Final = frozenset({"", "null", "NaN", "nan"})
# Epoch numbers above this are milliseconds: as seconds it would be the year 5138.
_MILLISECONDS_FROM: Final = 100_000_000_000
# No price, premium or greek has more digits; 1e999999999 is a number to `Decimal`, and to make it a whole one takes all
# memory.
_MOST_DIGITS: Final = 64
_MOST_MAGNITUDE: Final = 30
_MOST_TEXTS: Final = 64
_SHORT_TEXT: Final = 24
"""Characters; longer ones are headlines and ids, which seldom come twice."""
_DAY: Final = re.compile(
    r"^(?:([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9]).*|([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}))$", re.ASCII | re.DOTALL
)
_FLAGS: Final = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}


class Malformed(ValueError):
    """A field or an answer that cannot be read; the text names it."""


class SampleRows(Malformed):
    """Rows that only look like data: what is given without the plan."""


def decimal(row: Row, name: str) -> Decimal | None:
    """Return an exact number, None where the vendor has none."""
    value = row.get(name)
    if _is_nothing(value):
        return None
    try:
        number = _exact(_short(value, name))
    except InvalidOperation:
        raise Malformed(f"{name}={_quoted(value)} is not a number") from None
    if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > _MOST_MAGNITUDE:
        raise Malformed(f"{name}={_quoted(value)} is not a number")
    return number


@lru_cache(maxsize=2048)
def _exact(written: str) -> Decimal:
    """Return a number, one object for all rows that say it: an answer has its price in every row, strikes come in a
    dozen data sets, and a `Decimal` takes as much memory as the row that holds it. What is refused is not kept."""
    return Decimal(written)


@lru_cache(maxsize=1024)
def _word(written: str) -> str:
    """Return a short text, one object for all rows that say it: tickers, venues, rules, words of the exchange."""
    return outside(written)


def need_decimal(row: Row, name: str) -> Decimal:
    return _needed(decimal(row, name), name)


def real(row: Row, name: str) -> float | None:
    """Return a model's number, None where the vendor has none."""
    value: Any = row.get(name)
    if type(value) is str and 0 < len(value) <= _MOST_DIGITS:  # nearly all of them
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    if _is_nothing(value):
        return None
    if isinstance(value, bool):
        raise Malformed(f"{name}={_quoted(value)} is not a number")
    try:
        number = float(_short(value, name))
    except (TypeError, ValueError, OverflowError):
        raise Malformed(f"{name}={_quoted(value)} is not a number") from None
    if not math.isfinite(number):
        raise Malformed(f"{name}={_quoted(value)} is not a number")
    return number


def need_real(row: Row, name: str) -> float:
    return _needed(real(row, name), name)


def count(row: Row, name: str) -> int:
    """Return a whole number, 0 where the vendor has none: an absent size is nothing traded."""
    number = real(row, name)
    if number is None:
        return 0
    if number != int(number):
        raise Malformed(f"{name}={_quoted(row.get(name))} is not a whole number")
    return int(number)


def flag(row: Row, name: str) -> bool:
    """Return a yes or no; false where the vendor says nothing."""
    value = row.get(name)
    if _is_nothing(value):
        return False
    try:
        return _FLAGS[value]
    except (KeyError, TypeError):
        raise Malformed(f"{name}={_quoted(value)} is not true or false") from None


def text(row: Row, name: str) -> str:
    value = row.get(name)
    if isinstance(value, str) and len(value) <= _SHORT_TEXT:
        return _word(value)
    return "" if value is None else outside(value)


def instant(row: Row, name: str) -> datetime | None:
    """Return an aware UTC time from ISO text (T or blank, Z or offset) or from epoch seconds or milliseconds."""
    value = row.get(name)
    if _is_nothing(value):
        return None
    try:
        return _epoch(float(_short(value, name))) if _is_number(value) else _iso(_short(value, name))
    except (ValueError, OverflowError, OSError):
        raise Malformed(f"{name}={_quoted(value)} is not a time") from None


def need_instant(row: Row, name: str) -> datetime:
    return _needed(instant(row, name), name)


def day(row: Row, name: str) -> date | None:
    """Return a day from ISO text, whatever follows it, or from month/day/year; None where the vendor has none."""
    value = row.get(name)
    if _is_nothing(value):
        return None
    found = _DAY.match(value) if isinstance(value, str) else None
    if found is None:
        raise Malformed(f"{name}={_quoted(value)} is not a day")
    year, month, of_month = (found[1], found[2], found[3]) if found[1] else (found[6], found[4], found[5])
    try:
        return date(int(year), int(month), int(of_month))
    except ValueError:
        raise Malformed(f"{name}={_quoted(value)} is not a day") from None


def need_day(row: Row, name: str) -> date:
    return _needed(day(row, name), name)


def texts(row: Row, name: str) -> tuple[str, ...]:
    """Return the texts of a list, none where there is none; one text alone is a list of one."""
    value = row.get(name)
    if _is_nothing(value):
        return ()
    if isinstance(value, str):
        return (text(row, name),)
    if not isinstance(value, list):
        raise Malformed(f"{name}={_quoted(value)} is no list")
    return tuple(text({name: each}, name) for each in value[:_MOST_TEXTS] if not _is_nothing(each))


def refuse_too_much(body: bytes, most_bytes: int, most_rows: int) -> None:
    """Raise Malformed for an answer that is larger than a page is, or holds more rows than were asked for, before it is
    parsed: each row has a brace, and rows have few objects inside them."""
    if len(body) > most_bytes:
        raise Malformed(f"an answer of {len(body)} bytes, {most_bytes} at most are read")
    if body.count(b"{") > _OBJECTS_A_ROW * most_rows + _OBJECTS_AROUND:
        raise Malformed(f"more rows than the {most_rows} that were asked for")
    if body.count(b",") > _FIELDS_A_ROW * (most_rows + _OBJECTS_AROUND):
        raise Malformed(f"more fields than {most_rows} rows have")


_OBJECTS_A_ROW: Final = 4
_OBJECTS_AROUND: Final = 16
_FIELDS_A_ROW: Final = 200


def rows_of(body: bytes, most_rows: int | None = None) -> list[Any]:
    """Return the rows of an answer whatever its envelope; raises Malformed for what is not JSON or has no rows, or more
    than `most_rows`."""
    rows = _rows_of(body)
    if most_rows is not None and len(rows) > most_rows:
        raise Malformed(f"{len(rows)} rows, {most_rows} were asked for")
    return rows


def _rows_of(body: bytes) -> list[Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed(f"not JSON: {_quoted(body[:60])}") from None
    if isinstance(answer, list):
        return answer
    if isinstance(answer, dict):
        for name in ("data", "chains"):
            rows = answer.get(name)
            if isinstance(rows, list):
                return rows
            if isinstance(rows, dict):
                return [rows]
    raise Malformed(f"no rows in the answer: {_quoted(body[:60])}")


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in _NOTHING)


def _needed(value: T | None, name: str) -> T:
    if value is None:
        raise Malformed(f"{name} is missing")
    return value


def _quoted(value: Any) -> str:
    return repr(outside(value, _MOST_DIGITS))


def _short(value: Any, name: str) -> str:
    """Return a number as text; raises Malformed for one that is too long to be any."""
    if isinstance(value, str) and len(value) > _MOST_DIGITS:
        raise Malformed(f"{name}={_quoted(value)} is not a number")
    if isinstance(value, int) and value.bit_length() > 4 * _MOST_DIGITS:
        raise Malformed(f"{name} has too many digits")
    return str(value)


def _is_number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.isdigit()
    )


def _epoch(number: float) -> datetime:
    return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)


@lru_cache(maxsize=1024)
def _iso(written: str) -> datetime:
    at = datetime.fromisoformat(written)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
