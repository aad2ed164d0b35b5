"""I1: every state has a chain of legal transitions behind it, and the hash chain is whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Table, select

from bot.domain.lifecycles import LIFECYCLES
from bot.domain.machine import CREATED, Lifecycle
from bot.store.audit import stream_transitions
from bot.store.chain import verify
from bot.store.invariants.finding import Faults, Finding, Question
from bot.store.schema import (
    APPROVAL,
    BROKER_ORDER,
    CONNECTION_STATE,
    MESSAGE,
    POSITION,
    REPORT,
    SESSION_STATE,
    SIGNAL,
)

TABLE_OF: Final[Mapping[str, Table]] = {
    "signal": SIGNAL,
    "position": POSITION,
    "order": BROKER_ORDER,
    "approval": APPROVAL,
    "message": MESSAGE,
    "report": REPORT,
    "session": SESSION_STATE,
    "connection": CONNECTION_STATE,
}
REFUSED: Final = "refused:"


def legal_chains(question: Question) -> Finding:
    """Replay every entity's transitions against the tables of the domain and compare the end with its row."""
    faults = Faults()
    verdict = verify(stream_transitions(question.connection))
    if verdict.first_break is not None:
        faults.add(verdict.first_break.text, seq=verdict.first_break.seq)
    states: dict[tuple[str, str], str] = {}
    count = 0
    for row in stream_transitions(question.connection):
        count += 1
        words = _take(states, row)
        if words is not None:
            faults.add(f"row {row['seq']}: {words}", seq=row["seq"], machine=row["machine"], entity_id=row["entity_id"])
    _compare(question, states, faults)
    return faults.finding("I1", f"{count} transitions of {len(states)} machines are legal, the hash chain is whole")


def _take(states: dict[tuple[str, str], str], row: Mapping[Any, Any]) -> str | None:
    """Take one transition and return what is wrong with it, or None."""
    life = LIFECYCLES.get(row["machine"])
    if life is None:
        return f"there is no machine {row['machine']!r}"
    key = (row["machine"], row["entity_id"])
    before, trigger = states.get(key), row["trigger"]
    words = _wrong(life, before, trigger, row["from_state"], row["to_state"])
    states[key] = row["to_state"]
    return words and f"{row['machine']} {row['entity_id']}: {words}"


def _wrong(life: Lifecycle, before: str | None, trigger: str, from_state: str, to_state: str) -> str | None:
    initial = life.initial.value
    if trigger == CREATED:
        fine = before is None and from_state == to_state == initial
        return None if fine else f"born in {to_state!r}, or born twice"
    if from_state != (before or initial):
        return f"{trigger} starts from {from_state!r}, but it was in {before or initial!r}"
    if trigger.startswith(REFUSED):
        return None if to_state == from_state else f"{trigger} changed the state to {to_state!r}"
    legal = {(source.value, t.value): target.value for (source, t), target in life.table.items()}
    if legal.get((from_state, trigger)) != to_state:
        return f"the table has no {trigger} from {from_state!r} to {to_state!r}"
    return None


def _compare(question: Question, states: Mapping[tuple[str, str], str], faults: Faults) -> None:
    """The last transition of each entity must lead to the state that its row shows."""
    for machine, table in TABLE_OF.items():
        initial = LIFECYCLES[machine].initial.value
        shown = {str(id_): str(state) for id_, state in question.connection.execute(select(table.c.id, table.c.state))}
        for entity_id, state in shown.items():
            reached = states.get((machine, entity_id), initial)
            if reached != state:
                faults.add(
                    f"{machine} {entity_id} is {state!r}, its transitions lead to {reached!r}",
                    machine=machine,
                    entity_id=entity_id,
                )
        for name, entity_id in states:
            if name == machine and entity_id not in shown:
                faults.add(f"{machine} {entity_id} has transitions but no row", machine=machine, entity_id=entity_id)
