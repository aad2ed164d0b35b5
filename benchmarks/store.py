"""(a) Audited, durable transitions a second, in groups of 50, against raw sqlite3 writing the same rows with the same
pragmas.

Ours carries the whole path: domain objects to rows, canonical JSON, the hash chain, upserts, one transaction a group.
The raw writer gets the finished rows of `transition` and `broker_order` and does nothing but insert and commit.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.result import Result, median
from bot.clocks.clock import ManualClock
from bot.domain.order import Order, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.engine.state.records import NewTransition, TickBatch
from bot.store.database import WRITER_PRAGMAS
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore

_GROUP = 50
_GROUPS = 40
_ROUNDS = 3
_NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def _batch(number: int) -> TickBatch:
    now = _NOW + timedelta(seconds=number)
    batch = TickBatch(tick=number, recorded_at=now)
    for place in range(_GROUP):
        name = f"{number:05}{place:03}"
        order = Order(
            id=name,
            order_ref=f"qty-{name}",
            contract_key="SPY   261120C00600000",
            purpose=Purpose.EXIT,
            side=OrderSide.SELL,
            order_type=OrderType.LIMIT,
            terms=Terms(5, limit_price=Decimal("1.25")),
            created_at=now,
            state_since=now,
            state=OrderState.WORKING,
        )
        batch.changed.add(order)
        evidence = {"bid": Decimal("1.24"), "ask": Decimal("1.26"), "perm_id": place, "detail": "acknowledged"}
        row = NewTransition(
            "order", name, "submitted", "working", "acknowledge", "broker", "held by broker", evidence, now
        )
        batch.transitions.append(row)
    return batch


async def _ours(database: Path) -> float:
    url = f"sqlite+aiosqlite:///{database}"
    upgrade(url)
    store = SqlStore(url, ManualClock(_NOW))
    await store.load()
    batches = [_batch(number) for number in range(1, _GROUPS + 1)]
    began = time.perf_counter()
    for batch in batches:
        await store.commit(batch)
    took = time.perf_counter() - began
    await store.close()
    return _GROUPS * _GROUP / took


def _raw(source: Path, database: Path) -> float:
    """Write the rows that ours wrote into an empty copy of the schema."""
    with sqlite3.connect(source) as read:
        schema = [
            sql for (sql,) in read.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type != 'trigger'")
        ]
        tables = {name: read.execute(f'SELECT * FROM "{name}"').fetchall() for name in ("broker_order", "transition")}
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in WRITER_PRAGMAS:
        connection.execute(pragma)
    for sql in schema:
        if "sqlite_" not in sql:
            connection.execute(sql)
    began = time.perf_counter()
    for start in range(0, _GROUPS * _GROUP, _GROUP):
        connection.execute("BEGIN IMMEDIATE")
        for name, rows in tables.items():
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows[start : start + _GROUP])
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return _GROUPS * _GROUP / took


def run() -> list[Result]:
    ours, raw = [], []
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory(prefix="quanticity-") as folder:
            ours.append(asyncio.run(_ours(Path(folder) / "ours.db")))
            raw.append(_raw(Path(folder) / "ours.db", Path(folder) / "raw.db"))
    ratio = median([a / b for a, b in zip(ours, raw, strict=True)])
    figures = f"{median(ours):,.0f}/s against {median(raw):,.0f}/s raw, groups of {_GROUP}"
    return [Result("audited durable transitions", figures, f"{ratio:.2f} of raw", "0.25 of raw", ratio >= 0.25)]
