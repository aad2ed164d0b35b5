"""The library's decoder, made strict: what cannot be read is reported with its raw fields, not logged and forgotten.

The library reads an empty field as zero and lets NaN pass. Where an order, a fill, a commission or a holding hangs on a
number, `NUMBERS` says so, and a message in which it is none is not delivered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.broker.ib import Decoder
from bot.domain.errors import UnknownWord
from bot.domain.outside import are_plain, field, outside

EXEC_DETAILS: Final = 11
EXEC_TIME_FIELD: Final = 15
_DASHED: Final = re.compile(r"^(\d{8})-(\d\d:\d\d:\d\d)$")
_SPACED: Final = re.compile(r"^(\d{8}) +(\d\d:\d\d:\d\d)(?: (\S.*))?$")


class DecodingFaults(Protocol):
    """Who is told of messages that cannot be read."""

    def unreadable(self, fields: Sequence[str], error: Exception) -> None: ...

    def unknown_zone(self, zone: str) -> None: ...

    def unknown_word(self, fields: Sequence[str], error: UnknownWord) -> None: ...


def zoned(text: str, zone: str) -> str:
    """Return an execution time with its zone named: a dash means UTC, no zone means the gateway's own."""
    dashed = _DASHED.match(text)
    if dashed:
        return f"{dashed[1]} {dashed[2]} UTC"
    spaced = _SPACED.match(text)
    if not spaced:
        return text
    named = spaced[3] if spaced[3] and _exists(spaced[3]) else zone
    return f"{spaced[1]} {spaced[2]} {named}"


def strange_zone(text: str) -> str:
    """Return the zone that an execution time names and nobody knows, empty where there is none."""
    spaced = _SPACED.match(text)
    return spaced[3] if spaced and spaced[3] and not _exists(spaced[3]) else ""


def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# ---- numbers that must be some

MOST_FIELDS: Final = 8192
"""Of one message; what comes after them is not read."""
MOST: Final = 1e12
_UNSET: Final = 1e300
_LARGEST_ID: Final = 2**63 - 1
_LARGEST_ORDER_ID: Final = 2**31 - 1


def _is_id(text: str) -> bool:
    return abs(int(text)) <= _LARGEST_ID


def _is_order_id(text: str) -> bool:
    """The largest stands for none, in executions; what comes with an order or as the next id must leave room."""
    return abs(int(text)) < _LARGEST_ORDER_ID


def _is_count(text: str) -> bool:
    return 0 <= float(text) <= MOST


def _is_amount(text: str) -> bool:
    return abs(float(text)) <= MOST  # false for NaN


def _is_amount_or_unset(text: str) -> bool:
    return not text or _is_amount(text) or _UNSET < abs(float(text)) < math.inf


Check = Callable[[str], bool]
NUMBERS: Final[Mapping[str, Mapping[int, Check]]] = MappingProxyType(
    {
        "3": {1: _is_id, 3: _is_count, 4: _is_count, 6: _is_id, 9: _is_id},  # orderStatus
        "5": {
            1: _is_order_id, 14: _is_count, 16: _is_amount_or_unset, 17: _is_amount_or_unset, 24: _is_id, 25: _is_id,
        },  # openOrder
        "9": {2: _is_order_id},  # nextValidId
        "11": {2: _is_id, 19: _is_count, 20: _is_amount, 21: _is_id, 22: _is_id},  # execDetails
        "59": {3: _is_amount},  # commissionReport
        "61": {14: _is_amount, 15: _is_amount_or_unset},  # position; one without a cost is adopted without one
        "94": {2: _is_amount_or_unset, 3: _is_amount_or_unset, 4: _is_amount_or_unset},  # pnl
        "101": {13: _is_count, 15: _is_amount_or_unset, 16: _is_amount_or_unset, 23: _is_id},  # completedOrder
    }
)  # fmt: skip
"""Message to field to what it must be; the message's own number is field 0."""


def refuse_numbers_that_are_none(fields: Sequence[str]) -> None:
    """Raise ValueError when a number that something hangs on is missing, empty, no number or beyond all measure."""
    for index, is_sound in NUMBERS.get(fields[0], {}).items():
        text = fields[index] if index < len(fields) else None
        if text is None or not _holds(is_sound, text):
            said = "missing" if text is None else repr(outside(text, 40))
            raise ValueError(f"field {index} of message {fields[0]} is {said}")


def _holds(is_sound: Check, text: str) -> bool:
    try:
        return is_sound(text)
    except (ValueError, OverflowError):
        return False


class StrictDecoder(Decoder):
    """Decodes for one listener. No message of any shape ends the reading; each one that fails is told to `faults`."""

    def __init__(self, listener: object, faults: DecodingFaults, tws_zone: str) -> None:
        super().__init__(listener, 0)  # type: ignore[arg-type]  # it calls methods by name and wants no more
        self._faults = faults
        self._zone = tws_zone

    def wrap(self, methodName: str, types: Sequence[type], skip: int = 2) -> Callable[[list[str]], None]:  # noqa: N803
        """Return a handler of a flat message, as the library does, but let errors rise to `interpret`."""
        readers = [_READERS[each] for each in types]

        def handle(fields: list[str]) -> None:
            method = getattr(self.wrapper, methodName, None)
            if method is not None:
                method(*(read(field) for read, field in zip(readers, fields[skip:], strict=False)))

        return handle

    def interpret(self, fields: list[str]) -> None:
        """Decode one message and call the listener."""
        if len(fields) > MOST_FIELDS or not are_plain(fields):
            fields = [*map(field, fields[:MOST_FIELDS])]
        raw = tuple(fields)
        try:
            refuse_numbers_that_are_none(raw)
            if fields[0] == str(EXEC_DETAILS):
                if zone := strange_zone(fields[EXEC_TIME_FIELD]):
                    self._faults.unknown_zone(zone)
                fields[EXEC_TIME_FIELD] = zoned(fields[EXEC_TIME_FIELD], self._zone)
            self.handlers[int(fields[0])](fields)
        except UnknownWord as unknown:
            self._faults.unknown_word(raw, unknown)
        except Exception as error:  # the edge of the socket: a bad message costs itself, not the connection
            self._faults.unreadable(raw, error)


_READERS: Final[dict[type, Callable[[str], Any]]] = {
    str: str,
    int: lambda field: int(field or 0),
    float: lambda field: float(field or 0),
    bool: lambda field: bool(int(field or 0)),
}
