"""The library's decoder, made strict: what cannot be read is reported with its raw fields, not logged and forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.broker.ib import Decoder
from bot.domain.errors import UnknownWord

EXEC_DETAILS: Final = 11
EXEC_TIME_FIELD: Final = 15
_DASHED: Final = re.compile(r"^(\d{8})-(\d\d:\d\d:\d\d)$")
_SPACED: Final = re.compile(r"^(\d{8}) +(\d\d:\d\d:\d\d)(?: (\S.*))?$")


class Faults(Protocol):
    """Who is told of messages that cannot be read."""

    def unreadable(self, fields: Sequence[str], error: Exception) -> None: ...

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


def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


class StrictDecoder(Decoder):
    """Decodes for one listener. No message of any shape ends the reading; each one that fails is told to `faults`."""

    def __init__(self, listener: object, faults: Faults, tws_zone: str) -> None:
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
        raw = tuple(fields)
        try:
            if fields[0] == str(EXEC_DETAILS):
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
