"""A store of deep copies: what is not committed does not exist.

`tests/contracts/test_stores.py` holds it against the real one. What it takes it has brought into the form of rows, so
that it refuses what cannot be written, and what it gives back came through the rows: memory of a run is lost in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.domain.connection import CONNECTION_ID, Connection
from bot.domain.errors import CommitFailed, StoreUnusable
from bot.domain.events.people import InboundReceived, RequestReceived
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.kinds import Entities
from bot.domain.order import Order, Purpose
from bot.domain.position import OPEN, Position
from bot.domain.session import SESSION_ID, Session
from bot.domain.signal import Signal
from bot.engine.state.ports import Clock
from bot.engine.state.records import (
    AccountSnapshotRow,
    EngineStatus,
    LoadedState,
    NewExecution,
    NewTransition,
    TickBatch,
)
from bot.store.batch import writes_of
from bot.store.values import json_text, time_text
from tests.engine.apart import apart
from tests.engine.fake_loading import Kept, load


class FakeStore:
    """Implements the Store port in memory, by deep copies: what is not committed does not exist.

    `clock` says what is recent at a start; without one, that is counted from the last commit.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock
        self.batches: list[TickBatch] = []
        self.entities = Entities()
        self.tables: dict[str, dict[str, Any]] = {name: {} for name in ("executions", "commissions", "replaced")}
        self.fail_next = 0
        self.trouble: StoreUnusable | None = None  # of its disk, for as long as a test says
        self.unreadable = False  # while there is trouble
        self.commands: list[RequestReceived] = []
        self.inbound: list[InboundReceived] = []
        self.status: Any = None
        self.accounts: list[AccountSnapshotRow] = []
        self.instruments: dict[str, tuple[Instrument, PriceGrid]] = {}
        self._handled: set[str] = set()

    def as_it_stands(self) -> FakeStore:
        """Return a backup: what is committed later is not in it. A batch that was taken changes no more."""
        kept = FakeStore(self.clock)
        kept.batches, kept.entities = [*self.batches], apart(self.entities)
        kept.tables = {name: {**rows} for name, rows in self.tables.items()}
        kept.commands, kept.inbound, kept.accounts = [*self.commands], [*self.inbound], [*self.accounts]
        kept.status, kept.instruments, kept._handled = self.status, {**self.instruments}, {*self._handled}
        return kept

    @property
    def head_hash(self) -> str:
        """The fake keeps no chain: so many rows are its head."""
        return f"{len(self.transitions):064d}"

    async def commit(self, batch: TickBatch) -> None:
        if batch.is_empty:
            return
        if self.trouble is not None:
            raise self.trouble
        if self.fail_next:
            self.fail_next -= 1
            raise CommitFailed(f"tick {batch.tick} was not written: somebody else wrote to the audit chain")
        _refuse_unwritable(batch)
        self._refuse_repeats(batch.executions)
        batch = apart(batch)
        self.batches.append(batch)
        for entity in batch.changed:
            self.entities.add(entity)
        self.status = batch.status or self.status
        for row in batch.executions:
            self._execution(row)
        self.tables["commissions"].update(batch.commissions)
        if batch.account is not None:
            self.accounts.append(batch.account)
        for named in batch.instruments:
            self.instruments[named.key] = (named.instrument, named.grid)
        self.commands += (each for each in batch.heard if each.id not in {known.id for known in self.commands})
        self._handled |= {each.id for each in (*batch.commands, *batch.inbound)}

    def _refuse_repeats(self, executions: Sequence[NewExecution]) -> None:
        """The engine counts an execution once; one that nobody's order made may learn whose it is."""
        for row in executions:
            known = self.tables["executions"].get(row.execution.exec_id)
            if known is not None and known.order_id is not None:
                raise AssertionError(f"{row.execution.exec_id} was written twice")

    def _execution(self, row: NewExecution) -> None:
        exec_id, paid = row.execution.exec_id, self.tables["commissions"]
        if row.commission is not None:
            paid[exec_id] = row.commission
        if row.replaces and row.replaces in self.tables["executions"]:
            self.tables["replaced"][row.replaces] = self.tables["executions"].pop(row.replaces)
            carried = paid.pop(row.replaces, None)
            if carried is not None:
                paid.setdefault(exec_id, carried)
        self.tables["executions"][exec_id] = row

    async def load(self) -> LoadedState:
        if self.trouble is not None and self.unreadable:
            raise self.trouble
        status: EngineStatus | None = self.status
        kept = Kept(
            self.batches,
            self.entities,
            self.tables["executions"],
            self.tables["replaced"],
            self.tables["commissions"],
            self.instruments,
            self.accounts,
            status,
        )
        return apart(load(kept, self.clock.now() if self.clock is not None else None))

    async def pending_commands(self) -> Sequence[RequestReceived]:
        waiting = [each for each in self.commands if each.id not in self._handled]
        return sorted(waiting, key=lambda each: (each.created_at, each.id))

    async def pending_inbound(self) -> Sequence[InboundReceived]:
        waiting = [each for each in self.inbound if each.id not in self._handled]
        return sorted(waiting, key=lambda each: (each.received_at, each.id))

    # ---- what tests ask

    @property
    def transitions(self) -> list[NewTransition]:
        return [row for batch in self.batches for row in batch.transitions]

    @property
    def refused(self) -> list[NewTransition]:
        return [row for row in self.transitions if row.trigger.startswith("refused:")]

    @property
    def alerts(self) -> list[str]:
        return [alert.code for batch in self.batches for alert in batch.alerts]

    @property
    def answers(self) -> list[tuple[str, str]]:
        return [(c.state, c.answer) for batch in self.batches for c in batch.commands]

    @property
    def session(self) -> Session:
        return self.entities.of(Session)[SESSION_ID]

    @property
    def connection(self) -> Connection:
        return self.entities.of(Connection)[CONNECTION_ID]

    @property
    def signals(self) -> list[Signal]:
        return list(self.entities.of(Signal).values())

    @property
    def positions(self) -> list[Position]:
        return list(self.entities.of(Position).values())

    @property
    def orders(self) -> list[Order]:
        return list(self.entities.of(Order).values())

    @property
    def open_positions(self) -> list[Position]:
        return [p for p in self.positions if p.state in OPEN]

    def order(self, ref: str) -> Order:
        return next(o for o in self.orders if o.order_ref == ref)

    def of(self, purpose: Purpose) -> list[Order]:
        return [o for o in self.orders if o.purpose is purpose]

    def path(self, entity_id: str) -> list[str]:
        """Return the triggers of one entity, in order."""
        return [row.trigger for row in self.transitions if row.entity_id == entity_id]


def _refuse_unwritable(batch: TickBatch) -> None:
    """Raise CommitFailed for what no row can hold."""
    try:
        writes_of(batch)
        for row in batch.transitions:
            json_text(row.evidence)
            time_text(row.event_at)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise CommitFailed(f"tick {batch.tick} holds what cannot be written: {error}") from error
