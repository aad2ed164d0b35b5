"""What grows and is no history: account values, price paths, job marks, comparisons. Old ones go, transitions never.

Each call is one short transaction of the writer, so that no tick waits for it. Of an account's old day the first, the
last, the highest and the lowest value stay: its opening equity and its part of the high-water mark follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from bot.store.values import time_text


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days each kind is kept in full; 0: for ever."""

    account_days: int
    mark_days: int
    job_days: int
    comparison_days: int


MOST_AT_ONCE: Final = 500


def thin_out(connection: Connection, keep: Retention, now: datetime, most: int = MOST_AT_ONCE) -> int:
    """Remove up to about `most` rows of each kind; return how many went. Zero: nothing is left to remove."""
    gone = 0
    for days, remove in _KINDS:
        kept_for = days(keep)
        if kept_for:
            gone += remove(connection, time_text(now - timedelta(days=kept_for)), most)
    return gone


def _old_marks(connection: Connection, before: str, most: int) -> int:
    """The price path of a position that is over; one that is open keeps all of it."""
    return _remove(
        connection,
        """
DELETE FROM position_mark WHERE (position_id, at) IN (
    SELECT m.position_id, m.at FROM position_mark m JOIN position p ON p.id = m.position_id
    WHERE m.at < :before AND p.state = 'closed' ORDER BY m.position_id, m.at LIMIT :most)""",
        before=before,
        most=most,
    )


def _old_jobs(connection: Connection, before: str, most: int) -> int:
    """All but the newest of each name, which says when it ran last."""
    return _remove(
        connection,
        """
DELETE FROM job_run WHERE id IN (
    SELECT j.id FROM job_run j WHERE j.ran_at < :before
        AND EXISTS (SELECT 1 FROM job_run later WHERE later.name = j.name AND later.ran_at > j.ran_at)
    ORDER BY j.ran_at LIMIT :most)""",
        before=before,
        most=most,
    )


def _old_comparisons(connection: Connection, before: str, most: int) -> int:
    """All but the newest whole one: what the books are compared with."""
    chosen = [
        row.id
        for row in connection.execute(
            text("""
SELECT id FROM reconciliation WHERE at < :before AND id <> COALESCE(
    (SELECT id FROM reconciliation WHERE complete ORDER BY at DESC, id DESC LIMIT 1), '')
ORDER BY at LIMIT :most"""),
            {"before": before, "most": most},
        )
    ]
    for one in chosen:
        connection.execute(text("DELETE FROM reconciliation_line WHERE reconciliation_id = :id"), {"id": one})
        connection.execute(text("DELETE FROM reconciliation WHERE id = :id"), {"id": one})
    return len(chosen)


def _old_account_values(connection: Connection, before: str, most: int) -> int:
    """Thin out one old day of one account."""
    full = connection.execute(
        text("""
SELECT account, day FROM account_snapshot WHERE at < :before
GROUP BY account, day HAVING COUNT(*) > :kept ORDER BY day LIMIT 1"""),
        {"before": before, "kept": _KEPT_A_DAY},
    ).first()
    if full is None:
        return 0
    rows = connection.execute(
        text("""
SELECT id, net_liquidation FROM account_snapshot WHERE account = :account AND day = :day ORDER BY at, id"""),
        {"account": full.account, "day": full.day},
    ).all()
    kept = _worth_keeping(rows)
    for row in rows:
        if row.id not in kept:
            connection.execute(text("DELETE FROM account_snapshot WHERE id = :id"), {"id": row.id})
    return len(rows) - len(kept)


_KEPT_A_DAY: Final = 5
"""First, first with an equity, last, highest and lowest."""


def _worth_keeping(rows: Sequence[Any]) -> set[str]:
    known = [row for row in rows if row.net_liquidation is not None]
    kept = {rows[0].id, rows[-1].id}
    if known:
        kept |= {known[0].id, max(known, key=_equity).id, min(known, key=_equity).id}
    return kept


def _equity(row: Any) -> int:
    return int(row.net_liquidation)


def _remove(connection: Connection, sql: str, **values: Any) -> int:
    return max(connection.execute(text(sql), values).rowcount, 0)


_KINDS: Final[tuple[tuple[Callable[[Retention], int], Callable[[Connection, str, int], int]], ...]] = (
    (lambda keep: keep.mark_days, _old_marks),
    (lambda keep: keep.job_days, _old_jobs),
    (lambda keep: keep.comparison_days, _old_comparisons),
    (lambda keep: keep.account_days, _old_account_values),
)
