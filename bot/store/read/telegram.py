"""Updates of Telegram: taken up once each, under an id that their request keeps whatever ends in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreError
from bot.domain.outside import outside
from bot.store.database import reason_of, writer_engine
from bot.store.tables.command import COMMAND
from bot.store.tables.message import MESSAGE
from bot.store.tables.telegram_update import TELEGRAM_UPDATE
from bot.store.values import parse_json, time_text

_LONGEST = 200
_FEW = 9


@dataclass(frozen=True, slots=True)
class TakenUp:
    """An update that is to be handled now: `command_id` is its request's; `was_asked`: that request is in the store
    already, for the process ended right after it."""

    command_id: str
    was_asked: bool = False


def take_up(
    url: str, update_id: str, command_id: str, actor: str, words: str, at: datetime, *, acts: bool = True
) -> TakenUp | None:
    """Put an update on record and return what it is to be handled under; None: it was handled before. What only reads
    (`acts` False) counts as handled at once: nothing has to come of it. Raises StoreError where the store does not take
    it."""
    engine, table = writer_engine(url), TELEGRAM_UPDATE
    row = {
        "id": update_id, "command_id": command_id, "actor": outside(actor), "words": outside(words)[:_LONGEST],
        "state": "taken" if acts else "handled", "received_at": time_text(at),
    }  # fmt: skip
    try:
        with engine.begin() as connection:
            found = connection.execute(select(table.c.command_id, table.c.state).where(table.c.id == update_id)).first()
            if found is None:
                connection.execute(table.insert().values(**row))
                return TakenUp(command_id)
            if found.state == "handled":
                return None
            asked = connection.execute(select(COMMAND.c.id).where(COMMAND.c.id == found.command_id)).first()
            return TakenUp(str(found.command_id), asked is not None)
    except DBAPIError as error:
        raise StoreError(f"the store refuses the row: {reason_of(error)}") from error
    finally:
        engine.dispose()


def close_update(url: str, update_id: str) -> None:
    """Say that an update was handled; raises StoreError as `take_up`."""
    _write(url, update(TELEGRAM_UPDATE).where(TELEGRAM_UPDATE.c.id == update_id).values(state="handled"))


def forget_updates(url: str, before: datetime) -> None:
    """Take away what Telegram itself keeps no longer; raises StoreError as `take_up`."""
    _write(url, delete(TELEGRAM_UPDATE).where(TELEGRAM_UPDATE.c.received_at < time_text(before)))


def _write(url: str, statement: object) -> None:
    engine = writer_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # an update or a delete
    except DBAPIError as error:
        raise StoreError(f"the store refuses the row: {reason_of(error)}") from error
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class TelegramQuestion:
    """What a message asked about: the signal, and how often its terms had been changed when it asked; or an alert."""

    signal_id: str = ""
    edits: int = 0
    alert_id: str = ""


def asked_by_message(connection: Connection, external_id: str) -> TelegramQuestion | None:
    """Return what a message of Telegram (`chat:message`) asks by its newest text; None for one that asks nothing."""
    table = MESSAGE.c
    chosen = select(table.extra).where(table.channel == "telegram", table.external_id == external_id)
    for (text,) in connection.execute(chosen.order_by(table.id.desc()).limit(_FEW)):
        about = parse_json(text) or {}
        if about.get("signal") and about.get("approval"):
            return TelegramQuestion(str(about["signal"]), int(about.get("edits", 0)))
        alerts: list[str] = about.get("alert_ids") or []
        if len(alerts) == 1:
            return TelegramQuestion(alert_id=alerts[0])
    return None
