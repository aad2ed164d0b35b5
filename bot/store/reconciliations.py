"""Comparisons of our book with the broker's, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.engine.records import LEFT_ALONE
from bot.store.schema import RECONCILIATION, RECONCILIATION_LINE
from bot.store.values import parse_time, time_text

SAME = "same"


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One contract, order or execution: what the broker has, what the store has, what was done."""

    subject: str
    key: str
    broker: str
    store: str
    action: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One reconciliation; `complete` says whether every part of the broker's book gave its end marker."""

    id: str
    at: datetime
    reason: str
    complete: bool
    lines: Sequence[ComparedLine]

    @property
    def differences(self) -> int:
        """Lines in which something of ours was not as at the broker."""
        return sum(line.action not in {SAME, LEFT_ALONE} for line in self.lines)

    @property
    def not_ours(self) -> Sequence[ComparedLine]:
        """Lines of what is at the broker and somebody else's: no difference, and left alone."""
        return [line for line in self.lines if line.action == LEFT_ALONE]

    @property
    def verdict(self) -> str:
        """Return in one phrase how the books stand to each other."""
        words = f"{self.differences} differences" if self.differences else "our book and the broker's agree"
        return f"{words}; {len(self.not_ours)} not ours, left alone" if self.not_ours else words


def latest(connection: Connection, since: datetime | None = None, *, complete: bool = False) -> Comparison | None:
    """Return the newest comparison, or the newest complete one; with `since` the first complete one from then on. None
    while there is none."""
    table = RECONCILIATION.c
    query = select(RECONCILIATION).order_by(table.at.desc(), table.id.desc())
    if complete:
        query = query.where(table.complete.is_(True))
    if since is not None:
        first = table.complete.is_(True) & (table.at >= time_text(since))
        query = select(RECONCILIATION).where(first).order_by(table.at, table.id)
    row = connection.execute(query.limit(1)).first()
    if row is None:
        return None
    found = row._mapping
    lines = _lines(connection, found["id"])
    return Comparison(found["id"], parse_time(found["at"]), found["reason"], bool(found["complete"]), lines)


def _lines(connection: Connection, comparison_id: str) -> list[ComparedLine]:
    line = RECONCILIATION_LINE.c
    query = select(RECONCILIATION_LINE).where(line.reconciliation_id == comparison_id).order_by(line.subject, line.line)
    found = [row._mapping for row in connection.execute(query)]
    return [ComparedLine(r["subject"], r["key"].strip(), r["broker"], r["ours"], r["action"]) for r in found]
