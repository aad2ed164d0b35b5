"""A scenario's day, kept from one replay to the next: what its vendor wrote and what its venue quoted.

Both follow from the scenario, the seed and the code of the model alone, so they need not be worked out twice. One file
a day, of JSON, compressed part by part. It is believed only when it was written by this very code (`fingerprint`) for
this very day and is whole (SHA-256); any other is left unread, and made anew at the end of the replay. What is not in
it is worked out and added: no answer depends on whether there is a file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy

from bot.domain.outside import outside

log: Final = logging.getLogger(__name__)

MOST_DAYS: Final = 12
"""How many files a folder holds; the one that was used longest ago goes first."""
_ENDING: Final = ".day"
_SOURCES: Final = ("kept_day.py", "scenario.py", "vocabulary.py", "market/*.py", "uw/*.py", "uw/sets/*.py")
_OF_OTHER_DAYS: Final = frozenset({"bare.py", "context.py", "listed.py", "listed_prices.py", "recorded.py"})
"""Sources of `market/` that no kept day is made of: what stands around a market over sockets, and recordings."""
_DIGITS: Final = 16
_NOT_OF_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
_MOST_OF_A_NAME: Final = 60
_QUICKLY: Final = 1  # zlib's level: it is the first replay that waits for it

Row = list[Any]


def fingerprint(scenario: str, seed: int, asked: str) -> str:
    """Return what a kept day is known by: all that it follows from. `scenario` is the whole of it as text, `asked` the
    settings of who asks the vendor."""
    parts = [sys.version, np.__version__, scipy.__version__, scenario, str(seed), asked]
    parts += [path.read_text(encoding="utf-8") for path in sources()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def sources() -> list[Path]:
    """Return the files of code that a kept day follows from."""
    room = Path(__file__).parent
    found = [path for pattern in _SOURCES for path in sorted(room.glob(pattern))]
    return [path for path in found if path.parent == room or path.name not in _OF_OTHER_DAYS]


class KeptDay:
    """See the module. Without a folder nothing is read and nothing is kept."""

    def __init__(self, folder: Path | None = None, name: str = "", known_by: str = "") -> None:
        self._name, self._known_by = _NOT_OF_A_NAME.sub("_", name)[:_MOST_OF_A_NAME], known_by
        self._path = None if folder is None else folder / f"{self._name}-{known_by[:_DIGITS]}{_ENDING}"
        self._parts: dict[str, bytes] = _read(self._path, known_by) if self._path else {}
        self._seconds: dict[str, dict[str, Row]] = {}
        self._grown: set[str] = set()
        self.found = self.made = 0

    @property
    def is_kept(self) -> bool:
        return self._path is not None

    def lines(self, key: str, make: Callable[[], list[str]]) -> list[str]:
        """Return what the vendor wrote under a key, from `make` the first time."""
        if self._path is None:
            return make()
        known: list[str] | None = _unpacked(self._parts.get(key))
        if known is not None:
            self.found += 1
            return known
        self.made += 1
        made = make()
        self._parts[key] = _packed(made)
        self._grown.add(key)
        return made

    def row(self, kind: str, con_id: int, second: int, make: Callable[[], Row | None]) -> Row | None:
        """Return the numbers of one contract at one second of the day, from `make` the first time."""
        if self._path is None:
            return make()
        name = f"{kind} {con_id}"
        rows = self._seconds.get(name)
        if rows is None:
            rows = self._seconds[name] = _unpacked(self._parts.get(name)) or {}
        known = rows.get(str(second))
        if known is not None:
            self.found += 1
            return known
        self.made += 1
        made = make()
        if made is not None:
            rows[str(second)] = made
            self._grown.add(name)
        return made

    def save(self) -> None:
        """Write the file if there is anything new; a folder that takes nothing is told of and does no harm."""
        if self._path is None or not self._grown:
            return
        self._parts.update((name, _packed(self._seconds[name])) for name in self._grown & self._seconds.keys())
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._path, self._known_by, self._parts)
            self._make_room(self._path)
        except OSError as error:
            log.warning("the day is not kept in %s: %s", outside(self._path), outside(error.strerror))
        self._grown.clear()

    def _make_room(self, path: Path) -> None:
        """Take away what other code left of this day, and days beyond the most."""
        others = sorted((other for other in path.parent.glob(f"*{_ENDING}") if other != path), key=_used_at)
        of_this_day = [other for other in others if other.name[: -_DIGITS - len(_ENDING)] == f"{self._name}-"]
        days = [other for other in others if other not in of_this_day]
        for other in (*of_this_day, *days[: max(0, len(days) + 1 - MOST_DAYS)]):
            other.unlink(missing_ok=True)


def _used_at(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _read(path: Path, known_by: str) -> dict[str, bytes]:
    """Return the parts of a file, none when it cannot be believed."""
    try:
        digest, _, rest = path.read_bytes().partition(b"\n")
        if digest != _digest(rest):
            return {}
        head, _, body = rest.partition(b"\n")
        told = json.loads(head)
        if told["known_by"] != known_by:
            return {}
        os.utime(path)
        return dict(_cut(body, told["parts"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _cut(body: bytes, sizes: list[tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
    at = 0
    for name, size in sizes:
        yield name, body[at : at + size]
        at += size


def _write(path: Path, known_by: str, parts: dict[str, bytes]) -> None:
    """Write beside, then take the name: whoever reads has the old file or the new one, whole."""
    body = b"".join(parts.values())
    sizes = [(name, len(part)) for name, part in parts.items()]
    rest = json.dumps({"known_by": known_by, "parts": sizes}).encode() + b"\n" + body
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(_digest(rest) + b"\n" + rest)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), _QUICKLY)


def _unpacked(part: bytes | None) -> Any:
    try:
        return None if part is None else json.loads(zlib.decompress(part))
    except (zlib.error, ValueError):
        return None  # it is worked out again
