"""A change writes the columns that changed, and the row is then what it would be had it been written whole."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection as SqlConnection

from bot.domain.errors import CommitFailed
from bot.domain.kinds import Entities
from bot.domain.order import Order, OrderState
from bot.store.database import AsyncLane, ReplayLane, ThreadLane
from bot.store.sql_store import SqlStore
from bot.store.statements import RowUpdate
from bot.store.tables import LIVING
from bot.store.written import Written
from tests.store.builders import FixedClock, a_batch, a_position, an_id, an_order, born
from tests.store.test_rows import ENTITIES

ORDERS = LIVING[Order]


@pytest_asyncio.fixture(params=[ThreadLane, AsyncLane, ReplayLane], ids=["own thread", "async driver", "replay"])
async def any_store(request: pytest.FixtureRequest, url: str, clock: FixedClock) -> AsyncIterator[SqlStore]:
    store = SqlStore(url, clock, lane=request.param(url))
    await store.open()
    yield store
    await store.close()


def stored(path: Path, order: Order) -> dict[str, Any]:
    """Return an order's row as it is on the disk."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        return dict(connection.execute("SELECT * FROM broker_order WHERE id = ?", (order.id,)).fetchone())


def batch_of(*orders: Order) -> Any:
    return a_batch(changed=Entities(orders))


@pytest.mark.parametrize("kind", ENTITIES, ids=lambda kind: kind.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_what_is_written_of_a_change_makes_the_row_what_it_would_be_whole(kind: type, data: st.DataObject) -> None:
    table = LIVING[kind]
    before = data.draw(ENTITIES[kind])
    after = replace(data.draw(ENTITIES[kind]), id=before.id)
    kept = table.kept(before)
    row = dict(kept.row)
    news = table.news(after, kept)
    assert {**row, **news} == table.row(after) == kept.row
    assert all(row[column] != value for column, value in news.items())
    assert table.news(after, kept) == {}


def test_a_change_names_its_columns_and_what_is_over_is_remembered_no_longer() -> None:
    written, order = Written(), an_order()
    assert [name for name, rows in written.writes(ORDERS, [order]) if rows] == ["broker_order"]
    working = replace(order, state=OrderState.WORKING, perm_id=7)
    _, (change, rows) = written.writes(ORDERS, [working])
    assert isinstance(change, RowUpdate)
    assert set(change.columns) == {"state", "perm_id"}
    assert rows == [{"state": "working", "perm_id": 7, "row_id": order.id}]
    filled = replace(working, state=OrderState.FILLED, filled_quantity=4)
    assert isinstance(written.writes(ORDERS, [filled])[1][0], RowUpdate)
    assert written.writes(ORDERS, [filled])[0][1], "a late change of what is over is written whole"


async def test_only_what_changed_reaches_the_disk_and_no_change_is_lost(any_store: SqlStore, store_path: Path) -> None:
    order, other = an_order(), an_order(11)
    await any_store.commit(batch_of(order, other))
    with sqlite3.connect(store_path) as elsewhere:
        elsewhere.execute("UPDATE broker_order SET tag = 'seen' WHERE id = ?", (order.id,))
    changed = replace(order, state=OrderState.WORKING)
    await any_store.commit(batch_of(changed, replace(other, filled_quantity=2)))
    assert stored(store_path, order) == {**ORDERS.row(changed), "tag": "seen"}
    assert stored(store_path, other) == ORDERS.row(replace(other, filled_quantity=2))


async def test_after_a_commit_that_failed_all_is_written_whole(store: SqlStore, store_path: Path) -> None:
    order = an_order()
    await store.commit(batch_of(order))
    working = replace(order, state=OrderState.WORKING)
    twice = [born(an_id(1), "pending", reason="x" * 500_000)]
    await store._lane.run(lambda connection: _pages(connection, 1))
    with pytest.raises(CommitFailed):
        await store.commit(a_batch(changed=Entities([working]), transitions=twice))
    await store._lane.run(lambda connection: _pages(connection, 2**30))
    assert stored(store_path, order) == ORDERS.row(order)
    await store.commit(batch_of(working))
    assert stored(store_path, order) == ORDERS.row(working)


def _pages(connection: SqlConnection, most: int) -> None:
    connection.exec_driver_sql(f"PRAGMA max_page_count={most}").close()


async def test_a_row_that_is_gone_fails_the_commit_and_comes_back_whole(any_store: SqlStore, store_path: Path) -> None:
    order, position = an_order(), a_position()
    await any_store.commit(batch_of(order))
    with sqlite3.connect(store_path) as elsewhere:
        elsewhere.execute("DELETE FROM broker_order")
    working = replace(order, state=OrderState.WORKING)
    with pytest.raises(CommitFailed, match="1 rows of broker_order are gone"):
        await any_store.commit(a_batch(changed=Entities([working, position])))
    await any_store.commit(batch_of(working))
    assert stored(store_path, order) == ORDERS.row(working)
