"""The tick's pen: carries out steps on the ledger and collects the rows and instructions of one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.domain.errors import IllegalTransition
from bot.domain.events.people import AlertRaised
from bot.domain.forecast import Forecast
from bot.domain.instructions import Instruction
from bot.domain.kinds import Entities, kind_of
from bot.domain.machine import CREATED, C, Living, T, as_refused
from bot.domain.order import Execution, Order
from bot.domain.outside import sentence
from bot.domain.position import Position
from bot.domain.requests import REQUEST
from bot.engine.state.ledger import Ledger
from bot.engine.state.records import NewExecution, NewTransition, TickBatch
from bot.engine.state.steps import Birth, Step


class Journal:
    """One tick's writing. `urgent` says whether the batch must be committed now or may wait for company."""

    def __init__(self, ledger: Ledger, tick: int, now: datetime) -> None:
        self.ledger = ledger
        self.now = now
        self.batch = TickBatch(tick=tick, recorded_at=now, changed=Entities(table=ledger.table))
        self.instructions: list[Instruction] = []
        self.touched: set[str] = set()  # positions that something happened to

    @property
    def urgent(self) -> bool:
        return self.batch.is_urgent or bool(self.instructions)

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Carry out a decision: its steps in order, up to the first that is refused, for the rest builds on it."""
        for step in steps:
            if not self.take(step):
                return

    def take(self, step: Step) -> bool:
        """Carry out one step; False when the table refuses it, which is audited and raised as an alert."""
        entity = step.entity
        kind = kind_of(entity)
        try:
            before, after = self.ledger.change(entity, step.sets, by=step.trigger)
        except IllegalTransition as refusal:
            self._refused(step, refusal)
            return False
        if before != after and (enters := kind.enter(entity, self.now)):
            self.ledger.change(entity, enters)
        self._settle(entity)
        evidence = {**step.evidence, **kind.closing(entity)}
        self._row(kind.life.name, entity.id, before, after, step.trigger, step.actor, step.reason, evidence)
        self.keep(entity)
        for birth in step.births:
            self.born(birth, step.actor)
        self.instructions.extend(step.instructions)
        self.batch.alerts.extend(step.alerts)
        return True

    def foretell(self, forecast: Forecast) -> None:
        """Have a forecast written as it stands now; one that is settled is not kept in memory."""
        if forecast.settled_at is None:
            self.ledger.forecasts[forecast.id] = forecast
        else:
            self.ledger.forecasts.pop(forecast.id, None)
        self.batch.forecasts[forecast.id] = forecast

    def change(self, entity: Living[T, C], sets: C) -> None:
        """Change an entity without a step, and have that written with this tick."""
        self.ledger.change(entity, sets)
        self.keep(entity)

    def born(self, birth: Birth, actor: str = "tick") -> None:
        """Write a new entity and its first row."""
        entity = birth.entity
        self.ledger.add(entity)
        life = kind_of(entity).life
        self._row(life.name, entity.id, entity.state, entity.state, CREATED, actor, birth.reason, birth.evidence)
        self.keep(entity)

    def keep(self, entity: Living[Any, Any]) -> None:
        """Have the present values of an entity written with this tick."""
        kind = kind_of(entity)
        self._settle(entity)
        self.batch.changed.add(entity)
        if position_id := kind.position_of(entity):
            self.touched.add(position_id)

    def executed(
        self, execution: Execution, order: Order | None, position: Position | None, replaces: str | None = None
    ) -> None:
        """Write an execution with what it is of; `replaces` is the execId that it corrects."""
        commission = self.ledger.fills.commissions.get(execution.exec_id)
        order_id, position_id = order.id if order else None, position.id if position else None
        self.batch.executions.append(NewExecution(execution, commission, order_id, position_id, replaces))

    def _settle(self, entity: Living[Any, Any]) -> None:
        if settled := kind_of(entity).settle(entity):
            self.ledger.change(entity, settled)

    def request_refused(self, request_id: str, kind: str, actor: str, reason: str) -> None:
        """Put on the record that a request was refused before its handler saw it."""
        queued = REQUEST.initial
        self._row(REQUEST.name, request_id, queued, queued, as_refused(kind), actor, reason, {})

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
            as_refused(step.trigger),
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
