"""What is no history is let go when it is old; what a start needs of it stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.events.account import AccountReported
from bot.engine.state.records import AccountSnapshotRow, JobRow, NewMark, ReconcileLine, ReconcileRow
from bot.store.database import open_reader
from bot.store.retention import Retention
from bot.store.sql_store import SqlStore
from tests.store.builders import CONTRACT, NOW, a_batch, an_id
from tests.store.trade import POSITION_ID, closing, opening, write

KEEP = Retention(account_days=10, mark_days=10, job_days=10, comparison_days=10)
DAYS = 20


def equity(at: datetime, dollars: str) -> AccountSnapshotRow:
    value = Decimal(dollars)
    return AccountSnapshotRow(AccountReported("DU1", value, None, None, None, None, None, at), at.date(), Decimal(0), 0)


async def fill(store: SqlStore) -> None:
    """Thirty days with eight account values, a job, a comparison and a mark each."""
    await write(store, opening() + closing())
    for day in range(DAYS):
        for hour, dollars in enumerate(("100", "104", "97", "101", "102", "103", "99", "98")):
            at = NOW + timedelta(days=day, minutes=hour)
            mark = NewMark(POSITION_ID, at, Decimal(1), Decimal(2), None, None, sampled=True)
            line = ReconcileLine("position", CONTRACT.key, "4", "4", "same")
            number = 1000 + day * 10 + hour
            await store.commit(
                a_batch(
                    10 + day,
                    recorded_at=at,
                    account=equity(at, dollars),
                    marks=[mark],
                    jobs=[JobRow("reconcile", at, "asked", "timer")],
                    reconciliations=[ReconcileRow(an_id(number), at, "timer", True, [line])],
                )
            )


def count(url: str, sql: str) -> int:
    with open_reader(url) as connection:
        return int(connection.exec_driver_sql(sql).scalar_one())


async def empty_out(store: SqlStore, now: datetime, keep: Retention = KEEP) -> int:
    gone = 0
    while some := await store.thin_out(keep, now):
        gone += some
    return gone


@pytest.fixture
async def full(store: SqlStore, url: str) -> str:
    await fill(store)
    return url


async def test_old_rows_go_and_newer_ones_stay(full: str, store: SqlStore) -> None:
    transitions = count(full, "SELECT COUNT(*) FROM transition")
    now = NOW + timedelta(days=DAYS)
    assert await empty_out(store, now) > 0
    assert count(full, "SELECT COUNT(*) FROM transition") == transitions
    for table in ("position_mark", "job_run", "reconciliation"):
        name = {"position_mark": "at", "job_run": "ran_at", "reconciliation": "at"}[table]
        cut = (now - timedelta(days=10)).isoformat(timespec="microseconds")
        assert count(full, f"SELECT COUNT(*) FROM {table} WHERE {name} < '{cut}'") == 0
        assert count(full, f"SELECT COUNT(*) FROM {table}") >= 70
    lines = "SELECT COUNT(*) FROM reconciliation_line WHERE reconciliation_id NOT IN (SELECT id FROM reconciliation)"
    assert count(full, lines) == 0


async def test_of_an_old_day_first_last_highest_and_lowest_equity_stay(full: str, store: SqlStore) -> None:
    await empty_out(store, NOW + timedelta(days=DAYS))
    day = NOW.date().isoformat()
    with open_reader(full) as connection:
        rows = connection.exec_driver_sql(
            f"SELECT net_liquidation / 10000 FROM account_snapshot WHERE day = '{day}' ORDER BY at"
        )
        assert [value for (value,) in rows] == [100, 104, 97, 98]


async def test_nothing_goes_where_it_is_kept_for_ever(full: str, store: SqlStore) -> None:
    assert await empty_out(store, NOW + timedelta(days=4000), Retention(0, 0, 0, 0)) == 0


async def test_the_newest_comparison_and_job_stay_however_old(full: str, store: SqlStore) -> None:
    await empty_out(store, NOW + timedelta(days=4000))
    assert count(full, "SELECT COUNT(*) FROM reconciliation") == 1
    assert count(full, "SELECT COUNT(*) FROM job_run") == 1


async def test_an_open_position_keeps_its_price_path(store: SqlStore, url: str) -> None:
    await write(store, opening())
    mark = NewMark(POSITION_ID, NOW, Decimal(1), Decimal(2), None, None, sampled=True)
    await store.commit(a_batch(9, marks=[mark]))
    assert await empty_out(store, NOW + timedelta(days=4000)) == 0
