"""A store of deep copies: what is not committed does not exist."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from bot.domain.breaker import Breaker
from bot.domain.connection import CONNECTION_ID, Connection
from bot.domain.errors import CommitFailed
from bot.domain.events import (
    CommandReceived,
    InboundReceived,
)
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.kinds import Entities, kind_of
from bot.domain.order import Execution, Order, Purpose
from bot.domain.position import OPEN, Position
from bot.domain.session import SESSION_ID, Session
from bot.domain.signal import Signal
from bot.engine.state.records import LEFT_ALONE, LoadedState, NewTransition, TickBatch

_ENDED: Final = frozenset({Signal, Order, Position})
"""What is over of these is loaded as well: a fill may come late."""


class FakeStore:
    """Implements the Store port in memory, by deep copies: what is not committed does not exist."""

    def __init__(self) -> None:
        self.batches: list[TickBatch] = []
        self.entities = Entities()
        self.tables: dict[str, dict[str, Any]] = {name: {} for name in ("executions", "commissions", "replaced")}
        self.fail_next = 0
        self.commands: list[CommandReceived] = []
        self.status: Any = None
        self.opening: dict[date, Decimal] = {}
        self.instruments: dict[str, tuple[Instrument, PriceGrid]] = {}
        self.high_water: list[tuple[datetime, Decimal]] = []

    async def commit(self, batch: TickBatch) -> None:
        if self.fail_next:
            self.fail_next -= 1
            raise CommitFailed("disk full")
        batch = copy.deepcopy(batch)
        self.batches.append(batch)
        for entity in batch.changed:
            self.entities.add(entity)
        self.status = batch.status or self.status
        for row in batch.executions:
            known = self.tables["executions"].get(row.execution.exec_id)
            if known is not None and known.order_id is not None:  # else it learns whose it is
                raise AssertionError(f"{row.execution.exec_id} was written twice")
            self.tables["executions"][row.execution.exec_id] = row
            if row.commission is not None:
                self.tables["commissions"][row.execution.exec_id] = row.commission
            if row.replaces:
                self.tables["replaced"][row.replaces] = True
        self.tables["commissions"].update(batch.commissions)
        if batch.account is not None and batch.account.report.net_liquidation is not None:
            self.opening.setdefault(batch.account.day, batch.account.report.net_liquidation)
            self.high_water.append((batch.account.report.at, batch.account.report.net_liquidation))
        for row_ in batch.instruments:
            self.instruments[row_.key] = (row_.instrument, row_.grid)

    async def load(self) -> LoadedState:
        t = copy.deepcopy(self.tables)
        executions: dict[str, Execution] = {}
        for row in t["executions"].values():
            known = executions.get(row.execution.base_id)
            if known is None or known.revision < row.execution.revision:
                executions[row.execution.base_id] = row.execution
        return LoadedState(
            entities=Entities(
                copy.deepcopy(each) for each in self.entities if kind_of(each).is_alive(each) or type(each) in _ENDED
            ),
            executions=executions,
            commissions=t["commissions"],
            instruments=dict(self.instruments),
            highest_order_id=max((o.order_id or 0 for o in self.orders), default=0),
            tick=self.batches[-1].tick if self.batches else 0,
            last_signal_at={(s.strategy, s.symbol): s.created_at for s in self.signals},
            opening_equity=dict(self.opening),
            earliest=_earliest(t["executions"]),
            high_water=self._high_water(),
            not_ours=self._not_ours(),
            underlying_seen=self._last_marked("underlying"),
            bid_seen=self._last_marked("bid"),
            strangers=frozenset(r.execution.base_id for r in t["executions"].values() if r.order_id is None),
        )

    def _high_water(self) -> Decimal | None:
        drawdown = self.entities.of(Breaker).get("drawdown")
        since = drawdown.acknowledged_at if drawdown else None
        told = drawdown.facts.get("high_water") if drawdown else None
        seen = [value for at, value in self.high_water if since is None or at >= since]
        return max(seen + [told] * (told is not None), default=None)

    def _not_ours(self) -> dict[str, int]:
        books = [book for batch in self.batches for book in batch.reconciliations if book.complete]
        lines = books[-1].lines if books else ()
        return {line.key: int(line.ours) for line in lines if (line.subject, line.action) == ("position", LEFT_ALONE)}

    def _last_marked(self, column: str) -> dict[str, tuple[datetime, Decimal]]:
        marks = (mark for batch in self.batches for mark in batch.marks)
        return {mark.position_id: (mark.at, price) for mark in marks if (price := getattr(mark, column)) is not None}

    async def pending_commands(self) -> Sequence[CommandReceived]:
        return self.commands

    async def pending_inbound(self) -> Sequence[InboundReceived]:
        return []

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


def _earliest(rows: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return by base of an execId that was corrected: revision and contracts of its earliest revision."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows.values():
        if row.replaces:
            first = rows[row.replaces].execution
            found[first.base_id] = min(
                found.get(first.base_id, (first.revision, first.quantity)), (first.revision, first.quantity)
            )
    return found
