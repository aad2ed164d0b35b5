"""Giving a command: one row inserted, its id returned."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreError
from bot.domain.events import CommandKind
from bot.domain.ids import ulid
from bot.store import page_queries as ask
from bot.store.database import reason_of
from bot.web.window import Window


def give_command(window: Window, kind: CommandKind, payload: Mapping[str, str], actor: str) -> str:
    """Insert a command row and return its id; raises StoreError when the store does not take it."""
    now = window.clock.now()
    command_id = ulid(now, secrets.randbits(80))
    try:
        ask.insert_command(window.place.database_url, command_id, kind.value, payload, actor, now)
    except DBAPIError as error:
        raise StoreError(reason_of(error)) from error
    return command_id
