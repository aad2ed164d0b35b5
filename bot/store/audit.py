"""The audit chain of a store: read as a stream, verified, exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

from sqlalchemy import Connection, select

from bot.domain.errors import StoreError
from bot.store.chain import HASHED, ChainVerdict, Head, verify
from bot.store.database import open_reader
from bot.store.statements import HEAD_OF_CHAIN
from bot.store.tables.transition import TRANSITION

COLUMNS: Final = (*HASHED, "prev_hash", "hash")
FORMATS: Final = ("jsonl", "csv")
_AT_ONCE: Final = 1000


def stream_transitions(connection: Connection, after_seq: int = 0) -> Iterator[Mapping[Any, Any]]:
    """Yield the rows of `transition` in order of seq, as stored."""
    query = (
        select(*(TRANSITION.c[name] for name in COLUMNS)).where(TRANSITION.c.seq > after_seq).order_by(TRANSITION.c.seq)
    )
    result = connection.execution_options(yield_per=_AT_ONCE).execute(query)
    yield from result.mappings()


def verify_chain(url: str, head: Head | None = None) -> ChainVerdict:
    """Walk a store's whole chain; `head` is one that was written down elsewhere and must still be there."""
    with open_reader(url) as connection:
        return verify(stream_transitions(connection), head)


def head_of(url: str) -> Head:
    """Return the end of a store's chain, unverified."""
    with open_reader(url) as connection:
        row = connection.execute(HEAD_OF_CHAIN).first()
    return Head(row.hash, row.seq) if row else Head()


def export_transitions(url: str, to: TextIO, form: str = "jsonl", after_seq: int = 0) -> int:
    """Write the chain, one line a row, with every column as it is stored; return how many rows there were.

    The JSON of a line less `hash` and `prev_hash`, keys sorted and without blanks, is what its hash was made of.
    """
    if form not in FORMATS:
        raise StoreError(f"cannot export as {form!r}; there are: {', '.join(FORMATS)}")
    with open_reader(url) as connection:
        rows = stream_transitions(connection, after_seq)
        return _write_csv(rows, to) if form == "csv" else _write_jsonl(rows, to)


def _write_jsonl(rows: Iterator[Mapping[Any, Any]], to: TextIO) -> int:
    count = 0
    for row in rows:
        to.write(json.dumps(dict(row), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_csv(rows: Iterator[Mapping[Any, Any]], to: TextIO) -> int:
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow([row[name] for name in COLUMNS])
        count += 1
    return count
