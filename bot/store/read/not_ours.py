"""What is at the broker and not ours: shown to people, never managed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection

from bot.domain.adoption import Adoption, AdoptionState
from bot.domain.calendar import NEW_YORK
from bot.domain.money import from_units
from bot.domain.wording import key_words
from bot.store.bounded import whole_rows
from bot.store.read import reconciliations, running
from bot.store.tables.execution import EXECUTION
from bot.store.values import parse_time, time_text


@dataclass(frozen=True, slots=True)
class NotOurs:
    """One order that is live, one holding, or one execution of the day, of somebody else in our account. `adopt`: the
    key by which a person may have it taken over; `decline`: the key by which one may say no to that."""

    what: str
    key: str
    words: str
    at: datetime
    adopt: str = ""
    decline: str = ""


def not_ours(connection: Connection, day: date) -> Sequence[NotOurs]:
    """Return other people's live orders and holdings as the last whole comparison saw them, and their executions since
    midnight in New York, newest first."""
    last = reconciliations.latest(connection, complete=True)
    lines = last.not_ours if last is not None else ()
    there = [NotOurs(line.subject, line.key, line.broker, last.at) for line in lines if last is not None]
    return [*_asked(connection), *there, *_executions(connection, day)]


def _asked(connection: Connection) -> list[NotOurs]:
    """What waits for a person, with how to answer, and what a person answered."""
    found = []
    for row in running.adoptions_asked(connection):
        held, state = Adoption(row.id, quantity=row.quantity, why=row.why), AdoptionState(row.state)
        is_asked, is_declined = state is AdoptionState.ASKED, state is AdoptionState.DECLINED
        said = f"declined by {row.answered_by}: left alone" if is_declined else f"allowed by {row.answered_by}"
        words = f"{held.words} {f'waits for a person: {held.how_to_answer}' if is_asked else said}"
        at = row.asked_at or row.answered_at or datetime.min.replace(tzinfo=UTC)
        may_adopt, may_decline = held.name if is_asked or is_declined else "", held.name if is_asked else ""
        found.append(NotOurs("holding", row.id, words, at, may_adopt, may_decline))
    return found


def _executions(connection: Connection, day: date) -> list[NotOurs]:
    """An execution that no order of ours explains."""
    fill = EXECUTION.c
    midnight = time_text(datetime.combine(day, time(), NEW_YORK))
    of_others = fill.order_id.is_(None) & (fill.executed_at >= midnight)
    query = whole_rows(EXECUTION).where(of_others).order_by(fill.executed_at.desc(), fill.exec_id)
    found = []
    for row in connection.execute(query).mappings():
        what = f"{row['side']} {row['quantity']} {key_words(row['contract_key'], day)} at {from_units(row['price'])}"
        ref = f", reference {row['order_ref']}" if row["order_ref"] else ""
        words = f"{what}, client {row['client_id']}{ref}"
        found.append(NotOurs("execution", row["exec_id"], words, parse_time(row["executed_at"])))
    return found
