"""The transitions: what happened, to what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from bot.domain.lifecycles import LIFECYCLES
from bot.store.bounded import bounded
from bot.store.read.reading import columns_of, pairs, read
from bot.store.tables.transition import TRANSITION


@dataclass(frozen=True, slots=True)
class TransitionRow:
    seq: int
    machine: str
    entity_id: str
    from_state: str
    to_state: str
    trigger: str
    actor: str
    reason: str
    evidence: str
    config_version: str | None
    event_at: datetime
    tick: int
    hash: str


def transitions_of(connection: Connection, ids: Sequence[str]) -> list[TransitionRow]:
    """Return every transition of some entities, oldest first."""
    table = TRANSITION
    known = [name for name in LIFECYCLES if name not in {"session", "connection"}]
    # Naming the machines lets the (machine, entity_id, seq) index find the rows.
    wanted = and_(table.c.machine.in_(known), table.c.entity_id.in_(list(ids)))
    return read(connection, TransitionRow, columns_of(TransitionRow, table).where(wanted).order_by(table.c.seq))


def latest_transitions(
    connection: Connection, limit: int, machine: str | None = None, but: Sequence[str] = ()
) -> list[TransitionRow]:
    """Return the latest transitions, newest first, of one machine or of all; `but`: of all except these."""
    table = TRANSITION
    query = columns_of(TransitionRow, table).order_by(table.c.seq.desc()).limit(limit)
    if machine is None and but:
        query = query.where(table.c.machine.not_in(list(but)))
    return read(connection, TransitionRow, query if machine is None else query.where(table.c.machine == machine))


def last_words(connection: Connection, machine: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the reason of each entity's latest transition."""
    table = TRANSITION
    newest = select(func.max(table.c.seq)).where(table.c.machine == machine, table.c.entity_id.in_(list(ids)))
    query = select(table.c.entity_id, bounded(table.c.reason)).where(
        table.c.seq.in_(newest.group_by(table.c.entity_id))
    )
    return pairs(connection, query)


def transition_count(connection: Connection) -> int:
    """Return the number of the newest transition: the chain is gapless from 1."""
    return int(connection.execute(select(func.max(TRANSITION.c.seq))).scalar() or 0)
