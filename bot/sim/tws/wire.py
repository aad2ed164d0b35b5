"""Frames and field values of the TWS API's text protocol.

A frame is a four-byte big-endian length and a payload; a payload is fields that each end with one NUL. Text is ASCII
with unicode escapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from numbers import Integral
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

MIN_SERVER_VERSION: Final = 157
MAX_SERVER_VERSION: Final = 178
API_PREFIX: Final = b"API\0"
MAX_FRAME_BYTES: Final = 0xFFFFFF

UNSET_DOUBLE: Final = "1.7976931348623157E308"
UNSET_INT: Final = "2147483647"
UNSET_LONG: Final = "9223372036854775807"

Value = str | int | bool | float | Decimal | None


class ProtocolError(ValueError):
    """Bytes or fields that are not what the protocol says; the message is fit to be sent to the client."""


class WireMessage(NamedTuple):
    """One server message before it is framed: its numeric id and every field after the id."""

    id: int
    fields: tuple[Value, ...]


class FrameReader:
    """Reassembles frames from whatever pieces the socket delivers."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes, in order. Raises ProtocolError on an absurd length."""
        self._buffer += data
        payloads = []
        while (payload := self._next()) is not None:
            payloads.append(payload)
        return payloads

    def take_prefix(self, data: bytes) -> bool | None:
        """Consume the greeting that precedes the first frame: True when it is there, None while too short."""
        self._buffer += data
        if len(self._buffer) < len(API_PREFIX):
            return None if API_PREFIX.startswith(self._buffer) else False
        if not self._buffer.startswith(API_PREFIX):
            return False
        del self._buffer[: len(API_PREFIX)]
        return True

    def _next(self) -> bytes | None:
        if len(self._buffer) < 4:
            return None
        size = int.from_bytes(self._buffer[:4], "big")
        if size > MAX_FRAME_BYTES:
            raise ProtocolError(f"frame of {size} bytes exceeds {MAX_FRAME_BYTES}")
        if len(self._buffer) < 4 + size:
            return None
        payload = bytes(self._buffer[4 : 4 + size])
        del self._buffer[: 4 + size]
        return payload


def frame(payload: bytes) -> bytes:
    """Return `payload` behind its length."""
    return len(payload).to_bytes(4, "big") + payload


def encode(fields: Iterable[Value]) -> bytes:
    """Return one frame that holds `fields`, each spelled as TWS spells it."""
    body = "\0".join([_SPELL[type(field)](field) for field in fields]) + "\0"
    return frame(body.encode("ascii", "backslashreplace"))


def encode_message(message: WireMessage) -> bytes:
    """Return the frame of a server message."""
    return encode((message.id, *message.fields))


def split(payload: bytes) -> list[str]:
    """Return the fields of a payload. Bytes outside UTF-8 are replaced rather than refused."""
    fields = payload.decode("utf-8", "replace").split("\0")
    if fields and not fields[-1]:
        fields.pop()
    return fields


def spell(value: Value) -> str:
    """Return one value as TWS writes it: no exponent, no trailing zeros, bool as 1/0, None as the empty field."""
    return _SPELL[type(value)](value)


def _spell_text(value: str) -> str:
    return str(value).replace("\0", " ")


def _spell_decimal(value: Decimal) -> str:
    if not value.is_finite():
        return UNSET_DOUBLE
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _spell_float(value: float) -> str:
    if not math.isfinite(value):
        return UNSET_DOUBLE
    text = f"{value:.10f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


class _Spellings(dict[type, Callable[..., str]]):
    """How each type is written; a subclass (an enum's member, a NumPy scalar) is written as what it stands for."""

    def __missing__(self, kind: type) -> Callable[..., str]:
        for parent, spelling in ((str, _spell_text), (float, _spell_float), (Integral, lambda value: str(int(value)))):
            if issubclass(kind, parent):
                self[kind] = spelling
                return spelling
        raise TypeError(f"the wire has no spelling for {kind.__name__}")


_SPELL: Final = _Spellings(
    {
        str: _spell_text,
        int: str,
        bool: lambda value: "1" if value else "0",
        Decimal: _spell_decimal,
        float: _spell_float,
        type(None): lambda _: "",
    }
)

_UNSET_NUMBERS: Final = frozenset({"", UNSET_DOUBLE, "1.7976931348623157e+308", UNSET_INT, UNSET_LONG})


class Fields:
    """Reads a request's fields from left to right; every reader raises ProtocolError on what it cannot read."""

    def __init__(self, fields: list[str]) -> None:
        self._fields = fields
        self._at = 0

    @property
    def remaining(self) -> int:
        return len(self._fields) - self._at

    def text(self) -> str:
        if self._at >= len(self._fields):
            raise ProtocolError(f"request ends after {self._at} fields")
        value = self._fields[self._at]
        self._at += 1
        return value

    def skip(self, count: int) -> None:
        for _ in range(count):
            self.text()

    def integer(self) -> int:
        """Read an int; an unset one is 0. Clients write whole quantities as `1.0` too."""
        number = self.number()
        if number is None:
            return 0
        if number != number.to_integral_value():
            raise ProtocolError(f"expected a whole number, got {number}")
        return int(number)

    def boolean(self) -> bool:
        return self.text() in {"1", "true", "True"}

    def number(self) -> Decimal | None:
        """Read a number; None where the client left it unset."""
        text = self.text().strip()
        if text in _UNSET_NUMBERS:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ProtocolError(f"expected a number, got {text[:40]!r}") from None
        if value.is_nan():
            raise ProtocolError("expected a number, got NaN")
        return value if abs(value) < Decimal("1e300") else None

    def optional_text(self) -> str:
        """Read a field that older or terser clients leave off the end."""
        return self.text() if self.remaining else ""

    def optional_boolean(self) -> bool:
        return self.boolean() if self.remaining else False


def spell_time(at: datetime, zone: ZoneInfo, version: int) -> str:
    """Return a date-time as server `version` writes it: with the zone's name from 174 on, with two spaces before."""
    local = at.astimezone(zone)
    if version >= 174:
        return f"{local:%Y%m%d %H:%M:%S} {zone.key}"
    return f"{local:%Y%m%d  %H:%M:%S}"


def read_time(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the UTC time that a client wrote; None for the empty text. Raises ProtocolError.

    Three spellings are legal: `yyyymmdd hh:mm:ss [Area/City]`, `yyyymmdd-hh:mm:ss` (UTC), `yyyymmdd`.
    """
    text = text.strip()
    if not text:
        return None
    try:
        return _read_time(text, zone).astimezone(UTC)
    except (ValueError, OSError):
        raise ProtocolError(f"not a date-time: {text[:40]!r}") from None


def _read_time(text: str, zone: ZoneInfo) -> datetime:
    if len(text) > 8 and text[8] == "-":
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    day, clock, area = [*text.split(), "", ""][:3]
    named = ZoneInfo(_ZONE_ALIASES.get(area, area)) if area else zone
    pattern = "%H:%M:%S" if clock.count(":") == 2 else "%H:%M"
    return datetime.strptime(f"{day} {clock or '00:00:00'}", f"%Y%m%d {pattern if clock else '%H:%M:%S'}").replace(
        tzinfo=named
    )


# What TWS accepts besides the IANA names.
_ZONE_ALIASES: Final = {"EST": "America/New_York", "EDT": "America/New_York", "GMT": "UTC"}
