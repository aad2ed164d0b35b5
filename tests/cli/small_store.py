"""A store as a bot leaves it, small enough to hold in the hand, and threads that answer as a bot does."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from typer.testing import Result

from bot.clocks.clock import ManualClock
from bot.domain.ids import ulid
from bot.domain.instruments import OptionContract, Right
from bot.domain.position import CloseReason, ExitPlan, Position, PositionState, Rung, Settlement
from bot.domain.signal import Signal
from bot.engine.state.records import EngineStatus, NewTransition, TickBatch
from bot.store.sql_store import SqlStore
from bot.store.values import time_text
from tests.patience import PATIENCE_S

Call = Callable[..., Result]

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
CONTRACT = OptionContract("SPY", date(2026, 11, 20), Right.CALL, Decimal(590))
SIGNAL, POSITION, UNSETTLED = ulid(NOW, 0xAAAAA), ulid(NOW, 0xBBBBB), ulid(NOW, 0xCCCCC)


def pulse() -> EngineStatus:
    return EngineStatus(
        tick=7, at=NOW, tick_ms=1.5, mode="sim", speed=30, scenario="demo", inbox_depth=0, quotes_per_s=4,
        session_day=NOW.date(), session_open_at=NOW - timedelta(minutes=30), session_close_at=NOW + timedelta(hours=6),
        broker_synced_at=NOW, waiting_for=(),
    )  # fmt: skip


def a_signal() -> Signal:
    return Signal(
        id=SIGNAL, strategy="zero_dte_gamma", contract=CONTRACT, quantity=4, limit_price=Decimal("1.25"),
        notional=Decimal(500), created_at=NOW, expires_at=NOW + timedelta(seconds=180), approval_id=f"{SIGNAL}A",
    )  # fmt: skip


def a_position() -> Position:
    plan = ExitPlan(
        rungs=(Rung(Decimal("0.5"), Decimal("0.25")),), stop_loss=Decimal("0.5"), trail=Decimal("0.25"),
        single_trail_from=Decimal("0.5"), flat_at=NOW + timedelta(hours=5),
    )  # fmt: skip
    return Position(
        id=POSITION, contract=CONTRACT, strategy="zero_dte_gamma", plan=plan, opened_at=NOW,
        entry_quantity=4, entry_value=Decimal(5), high=Decimal("1.25"),
    )  # fmt: skip


def born(machine: str, entity_id: str, state: str) -> NewTransition:
    return NewTransition(machine, entity_id, state, state, "created", "tick", "because", {}, NOW)


async def write(url: str, batch: TickBatch) -> None:
    store = SqlStore(url, ManualClock(NOW))
    await store.open()
    try:
        await store.commit(batch)
    finally:
        await store.close()


def an_unsettled_position() -> Position:
    """Yesterday's, that went through its expiry without a price."""
    yesterday = NOW - timedelta(days=1)
    return replace(
        a_position(), id=UNSETTLED, state=PositionState.CLOSED, opened_at=yesterday, closed_at=yesterday,
        settled_quantity=a_position().quantity, close_reason=CloseReason.SETTLEMENT_PENDING,
        settlement=Settlement.PENDING,
    )  # fmt: skip


def commands(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM command ORDER BY created_at, id")]


class Bot(threading.Thread):
    """Answers the next queued command with a fixed outcome, as the tick would."""

    def __init__(self, path: Path, state: str, answer: str) -> None:
        super().__init__(daemon=True)
        self._path, self._outcome = path, (state, answer)
        self.stop = threading.Event()

    def run(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None)) as connection:
            while not self.stop.wait(0.01):
                connection.execute("UPDATE command SET state = ?, answer = ? WHERE state = 'queued'", self._outcome)


class Comparing(threading.Thread):
    """A bot that answers `reconcile` and writes the comparison."""

    def __init__(self, path: Path, lines: list[tuple[str, str, str, str, str]]) -> None:
        super().__init__(daemon=True)
        self._path, self._lines = path, lines

    def run(self) -> None:
        at = time_text(NOW + timedelta(seconds=1))
        with closing(sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None)) as connection:
            answer = "UPDATE command SET state = 'done', answer = 'asked', handled_at = ? WHERE state = 'queued'"
            while not connection.execute(answer, (at,)).rowcount:
                threading.Event().wait(0.01)
            # As the tick does it, so that nobody reads a comparison that has no lines yet.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO reconciliation (id, at, reason, complete) VALUES ('R1', ?, 'asked', 1)", (at,)
            )
            connection.executemany(
                "INSERT INTO reconciliation_line (reconciliation_id, line, subject, key, ours, broker, action) "
                "VALUES ('R1', ?, ?, ?, ?, ?, ?)",
                [(number, *line) for number, line in enumerate(self._lines)],
            )
            connection.execute("COMMIT")
