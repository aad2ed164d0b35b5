"""Messages that were handed to a channel and not answered yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, false, or_, select

from bot.store.read.reading import columns_of, read
from bot.store.tables.message import MESSAGE


@dataclass(frozen=True, slots=True)
class HandedRow:
    """A row in `sending`; `parent` is the channel's id of the message that it edits or answers; `extra` is JSON."""

    id: str
    tier: str
    channel: str
    kind: str
    target: str
    mode: str
    body: str
    extra: str
    dedupe_key: str
    attempts: int
    parent: str | None


def handed_over(connection: Connection, channels: Collection[str], most: int = 200) -> list[HandedRow]:
    """Return what some channels were handed and have not answered, the oldest first."""
    mine, parent = MESSAGE.alias("m"), MESSAGE.alias("p")
    chosen = (
        select(
            mine.c.id, mine.c.tier, mine.c.channel, mine.c.kind, mine.c.target, mine.c.mode, mine.c.body, mine.c.extra,
            mine.c.dedupe_key, mine.c.attempts, parent.c.external_id,
        )
        .select_from(mine.outerjoin(parent, parent.c.id == mine.c.parent_id))
        .where(mine.c.state == "sending", mine.c.channel.in_(sorted(channels)))
        .order_by(mine.c.sending_at, mine.c.id)
        .limit(most)
    )  # fmt: skip
    return [HandedRow(*row) for row in connection.execute(chosen)]


@dataclass(frozen=True, slots=True)
class MessageFate:
    """What became of a message."""

    id: str
    state: str
    external_id: str | None
    reason: str


def message_of(connection: Connection, draft_key: str) -> MessageFate | None:
    """Return the newest message that said something under this key of a draft, to whomever."""
    table = MESSAGE.c
    chosen = select(table.id, table.state, table.external_id, table.reason).where(
        table.dedupe_key.endswith(f":{draft_key}", autoescape=True)
    )
    row = connection.execute(chosen.order_by(table.id.desc()).limit(1)).first()
    return None if row is None else MessageFate(*row)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """Something said about a trade, or to be said."""

    id: str
    channel: str
    kind: str
    target: str
    state: str
    created_at: datetime
    sent_at: datetime | None
    body: str
    reason: str


def messages_about(
    connection: Connection, signal_id: str | None, position_id: str | None, most: int = 50
) -> list[MessageRow]:
    """Return what was said about a signal and its position, oldest first."""
    table = MESSAGE.c
    about = or_(
        table.position_id == position_id if position_id else false(),
        table.signal_id == signal_id if signal_id else false(),
    )
    query = columns_of(MessageRow, MESSAGE).where(about).order_by(table.created_at, table.id)
    return read(connection, MessageRow, query.limit(most))
