"""The journal of a day that is being recorded: frames that are appended, each with its length and its checksum.

A frame is a second's rows as JSON, compressed. It holds no code and no pickles, so that a journal of anybody's can be
read. What a crash leaves is whole frames and at most a part of the last one.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from bot.domain.recording import COLUMNS, Column, EventKind, Row

NAME: Final = "journal.open"
_MARK: Final = b"quanticity journal 1\n"
_HEAD: Final = struct.Struct(">II")
_MOST_BYTES: Final = 256 * 1024 * 1024
"""Of one frame; a length beyond it is no length."""
_QUICKLY: Final = 1


class JournalWriter:
    """Appends frames; each is on the disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("ab")
        if self._file.tell() == 0:
            self._file.write(_MARK)
            self._file.flush()

    @property
    def size(self) -> int:
        return self._file.tell()

    def append(self, rows: Sequence[Row]) -> None:
        payload = zlib.compress(json.dumps(rows, default=_bytes, separators=(",", ":")).encode(), _QUICKLY)
        self._file.write(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class JournalReader:
    """Reads what is whole of a journal; `faults` says what is not, once everything was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []

    def rows(self) -> Iterator[list[Row]]:
        """Yield the rows of each whole frame, in order."""
        self.faults = []
        with self.path.open("rb") as file:
            mark = file.read(len(_MARK))
            if not mark:
                return  # nothing was written yet
            if mark != _MARK:
                self.faults.append(f"{self.path.name}: no journal of this schema")
                return
            yield from self._frames(file)

    def _frames(self, file: BinaryIO) -> Iterator[list[Row]]:
        number = 0
        while head := file.read(_HEAD.size):
            number, at = number + 1, file.tell() - len(head)
            length, checksum = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0)
            if length > _MOST_BYTES:
                self.faults.append(f"{self.path.name}: what follows byte {at} is no frame")
                return
            payload = file.read(length)
            if len(head) < _HEAD.size or len(payload) < length:
                self.faults.append(f"{self.path.name}: cut short at byte {at}, in frame {number}")
                return
            rows = _rows_of(payload) if zlib.crc32(payload) == checksum else None
            if rows is None:
                self.faults.append(f"{self.path.name}: frame {number} at byte {at} is damaged")
            else:
                yield rows


def _rows_of(payload: bytes) -> list[Row] | None:
    try:
        return [_row(each) for each in json.loads(zlib.decompress(payload))]
    except (zlib.error, ValueError, TypeError, KeyError):
        return None


def _row(held: Sequence[Any]) -> Row:
    sequence, us, word, source, key, values = held
    columns = COLUMNS[EventKind(word)]
    read = (
        base64.b64decode(value) if column is Column.BYTES else value
        for (_, column), value in zip(columns, values, strict=True)
    )
    return sequence, us, word, source, key, tuple(read)


def _bytes(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)
