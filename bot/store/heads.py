"""Heads of the audit chain, written down outside of the store: a file of one JSON line a head beside the backups.

A chain proves that no row was changed, removed or inserted *before its end*. Whoever rewrites all of it from some row
on, or cuts its end off, leaves a whole chain with another end; that shows only against a head that was noted elsewhere.
So the bot appends the head every hour, and a start, every backup and `audit verify` look whether each noted head is
still in the chain. A restore of a backup writes a line of its own: what came after that backup is gone on purpose.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.domain.errors import StoreError
from bot.store.chain import BEGINNING, Head
from bot.store.tables.transition import TRANSITION
from bot.store.values import time_text

FILE_NAME: Final = "heads.jsonl"
_PRIVATE: Final = 0o600
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Noted:
    """A head that was written down: when, by what (`hour`, `backup`, `restore`), and whether all before it was
    verified then."""

    at: str
    head: Head
    why: str
    verified: bool


def file_in(folder: Path) -> Path:
    """Return the file of heads of a folder of backups."""
    return folder / FILE_NAME


def note(file: Path, head: Head, at: datetime, why: str, *, verified: bool = False) -> None:
    """Append a head; it is on the disk when this returns. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    line = {"at": time_text(at), "seq": head.seq, "hash": head.hash, "why": why, "verified": verified}
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _PRIVATE)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def noted(file: Path) -> list[Noted]:
    """Return the heads that still have to be in the chain: those since the last restore, oldest first.

    A last line that a power cut left half written is passed over; raises StoreError for any other line that is none.
    """
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    found: list[Noted] = []
    for number, line in enumerate(lines, start=1):
        one = _parsed(line)
        if one is None:
            if number == len(lines):
                break
            raise StoreError(f"{file}:{number} is not a noted head: {line[:80]!r}")
        found = [one] if one.why == "restore" else [*found, one]
    return found


def _parsed(line: str) -> Noted | None:
    try:
        row: Any = json.loads(line)
        return Noted(str(row["at"]), Head(str(row["hash"]), int(row["seq"])), str(row["why"]), bool(row["verified"]))
    except (ValueError, KeyError, TypeError):
        return None


def missing(connection: Connection, file: Path) -> Noted | None:
    """Return the oldest noted head that the store's chain does not have; None: all are there."""
    known = [one for one in noted(file) if one.head.seq]
    for begin in range(0, len(known), _AT_ONCE):
        some = known[begin : begin + _AT_ONCE]
        query = select(TRANSITION.c.seq, TRANSITION.c.hash).where(TRANSITION.c.seq.in_([one.head.seq for one in some]))
        there = {int(seq): str(hash_) for seq, hash_ in connection.execute(query)}
        gone = next((one for one in some if there.get(one.head.seq) != one.head.hash), None)
        if gone is not None:
            return gone
    return None


def in_words(gone: Noted) -> str:
    """Say what a missing head means."""
    return (
        f"the history is not the one that was noted: head {gone.head.seq}:{gone.head.hash[:12]} of {gone.at} is not in "
        "the store. Its end was cut off, or it was rewritten; `audit verify` says more, the backups hold the old one"
    )


def last_verified(connection: Connection, file: Path) -> Head:
    """Return the newest head up to which the chain was verified and which is still there; the beginning: none."""
    verified = [one.head for one in noted(file) if one.verified]
    for head in reversed(verified):
        found = connection.execute(select(TRANSITION.c.hash).where(TRANSITION.c.seq == head.seq)).scalar()
        if found == head.hash:
            return head
    return BEGINNING
