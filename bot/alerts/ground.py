"""What every task of the people's process stands on: settings, secrets, time, and its two ways to the store.

A task reads the store and inserts rows: into `inbound` what it has to tell (`tell`), into `command` what a person asks
(`ask`). It changes no state itself. Both run on a thread, so that no task waits for another one's disk.
"""

from __future__ import annotations

import asyncio
import secrets as entropy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.alerts.bell import Bell
from bot.alerts.chat_pace import ChatPace
from bot.clocks.clock import SystemClock
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.ids import ulid
from bot.engine.state.ports import Clock
from bot.store.database import open_reader
from bot.store.read.commands import insert_command
from bot.store.read.inbound import insert_inbound

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class PeopleGround:
    """One for the process. `source` is the name by which its rows in `inbound` are known; `bell` rings when the tick
    has written something that this process may wait for, `pace` counts what each chat got of late."""

    settings: Settings
    secrets: Secrets
    clock: Clock
    source: str = "people"
    bell: Bell = field(default_factory=Bell, compare=False)
    pace: ChatPace = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pace", ChatPace(self.settings.alerts.per_minute))

    @property
    def database_url(self) -> str:
        return self.settings.database.url

    async def look(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the answer to a question put to the store; raises StoreError where it cannot be read."""
        return await asyncio.to_thread(self._look, question)

    def _look(self, question: Callable[[Connection], Answer]) -> Answer:
        with open_reader(self.database_url) as connection:
            return question(connection)

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        """Insert a row into `inbound` and return its id; raises StoreError where the store does not take it."""
        now = self.clock.now()
        row_id = ulid(now, entropy.randbits(80))
        await asyncio.to_thread(insert_inbound, self.database_url, row_id, self.source, kind, payload, now)
        return row_id

    async def ask(self, kind: str, payload: Mapping[str, str], actor: str) -> str:
        """Insert a row into `command` for a person and return its id; raises StoreError as `tell`."""
        now = self.clock.now()
        row_id = ulid(now, entropy.randbits(80))
        wall = SystemClock().now()
        await asyncio.to_thread(insert_command, self.database_url, row_id, kind, payload, actor, now, wall)
        return row_id
