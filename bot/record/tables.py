"""Tables of a recording as Parquet (zstd): a file is a part of one kind of one day, its rows in their sequence.

Each page of a file has a checksum of its own, so that a damaged one is found and the row groups beside it still serve.
A file's index is at its end and lost with it; whoever has a copy of the index (`index_of`) reads what is before a cut.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from bot.domain.recording import COLUMNS, COMMON, SCHEMA, Column, EventKind, RecordingFault, Row

ROWS_A_GROUP: Final = 20_000
_LEVEL: Final = 6  # from here on a smaller file costs much more time
_VERSION: Final = b"quanticity.schema"
_KIND: Final = b"quanticity.kind"
_TAIL: Final = 8  # the length of the index and the mark that end a file
_OWN: Final = len(COMMON)
_COUNTED: Final = struct.Struct(">Q")
_ALIGNED: Final = 8
_CODEC: Final = "lz4"
_MOST_UNPACKED: Final = 1024 * 1024 * 1024
"""Of a frame, in bytes; what says that it is bigger is no frame."""

_TYPES: Final = {
    Column.PRICE: pa.string(),
    Column.WHOLE: pa.int64(),
    Column.NUMBER: pa.float64(),
    Column.MOMENT: pa.timestamp("us", tz="UTC"),
    Column.FLAG: pa.bool_(),
    Column.TEXT: pa.string(),
    Column.BYTES: pa.binary(),
}


def schema_of(kind: EventKind) -> pa.Schema:
    """Return the columns of a kind's files."""
    named = [pa.field(name, _TYPES[column]) for name, column in (*COMMON, *COLUMNS[kind])]
    return pa.schema(named, metadata={_VERSION: str(SCHEMA).encode(), _KIND: kind.value.encode()})


def _worded(kind: EventKind) -> list[str]:
    """Return the columns whose values come again and again."""
    return [name for name, column in (*COMMON, *COLUMNS[kind]) if column in {Column.PRICE, Column.TEXT}]


def _counted(kind: EventKind) -> dict[str, str]:
    """Return the columns of which the steps are smaller than the numbers."""
    named = (*COMMON, *COLUMNS[kind])
    return {name: "DELTA_BINARY_PACKED" for name, column in named if column in {Column.WHOLE, Column.MOMENT}}


