"""What persons did and tried: requests by actor, and attempts that were refused before any request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from bot.store.read.commands import RequestRow
from bot.store.read.reading import columns_of, read
from bot.store.tables.command import COMMAND
from bot.store.tables.transition import TRANSITION
from bot.store.values import parse_time

_PERSON = "admin:%"


@dataclass(frozen=True, slots=True)
class Deeds:
    """Of one actor: requests that were carried out and refused, what was refused at a door, and when the last was."""

    actor: str
    done: int
    refused: int
    last_at: datetime


def deeds(connection: Connection) -> dict[str, Deeds]:
    """Return what each actor did, persons of the page and of Telegram, strangers too; `refused` counts each once."""
    asked, tried = COMMAND.c, TRANSITION.c
    refused = func.sum(case((asked.state == "refused", 1), else_=0))
    done = func.sum(case((asked.state == "done", 1), else_=0))
    query = select(asked.actor, done, refused, func.max(asked.created_at)).group_by(asked.actor)
    found = {
        actor: Deeds(actor, int(well), int(no), parse_time(last))
        for actor, well, no, last in connection.execute(query.where(asked.actor.like(_PERSON)))
    }
    is_asked = select(asked.id)
    door = (
        select(tried.actor, func.count(), func.max(tried.event_at))
        .where(tried.actor.like(_PERSON), tried.machine == "request", tried.entity_id.not_in(is_asked))
        .group_by(tried.actor)
    )
    for actor, count, last in connection.execute(door):
        before = found.get(actor, Deeds(actor, 0, 0, parse_time(last)))
        newest = max(before.last_at, parse_time(last))
        found[actor] = Deeds(actor, before.done, before.refused + int(count), newest)
    return found


def refused_requests(connection: Connection, most: int = 30) -> list[RequestRow]:
    """Return the latest requests that were refused, the newest first."""
    table = COMMAND.c
    query = columns_of(RequestRow, COMMAND).where(table.state == "refused")
    return read(connection, RequestRow, query.order_by(table.id.desc()).limit(most))
