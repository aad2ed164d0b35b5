"""Giving a command: one row inserted, its id returned."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from bot.clocks.clock import SystemClock
from bot.domain.events.people import RequestKind
from bot.domain.ids import ulid
from bot.store import read as ask
from bot.web.store_reader import StoreReader


def give_command(reader: StoreReader, kind: RequestKind, payload: Mapping[str, str], actor: str) -> str:
    """Insert a command row and return its id; raises StoreError when the store does not take it."""
    now = reader.clock.now()
    command_id = ulid(now, secrets.randbits(80))
    ask.insert_command(reader.place.database_url, command_id, kind.value, payload, actor, now, SystemClock().now())
    return command_id
