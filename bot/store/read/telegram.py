"""Updates of Telegram: each is handled once, whatever ends in between; and what a message of ours asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreError
from bot.domain.outside import outside
from bot.store.database import inserting_engine, reason_of
from bot.store.read.commands import not_asked
from bot.store.tables.command import COMMAND
from bot.store.tables.inbound import INBOUND
from bot.store.tables.message import MESSAGE
from bot.store.tables.telegram_update import TELEGRAM_UPDATE
from bot.store.values import parse_json, parse_time, time_text

_LONGEST = 200
_FEW = 9
_UNANSWERED_MOST = 100


@dataclass(frozen=True, slots=True)
class UpdateMark:
    """One update of Telegram: `command_id` is the id of its request, where it makes one; `words` what it was; `chat` is
    where its answer goes."""

    id: str
    command_id: str
    actor: str
    words: str
    at: datetime
    chat: int = 0


@dataclass(frozen=True, slots=True)
class HandledUpdate:
    """An update that was handled before; `command_id` is empty where no request came of it, or
    where its answer was told."""

    command_id: str = ""


def handled_update(connection: Connection, update_id: str) -> HandledUpdate | None:
    """Return what became of an update, None for one that was not handled."""
    table = TELEGRAM_UPDATE.c
    chosen = select(table.command_id, table.answered_at).where(table.id == update_id, table.state == "handled")
    found = connection.execute(chosen).first()
    if found is None:
        return None
    if found.answered_at is not None:
        return HandledUpdate()
    asked = connection.execute(select(COMMAND.c.id).where(COMMAND.c.id == found.command_id)).scalar()
    return HandledUpdate(str(asked or ""))


def close_update(
    url: str, mark: UpdateMark, *, request: Mapping[str, str] | None = None, told: Mapping[str, str] | None = None
) -> bool:
    """Say that an update was handled, and with it, in one transaction, what came of it: the row of a request or of what
    is told. False, and nothing is written: it was handled before. Raises StoreError where the store does not take
    it."""
    engine, table = inserting_engine(url), TELEGRAM_UPDATE
    row = {
        "id": mark.id, "command_id": mark.command_id, "actor": outside(mark.actor),
        "words": outside(mark.words)[:_LONGEST], "state": "handled", "received_at": time_text(mark.at),
        "chat": str(mark.chat),
    }  # fmt: skip
    try:
        with engine.begin() as connection:
            before = connection.execute(select(table.c.state).where(table.c.id == mark.id)).scalar()
            if before == "handled":
                return False
            if before is not None:  # by an earlier version, which ended in the midst of it
                connection.execute(delete(table).where(table.c.id == mark.id))
            connection.execute(table.insert().values(**row))
            if request is not None:
                connection.execute(COMMAND.insert().values(**request))
            if told is not None:
                connection.execute(INBOUND.insert().values(**told))
    except DBAPIError as error:
        raise not_asked(error) from error
    return True


def unanswered(connection: Connection, since: datetime) -> list[UpdateMark]:
    """Return the updates whose request is on record and whose answer, as far as anybody knows, was never told."""
    table = TELEGRAM_UPDATE.c
    chosen = (
        select(table.id, table.command_id, table.actor, table.words, table.received_at, table.chat)
        .join(COMMAND, COMMAND.c.id == table.command_id)
        .where(table.answered_at.is_(None), table.chat.is_not(None), table.received_at >= time_text(since))
        .order_by(table.received_at)
        .limit(_UNANSWERED_MOST)
    )
    return [
        UpdateMark(row.id, row.command_id, row.actor, row.words, parse_time(str(row.received_at)), int(row.chat))
        for row in connection.execute(chosen)
    ]


def mark_answered(url: str, update_id: str, at: datetime) -> None:
    """Put on record that what came of an update's request was told; raises StoreError as `close_update`."""
    table = TELEGRAM_UPDATE
    try:
        with inserting_engine(url).begin() as connection:
            connection.execute(update(table).where(table.c.id == update_id).values(answered_at=time_text(at)))
    except DBAPIError as error:
        raise not_asked(error) from error


def forget_updates(url: str, before: datetime) -> None:
    """Take away what Telegram itself keeps no longer; raises StoreError as `close_update`."""
    engine = inserting_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(delete(TELEGRAM_UPDATE).where(TELEGRAM_UPDATE.c.received_at < time_text(before)))
    except DBAPIError as error:
        raise StoreError(f"the store refuses the row: {reason_of(error)}") from error


@dataclass(frozen=True, slots=True)
class TelegramQuestion:
    """What a message asked about: the signal, and how often its terms had been changed when it asked; or an
    alert, or a report."""

    signal_id: str = ""
    edits: int = 0
    alert_id: str = ""
    report_id: str = ""


def asked_by_message(connection: Connection, external_id: str) -> TelegramQuestion | None:
    """Return what a message of Telegram (`chat:message`) asks by its newest text; None for one that asks nothing."""
    table = MESSAGE.c
    chosen = select(table.extra).where(table.channel == "telegram", table.external_id == external_id)
    for (text,) in connection.execute(chosen.order_by(table.id.desc()).limit(_FEW)):
        about = parse_json(text) or {}
        if about.get("signal") and about.get("approval"):
            return TelegramQuestion(str(about["signal"]), int(about.get("edits", 0)))
        if about.get("report"):
            return TelegramQuestion(edits=int(about.get("edits", 0)), report_id=str(about["report"]))
        alerts: list[str] = about.get("alert_ids") or []
        if len(alerts) == 1:
            return TelegramQuestion(alert_id=alerts[0])
    return None


def has_telegram_under_way(connection: Connection) -> bool:
    """Say whether a message was handed to Telegram whose answer is not on record yet."""
    table = MESSAGE.c
    chosen = select(table.id).where(table.channel == "telegram", table.state == "sending").limit(1)
    return connection.execute(chosen).first() is not None


def answers_to_strangers(connection: Connection, since: datetime) -> list[datetime]:
    """Return when strangers were answered, oldest first."""
    table = INBOUND.c
    chosen = select(table.received_at).where(
        table.kind == "attempt", table.received_at >= time_text(since), table.payload.contains('"answered":true')
    )
    return [parse_time(str(at)) for (at,) in connection.execute(chosen.order_by(table.received_at))]
