"""Revision 0006 and back: reasons to close by name, values of a settlement, on rows that were there before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.invariants import check_invariants
from bot.store.revision import downgrade, upgrade
from bot.store.sql_store import SqlStore
from tests.store.trade import POSITION_ID, opening, write
from tests.store.trade import closing as the_end


@pytest.fixture
async def closed(store: SqlStore, url: str) -> str:
    await write(store, opening() + the_end())
    await store.close()
    return url


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def row(path: Path, columns: str) -> tuple[object, ...]:
    with closing(sqlite3.connect(path)) as connection:
        found: tuple[object, ...] = connection.execute(
            f"SELECT {columns} FROM position WHERE id = ?", (POSITION_ID,)
        ).fetchone()
        return found


def test_what_was_settled_without_evidence_is_pending_at_the_same_value(closed: str, store_path: Path) -> None:
    downgrade(closed, "0005")
    change(store_path, "UPDATE position SET close_reason = 'settled'")
    pnl = row(store_path, "realized_pnl")
    upgrade(closed)
    assert row(store_path, "close_reason, settlement, settled_value") == ("settlement_pending", "pending", 0)
    assert row(store_path, "realized_pnl") == pnl


@pytest.mark.parametrize("now, before", [
    ("expired", "settled"), ("cash_settled", "settled"), ("exercised", "settled"), ("settlement_pending", "settled"),
    ("gap", "flatten"), ("stop", "stop"), ("externally_closed", "externally_closed"),
])  # fmt: skip
def test_an_older_schema_gets_the_words_and_the_profit_that_it_counts(
    closed: str, store_path: Path, now: str, before: str
) -> None:
    pnl = row(store_path, "realized_pnl")[0]
    change(
        store_path, f"UPDATE position SET close_reason = '{now}', settled_value = 5000, realized_pnl = {pnl} + 500000"
    )
    downgrade(closed, "0005")
    assert row(store_path, "close_reason, realized_pnl") == (before, pnl)
    upgrade(closed)
    assert [f.detail for f in check_invariants(closed) if not f.ok] == []


def test_a_reason_that_is_no_word_is_refused_by_the_store_itself(closed: str, store_path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="close_reason"):
        change(store_path, "UPDATE position SET close_reason = 'settled'")
    change(store_path, "UPDATE position SET close_reason = 'gap'")
