"""I1: every state has a chain of legal transitions behind it, and the hash chain is whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import text

from bot.domain.lifecycles import LIFECYCLES
from bot.domain.machine import CREATED, Lifecycle, refused_trigger
from bot.store.audit import stream_transitions
from bot.store.chain import verify
from bot.store.invariants.finding import Faults, Finding, Question
from bot.store.tables import MACHINES


def legal_chains(question: Question) -> Finding:
    """Replay every entity's transitions against the tables of the domain and compare the end with its row.

    From a head that was verified before (`question.since`) only what came after it is walked: the state in which it
    found an entity is read from the row before.
    """
    faults = Faults()
    walk = _Walk(question, faults)
    verdict = verify(walk.rows(), begin=question.since)
    if verdict.first_break is not None:
        faults.add(verdict.first_break.text, seq=verdict.first_break.seq)
    _compare(question, faults)
    since = f" since row {question.since.seq}" if question.since.seq else ""
    fine = f"{walk.count} transitions of {len(walk.states)} machines{since} are legal, the hash chain is whole"
    return faults.finding("I1", fine)


class _Walk:
    """Judges each transition on its way to the one who checks the hashes, so that the chain is read once."""

    def __init__(self, question: Question, faults: Faults) -> None:
        self.states: dict[tuple[str, str], str] = {}
        self.count = 0
        self._question, self._faults = question, faults

    def rows(self) -> Iterator[Mapping[Any, Any]]:
        for row in stream_transitions(self._question.connection, self._question.since.seq):
            self.count += 1
            words = self._take(row)
            if words is not None:
                facts = {"seq": row["seq"], "machine": row["machine"], "entity_id": row["entity_id"]}
                self._faults.add(f"row {row['seq']}: {words}", **facts)
            yield row

    def _take(self, row: Mapping[Any, Any]) -> str | None:
        """Take one transition and return what is wrong with it, or None."""
        life = LIFECYCLES.get(row["machine"])
        if life is None:
            return f"there is no machine {row['machine']!r}"
        key = (row["machine"], row["entity_id"])
        before = self.states.get(key) or self._before(key)
        words = _wrong(life, before, row["trigger"], row["from_state"], row["to_state"])
        self.states[key] = row["to_state"]
        return words and f"{row['machine']} {row['entity_id']}: {words}"

    def _before(self, key: tuple[str, str]) -> str | None:
        since = self._question.since.seq
        if not since:
            return None
        names = {"machine": key[0], "entity": key[1], "since": since}
        return self._question.connection.execute(_LAST_BEFORE, names).scalar()


_LAST_BEFORE: Final = text(
    "SELECT to_state FROM transition WHERE machine = :machine AND entity_id = :entity AND seq <= :since "
    "ORDER BY seq DESC LIMIT 1"
)


def _wrong(life: Lifecycle, before: str | None, trigger: str, from_state: str, to_state: str) -> str | None:
    initial = life.initial.value
    if trigger == CREATED:
        fine = before is None and from_state == to_state == initial
        return None if fine else f"born in {to_state!r}, or born twice"
    if from_state != (before or initial):
        return f"{trigger} starts from {from_state!r}, but it was in {before or initial!r}"
    if refused_trigger(trigger) is not None:
        return None if to_state == from_state else f"{trigger} changed the state to {to_state!r}"
    if _legal(life.name).get((from_state, trigger)) != to_state:
        return f"the table has no {trigger} from {from_state!r} to {to_state!r}"
    return None


@cache
def _legal(machine: str) -> Mapping[tuple[str, str], str]:
    table = LIFECYCLES[machine].table
    return {(source.value, trigger.value): target.value for (source, trigger), target in table.items()}


def _compare(question: Question, faults: Faults) -> None:
    """The last transition of each entity must lead to the state that its row shows."""
    for machine, table in MACHINES.items():
        initial = LIFECYCLES[machine].initial.value
        for row in question.rows(_PARTED.format(table=table.name), machine=machine, initial=initial):
            words = f"{machine} {row['id']} is {row['state']!r}, its transitions lead to {row['reached']!r}"
            faults.add(words, machine=machine, entity_id=row["id"])
        for row in question.rows(_ROWLESS.format(table=table.name), machine=machine):
            words = f"{machine} {row['id']} has transitions but no row"
            faults.add(words, machine=machine, entity_id=row["id"])


# The index on (machine, entity_id, seq) finds an entity's last step without reading the others.
_PARTED: Final = """
SELECT id, state, reached FROM (
    SELECT e.id, e.state, COALESCE((SELECT t.to_state FROM transition t WHERE t.machine = :machine
        AND t.entity_id = e.id ORDER BY t.seq DESC LIMIT 1), :initial) AS reached
    FROM {table} e) AS ends
WHERE state <> reached ORDER BY id"""
_ROWLESS: Final = """
SELECT DISTINCT t.entity_id AS id FROM transition t
WHERE t.machine = :machine AND NOT EXISTS (SELECT 1 FROM {table} e WHERE e.id = t.entity_id) ORDER BY t.entity_id"""