def batch_of(kind: EventKind, columns: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Return rows of a kind, given as their columns; raises RecordingFault for values that are none of it."""
    schema = schema_of(kind)
    try:
        arrays = [pa.array(held, type=each.type) for held, each in zip(columns, schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise RecordingFault(f"{kind}: {_first_line(error)}") from error


def after(batch: pa.RecordBatch, sequence: int) -> pa.RecordBatch:
    """Return the rows of a batch that come after a sequence."""
    numbers = batch.column(0).to_pylist()
    return batch.slice(bisect_right(numbers, sequence)) if numbers and numbers[0] <= sequence else batch


def packed(batches: Iterable[tuple[EventKind, pa.RecordBatch]]) -> bytes:
    """Return batches of several kinds in one piece, compressed: a second of a journal."""
    parts = [(kind, batch.serialize()) for kind, batch in batches]
    index = json.dumps([[kind.value, part.size] for kind, part in parts]).encode()
    index += b" " * (-(len(index) + _COUNTED.size) % _ALIGNED)
    whole = b"".join((_COUNTED.pack(len(index)), index, *(part for _, part in parts)))
    pressed: bytes = pa.compress(whole, codec=_CODEC, asbytes=True)
    return _COUNTED.pack(len(whole)) + pressed


def unpacked(frame: bytes) -> list[tuple[EventKind, pa.RecordBatch]]:
    """Return the batches of `packed`; raises RecordingFault for what is none."""
    try:
        return list(_batches(frame))
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, struct.error) as error:
        raise RecordingFault(_first_line(error)) from error


def _batches(frame: bytes) -> Iterator[tuple[EventKind, pa.RecordBatch]]:
    (size,) = _COUNTED.unpack_from(frame)
    if size > _MOST_UNPACKED:
        raise ValueError(f"{size} bytes are no second of a journal")
    whole = pa.decompress(pa.py_buffer(frame)[_COUNTED.size :], decompressed_size=size, codec=_CODEC)
    (length,) = _COUNTED.unpack_from(whole)
    at = _COUNTED.size + length
    for word, part in json.loads(whole[_COUNTED.size : at].to_pybytes()):
        kind = EventKind(word)
        batch = pa.ipc.read_record_batch(whole[at : at + part], schema_of(kind))
        batch.validate(full=True)
        at += part
        yield kind, batch


def rows_of(batch: pa.RecordBatch, kind: EventKind) -> list[Row]:
    """Return a batch row by row."""
    return _rows(batch, kind)


class TableWriter:
    """Writes one file, by rows or by batches of rows; it takes its name when it is whole."""

    def __init__(self, path: Path, kind: EventKind) -> None:
        self.path, self.kind, self.rows = path, kind, 0
        self.first = self.last = 0
        self.since = self.until = 0
        self._schema = schema_of(kind)
        self._beside = path.with_name(f".{path.name}.part")
        self._singly: list[tuple[Any, ...]] = []
        self._batches: list[pa.RecordBatch] = []
        self._waiting = 0  # rows of the batches
        self._writer = pq.ParquetWriter(
            self._beside, self._schema, compression="zstd", compression_level=_LEVEL, version="2.6",
            write_page_checksum=True,
            use_dictionary=_worded(kind), column_encoding=_counted(kind),
        )  # fmt: skip

    def put(self, row: Row) -> None:
        sequence, us, _, source, key, values = row
        self._singly.append((sequence, us, source, key, *values))
        if len(self._singly) >= ROWS_A_GROUP:
            self._gather()

    def _gather(self) -> None:
        if self._singly:
            batch = batch_of(self.kind, list(zip(*self._singly, strict=True)))
            self._singly.clear()
            self.put_batch(batch)

    def put_batch(self, batch: pa.RecordBatch) -> None:
        """Put rows that follow those before in their sequence."""
        if not batch.num_rows:
            return
        ends = batch.take(pa.array([0, batch.num_rows - 1]))
        numbers, times = (_values(ends.column(number)) for number in range(2))
        if self.rows == 0:
            self.first, self.since = numbers[0], times[0]
        self.rows, self.last, self.until = self.rows + batch.num_rows, numbers[1], times[1]
        self._batches.append(batch)
        self._waiting += batch.num_rows
        if self._waiting >= ROWS_A_GROUP:
            self._write()

    def _write(self) -> None:
        """Write the groups that are full, or what there is when it is the last."""
        table = pa.Table.from_batches(self._batches, schema=self._schema)
        whole = self._waiting // ROWS_A_GROUP * ROWS_A_GROUP or self._waiting
        self._writer.write_table(table.slice(0, whole), row_group_size=ROWS_A_GROUP)
        rest = table.slice(whole)
        self._batches, self._waiting = rest.to_batches(), rest.num_rows

    def close(self) -> None:
        """Make it whole, and durable, under its name."""
        self._gather()
        if self._waiting:
            self._write()
        self._writer.close()
        with self._beside.open("rb+") as file:
            os.fsync(file.fileno())
        self._beside.replace(self.path)

    def leave(self) -> None:
        """Leave nothing of a file that could not be made whole."""
        with contextlib.suppress(pa.ArrowException, OSError):
            self._writer.close()
        self._beside.unlink(missing_ok=True)


def index_of(path: Path) -> bytes:
    """Return a copy of a whole file's index."""
    with path.open("rb") as file:
        file.seek(-_TAIL, io.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-_TAIL - length, io.SEEK_END)
        return file.read()


def _ends_with(path: Path, index: bytes) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-len(index), io.SEEK_END)
            return file.read() == index
    except OSError:
        return False  # it is shorter, or it is not there


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group: its rows, or what is wrong with it."""

    number: int
    count: int
    rows: Sequence[Row]
    fault: str = ""


class TableReader:
    """Reads one file, group by group. `index` is a copy of the file's own, by which one is read that was cut short, or
    whose own is damaged. Raises RecordingFault for a file that is none of this schema."""

    def __init__(self, path: Path, kind: EventKind, index: bytes | None = None) -> None:
        self.path, self.kind = path, kind
        self.fault = ""
        if index is not None and not _ends_with(path, index):
            self.fault = f"{path.name}: its end is missing or damaged"
            self._file = self._by_copy(index)
        else:
            self._file = self._by_itself()
        self._check()

    def _by_itself(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path, page_checksum_verification=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise RecordingFault(f"{self.path.name}: {_first_line(error)}") from error

    def _by_copy(self, index: bytes) -> pq.ParquetFile:
        try:
            metadata = pq.read_metadata(io.BytesIO(b"PAR1" + index))
            return pq.ParquetFile(_Cut(self.path), metadata=metadata, page_checksum_verification=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise RecordingFault(f"{self.path.name}: {_first_line(error)}") from error

    def _check(self) -> None:
        told = self._file.schema_arrow
        version = (told.metadata or {}).get(_VERSION, b"none").decode(errors="replace")
        if version != str(SCHEMA):
            raise RecordingFault(f"{self.path.name}: its schema is {version}, this is {SCHEMA}")
        wanted = schema_of(self.kind)
        if not told.equals(wanted, check_metadata=False):
            raise RecordingFault(f"{self.path.name}: its columns are not those of {self.kind}")

    @property
    def count(self) -> int:
        return int(self._file.metadata.num_rows)

    def groups(self) -> Iterator[RowGroup]:
        """Yield every group in order; one that cannot be read has no rows and says why."""
        for number in range(self._file.num_row_groups):
            count = self._file.metadata.row_group(number).num_rows
            try:
                rows = _rows(self._file.read_row_group(number, use_threads=False), self.kind)
            except (pa.ArrowException, OSError, ValueError) as error:
                words = f"{self.path.name}: row group {number + 1} of {self._file.num_row_groups}: {_first_line(error)}"
                yield RowGroup(number, count, (), words)
            else:
                yield RowGroup(number, count, rows)


class _Cut(io.RawIOBase):
    """A file whose end is missing: it can be read where there is something."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()
        super().close()


def _rows(table: pa.Table | pa.RecordBatch, kind: EventKind) -> list[Row]:
    columns = [_values(table.column(number)) for number in range(table.num_columns)]
    word = kind.value
    sequences, times, sources, keys = columns[:_OWN]
    values = zip(*columns[_OWN:], strict=True)
    return [
        (sequence, us, word, source, key, held)
        for sequence, us, source, key, held in zip(sequences, times, sources, keys, values, strict=True)
    ]


def _values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    held: list[Any] = column.to_pylist()
    return held


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200] if text else type(error).__name__
