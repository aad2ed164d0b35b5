"""The tick's pen: carries out steps on the ledger and collects the rows and instructions of one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.domain.adoption import Adoption
from bot.domain.approval import Approval
from bot.domain.breaker import Breaker
from bot.domain.connection import Connection
from bot.domain.errors import IllegalTransition
from bot.domain.events import AlertRaised
from bot.domain.instructions import Instruction
from bot.domain.machine import CREATED
from bot.domain.order import Order
from bot.domain.outside import sentence
from bot.domain.position import Position, PositionState
from bot.domain.requests import REQUEST
from bot.domain.session import Session
from bot.domain.signal import Signal
from bot.domain.symbol_halt import SymbolHalt
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import NewTransition, TickBatch
from bot.engine.state.steps import LIFECYCLE_OF, Birth, Entity, Step


class Journal:
    """One tick's writing. `urgent` says whether the batch must be committed now or may wait for company."""

    def __init__(self, ledger: Ledger, tick: int, now: datetime) -> None:
        self.ledger = ledger
        self.now = now
        self.batch = TickBatch(tick=tick, recorded_at=now)
        self.instructions: list[Instruction] = []
        self.touched: set[str] = set()  # positions that something happened to

    @property
    def urgent(self) -> bool:
        batch = self.batch
        return bool(
            batch.transitions or batch.executions or batch.commands or batch.inbound or batch.alerts or batch.orders or
            batch.reconciliations or batch.commissions or self.instructions
        )  # fmt: skip

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Carry out a decision: its steps in order, up to the first that is refused, for the rest builds on it."""
        for step in steps:
            if not self.take(step):
                return

    def take(self, step: Step) -> bool:
        """Carry out one step; False when the table refuses it, which is audited and raised as an alert."""
        entity = step.entity
        life = LIFECYCLE_OF[type(entity)]
        try:
            before, after = life.fire(entity, step.trigger)
        except IllegalTransition as refusal:
            self._refused(step, refusal)
            return False
        for name, value in step.sets.items():
            setattr(entity, name, value)
        if isinstance(entity, Order) and before != after:
            entity.state_since = self.now
        evidence = _with_closing_numbers(entity, step.evidence)
        self._row(life.name, entity.id, before, after, step.trigger, step.actor, step.reason, evidence)
        self.keep(entity)
        for birth in step.births:
            self.born(birth, step.actor)
        self.instructions.extend(step.instructions)
        self.batch.alerts.extend(step.alerts)
        return True

    def born(self, birth: Birth, actor: str = "tick") -> None:
        """Write a new entity and its first row."""
        entity = birth.entity
        life = LIFECYCLE_OF[type(entity)]
        if isinstance(entity, Signal):
            self.ledger.add_signal(entity)
        elif isinstance(entity, Approval):
            self.ledger.approvals[entity.id] = entity
        elif isinstance(entity, Order):
            self.ledger.add_order(entity)
        elif isinstance(entity, Position):
            self.ledger.add_position(entity)
        elif isinstance(entity, Adoption):
            self.ledger.adoptions[entity.id] = entity
        self._row(life.name, entity.id, entity.state, entity.state, CREATED, actor, birth.reason, birth.evidence)
        self.keep(entity)

    def keep(self, entity: Entity) -> None:
        """Have the present values of an entity written with this tick, and the ledger's indexes true."""
        batch, ledger = self.batch, self.ledger
        if isinstance(entity, Order):
            batch.orders[entity.id] = entity
            ledger.settle_order(entity)
            if entity.position_id:
                self.touched.add(entity.position_id)
        elif isinstance(entity, Position):
            entity.round_sums()
            batch.positions[entity.id] = entity
            self.touched.add(entity.id)
        elif isinstance(entity, Signal):
            batch.signals[entity.id] = entity
            ledger.retire_signal(entity)
        elif isinstance(entity, Approval):
            batch.approvals[entity.id] = entity
        elif isinstance(entity, Session):
            batch.session = entity
        elif isinstance(entity, Connection):
            batch.connection = entity
        else:
            self._keep_watch(entity)

    def _keep_watch(self, entity: Breaker | SymbolHalt | Adoption) -> None:
        if isinstance(entity, Breaker):
            self.batch.breakers[entity.id] = entity
        elif isinstance(entity, SymbolHalt):
            self.batch.symbol_halts[entity.id] = entity
        else:
            self.batch.adoptions[entity.id] = entity

    def request_refused(self, request_id: str, kind: str, actor: str, reason: str) -> None:
        """Put on the record that a request was refused before its handler saw it."""
        queued = REQUEST.initial
        self._row(REQUEST.name, request_id, queued, queued, f"refused:{kind}", actor, reason, {})

    def alert(self, code: str, text: str, facts: Mapping[str, Any] | None = None, *, severity: str = "") -> None:
        """Raise an alert of the register; `severity` only where its row has more than one."""
        self.batch.alerts.append(AlertRaised(code, text, facts or {}, self.now, severity))

    def _refused(self, step: Step, refusal: IllegalTransition) -> None:
        state = refusal.state
        self._row(
            refusal.machine,
            refusal.entity_id,
            state,
            state,
            f"refused:{step.trigger}",
            step.actor,
            step.reason,
            step.evidence,
        )
        facts = {"machine": refusal.machine, "id": refusal.entity_id, "state": str(state), "trigger": str(step.trigger)}
        self.alert("REFUSED_TRIGGER", f"{refusal} ({step.reason})", facts)

    def _row(
        self,
        machine: str,
        entity_id: str,
        before: str,
        after: str,
        trigger: str,
        actor: str,
        reason: str,
        evidence: Mapping[str, Any],
    ) -> None:
        row = NewTransition(
            machine, entity_id, str(before), str(after), str(trigger), actor, sentence(reason), evidence, self.now
        )
        self.batch.transitions.append(row)


def _with_closing_numbers(entity: Entity, evidence: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put what a trade came to beside each step that closes it or changes it afterwards, so that the chain holds it."""
    if isinstance(entity, Position) and entity.state is PositionState.CLOSED:
        entity.round_sums()
        return {**evidence, "closing": entity.closing_numbers()}
    return evidence
