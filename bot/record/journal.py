"""The journal of a day that is being recorded: frames that are appended, each with its length and its checksum.

A frame is a second's rows as Arrow's batches, a kind each, compressed: what is made into Parquet later is never taken
apart again. It holds no code and no pickles, so that a journal of anybody's can be read. What a crash leaves is whole
frames and at most a part of the last one; what found no room on the disk is taken back at once.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from bot.domain.recording import Columns, EventKind, RecordingFault, Row
from bot.record.tables import batch_of, packed, rows_of, unpacked

if TYPE_CHECKING:
    import pyarrow as pa

NAME: Final = "journal.open"
_MARK: Final = b"quanticity journal 2\n"
_HEAD: Final = struct.Struct(">II")
_MOST_BYTES: Final = 256 * 1024 * 1024
"""Of one frame; a length beyond it is no length."""


class JournalWriter:
    """Appends frames; each is on the disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("ab", buffering=0)
        self.size = self._file.tell()
        if self.size == 0:
            self._write(_MARK)

    def append(self, columns: Columns) -> None:
        """Raises OSError where there is no room, and then nothing of it is there."""
        payload = packed((EventKind(word), batch_of(EventKind(word), held)) for word, held in columns.items())
        self._write(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)

    def _write(self, frame: bytes) -> None:
        rest = memoryview(frame)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self.size)
            raise
        self.size += len(frame)

    def close(self) -> None:
        self._file.close()


class JournalReader:
    """Reads what is whole of a journal; `faults` says what is not, once everything was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []

    def rows(self) -> Iterator[list[Row]]:
        """Yield the rows of each whole frame, in order."""
        for batches in self.batches():
            rows = [row for kind, batch in batches for row in rows_of(batch, kind)]
            yield sorted(rows, key=itemgetter(0))

    def batches(self) -> Iterator[list[tuple[EventKind, pa.RecordBatch]]]:
        """Yield each whole frame, in order."""
        self.faults = []
        with self.path.open("rb") as file:
            mark = file.read(len(_MARK))
            if not mark:
                return  # nothing was written yet
            if mark != _MARK:
                self.faults.append(f"{self.path.name}: no journal of this schema")
                return
            yield from self._frames(file)

    def _frames(self, file: BinaryIO) -> Iterator[list[tuple[EventKind, pa.RecordBatch]]]:
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
            try:
                if zlib.crc32(payload) != checksum:
                    raise RecordingFault("its checksum differs")
                batches = unpacked(payload)
            except RecordingFault as error:
                self.faults.append(f"{self.path.name}: frame {number} at byte {at} is damaged: {error}")
            else:
                yield batches
