"""The audit chain: how a row of `transition` is hashed, and how anyone finds out that one was changed, removed or
inserted.

    hash = sha256(prev_hash + "\\n" + JSON of all other columns but hash and prev_hash), lower-case hex

with keys sorted, separators "," and ":", ensure_ascii false, NULL as null, evidence as its stored text (a string),
times as their stored text. The first prev_hash is 64 zeros; seq is gapless from 1. Pure: rows come in, a verdict goes
out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

GENESIS: Final = "0" * 64

HASHED: Final = (
    "seq",
    "machine",
    "entity_id",
    "from_state",
    "to_state",
    "trigger",
    "actor",
    "reason",
    "evidence",
    "config_version",
    "event_at",
    "recorded_at",
    "tick",
)
"""The columns that a hash covers, in the table's order; `prev_hash` goes before them."""

_text: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def row_hash(prev_hash: str, columns: Mapping[str, Any]) -> str:
    """Return the hash of a row whose other columns are `columns` (stored forms; more keys than HASHED are not
    allowed).
    """
    return sha256(f"{prev_hash}\n{_text(columns)}".encode()).hexdigest()


class Head(NamedTuple):
    """The end of a chain: the hash that the next row builds on, and how many rows lead to it."""

    hash: str = GENESIS
    seq: int = 0


BEGINNING: Final = Head()


@dataclass(frozen=True, slots=True)
class Break:
    """The first row at which a chain is not whole: `kind` is changed, removed, inserted or unlinked."""

    seq: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What verifying found: how many rows, the head that they lead to, the first break or None."""

    rows: int
    head: Head
    first_break: Break | None

    @property
    def ok(self) -> bool:
        return self.first_break is None


def verify(rows: Iterable[Mapping[Any, Any]], head: Head | None = None, begin: Head | None = None) -> ChainVerdict:
    """Walk a chain in order of seq and return its head and its first break; `begin` is a head that was verified before,
    whose followers `rows` are.

    Rows removed from the end leave a whole, shorter chain: give the head that was written down elsewhere (the admin
    gets it once a day) to find that too.
    """
    end, count = begin or Head(), 0
    known = False
    for row in rows:
        found = _break_at(end, row)
        if found is not None:
            return ChainVerdict(count, end, found)
        end, count = Head(row["hash"], row["seq"]), count + 1
        known = known or head is None or head == end
    if head is not None and not known and head != Head():
        return ChainVerdict(count, end, _missing_head(end, head))
    return ChainVerdict(count, end, None)


def _break_at(end: Head, row: Mapping[Any, Any]) -> Break | None:
    seq, wanted = row["seq"], end.seq + 1
    if seq > wanted:
        return Break(wanted, "removed", f"row {wanted} is missing: {end.seq} is followed by {seq}")
    if seq < wanted:
        return Break(seq, "inserted", f"row {seq} was inserted: the chain begins at 1")
    if row["prev_hash"] != end.hash:
        return Break(
            seq, "unlinked", f"row {seq} does not build on row {end.seq}: one of them was replaced or inserted"
        )
    if row["hash"] != row_hash(row["prev_hash"], {name: row[name] for name in HASHED}):
        return Break(seq, "changed", f"row {seq} was changed: its content does not give its hash")
    return None


def _missing_head(end: Head, head: Head) -> Break:
    if end.seq < head.seq:
        return Break(end.seq + 1, "removed", f"the chain ends at row {end.seq}, but row {head.seq} was there once")
    return Break(head.seq, "changed", f"row {head.seq} is not the one that was written down: the chain was rewritten")
