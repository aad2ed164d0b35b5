"""A store, and what others write into it: the real one on either of its lanes, and the tests' own."""

from __future__ import annotations

import json
import sqlite3
from abc import ABC, abstractmethod
from pathlib import Path

from bot.domain.errors import StoreUnusable
from bot.domain.events.people import InboundReceived, RequestReceived
from bot.engine.state.ports import Store
from bot.store.database import AsyncLane, ReplayLane, ThreadLane
from bot.store.sql_store import SqlStore
from tests.engine.fake_store import FakeStore
from tests.store.builders import FixedClock, a_batch, born

Triggers = list[tuple[str, str, str]]


class Site(ABC):
    """A store, and what others write into it."""

    store: Store

    def __init__(self) -> None:
        self.clock = FixedClock()

    @abstractmethod
    async def asks(self, command: RequestReceived) -> None:
        """A person writes a request."""

    @abstractmethod
    async def says(self, inbound: InboundReceived) -> None:
        """Another process of ours writes what it has to say."""

    @abstractmethod
    async def refuses_once(self) -> None:
        """The next commit does not go through."""

    @abstractmethod
    async def fill_the_disk(self) -> None:
        """Nothing more fits onto the disk from now on."""

    @abstractmethod
    async def make_room(self) -> None: ...

    @abstractmethod
    async def transitions(self) -> Triggers:
        """Return entity, trigger and actor of every transition, as they stand."""

    async def close(self) -> None:
        return


class Fake(Site):
    store: FakeStore

    def __init__(self) -> None:
        super().__init__()
        self.store = FakeStore(self.clock)

    async def asks(self, command: RequestReceived) -> None:
        self.store.commands.append(command)

    async def says(self, inbound: InboundReceived) -> None:
        self.store.inbound.append(inbound)

    async def refuses_once(self) -> None:
        self.store.fail_next = 1

    async def fill_the_disk(self) -> None:
        self.store.trouble = StoreUnusable("its disk is full", code="STORE_FULL", passes=True, exit_code=10)

    async def make_room(self) -> None:
        self.store.trouble = None

    async def transitions(self) -> Triggers:
        return [(row.entity_id, row.trigger, row.actor) for row in self.store.transitions]


class OnDisk(Site):
    store: SqlStore

    def __init__(self, path: Path, lane: type[ThreadLane | AsyncLane | ReplayLane]) -> None:
        super().__init__()
        self._path = path
        address = f"sqlite+aiosqlite:///{path}"
        self._lane = lane(address)
        self.store = SqlStore(address, self.clock, lane=self._lane)

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        with sqlite3.connect(self._path) as connection:
            connection.execute(sql, values)
        connection.close()

    async def asks(self, command: RequestReceived) -> None:
        row = (command.id, command.kind.value, json.dumps(dict(command.payload)), command.actor)
        self._write(
            "INSERT INTO command (id, kind, payload, actor, state, created_at, answer)"
            " VALUES (?, ?, ?, ?, 'queued', ?, '')",
            (*row, command.created_at.isoformat()),
        )

    async def says(self, inbound: InboundReceived) -> None:
        row = (inbound.id, inbound.source, inbound.kind, json.dumps(dict(inbound.payload)))
        self._write(
            "INSERT INTO inbound (id, source, kind, payload, state, received_at, answer)"
            " VALUES (?, ?, ?, ?, 'queued', ?, '')",
            (*row, inbound.received_at.isoformat()),
        )

    async def refuses_once(self) -> None:
        """Somebody else appends to the chain: the next row of ours would not fit onto its end."""
        other = SqlStore(f"sqlite+aiosqlite:///{self._path}", self.clock)
        await other.open()
        await other.commit(a_batch(1, transitions=[born("of-another", "pending")]))
        await other.close()

    async def fill_the_disk(self) -> None:
        await self._at_most_pages(1)

    async def make_room(self) -> None:
        await self._at_most_pages(1_000_000)

    async def _at_most_pages(self, count: int) -> None:
        await self._lane.run(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {count}").close())

    async def transitions(self) -> Triggers:
        with sqlite3.connect(self._path) as connection:
            found = connection.execute("SELECT entity_id, trigger, actor FROM transition ORDER BY seq").fetchall()
        connection.close()
        return [row for row in found if row[0] != "of-another"]

    async def close(self) -> None:
        await self.store.close()
