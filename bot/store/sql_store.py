"""The engine's store: one transaction a tick, all of it or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.domain.errors import CommitFailed, StoreError
from bot.domain.events import CommandKind, CommandReceived
from bot.domain.outside import outside
from bot.engine.state.ports import Clock
from bot.engine.state.records import LoadedState, TickBatch
from bot.store.batch import Write, chained, writes_of
from bot.store.chain import Head
from bot.store.configs import name_config, record_config
from bot.store.database import Lane, Result, Work, lane_for, reason_of
from bot.store.identity import claim, held_in
from bot.store.loading import load_state, queued_commands
from bot.store.retention import Retention, thin_out
from bot.store.schema import COMMAND
from bot.store.statements import HEAD_OF_CHAIN, Prepared
from bot.store.trouble import unusable
from bot.store.values import parse_json, parse_time, time_text

_UNWRITABLE: Final = (TypeError, ValueError, ArithmeticError, AttributeError)


class SqlStore:
    """Implements `bot.engine.ports.Store`. One writer: a second one is found out by the chain, and its commit fails.

    `config_version` names the configuration in force; transitions point to its row.
    """

    def __init__(self, url: str, clock: Clock, config_version: str | None = None, lane: Lane | None = None) -> None:
        self.config_version = config_version
        self._clock = clock
        self._lane = lane or lane_for(url)
        self._prepared: Prepared | None = None
        self._head = Head()
        self._sure_of_head = False  # not before it was read, nor after a failed commit
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Read the end of the audit chain; raises StoreError when the store cannot be read."""
        version, now = self.config_version, self._clock.now()
        if version is not None:
            await self._ask(lambda connection: name_config(connection, version, now))
        await self._read_head()

    async def close(self) -> None:
        """Give the connection back; the store's file is then whole by itself."""
        await self._lane.close()

    @property
    def head(self) -> Head:
        """The end of the audit chain: hash of its last row, and how many rows there are."""
        return self._head

    async def record_config(self, version: str, text: str) -> str:
        """Write that a configuration is in force from now on; transitions point to the id that is returned."""
        now = self._clock.now()
        self.config_version = await self._ask(lambda connection: record_config(connection, version, text, now))
        return self.config_version

    async def claim(self, bot_id: str, client_id: int) -> None:
        """Take the store for a bot and client id; raises ConfigError while what lives in it is another one's."""
        now = self._clock.now()
        await self._ask(lambda connection: claim(connection, bot_id, client_id, now))

    async def held_in(self, account: str) -> str:
        """Return the account that what is open is held in, empty while nothing is; raises ConfigError when `account`
        (empty: none is configured) is another one."""
        return await self._ask(lambda connection: held_in(connection, account))

    async def load(self) -> LoadedState:
        """Return everything that is alive; raises StoreError when the store cannot be read."""
        now = self._clock.now()
        await self._read_head()
        return await self._ask(lambda connection: load_state(connection, now))

    async def thin_out(self, keep: Retention, now: datetime) -> int:
        """Remove a few rows of what is no history and older than is kept; return how many, 0 when none is left."""
        async with self._turn:
            return await self._ask(lambda connection: thin_out(connection, keep, now))

    async def commit(self, batch: TickBatch) -> None:
        """Write a whole tick durably; raises CommitFailed (StoreUnusable: disk or file is in trouble), and
        then nothing of it is there."""
        if batch.is_empty:
            return
        async with self._turn:
            if not self._sure_of_head:
                await self._read_head(CommitFailed)
            writes, after = self._rows_of(batch)
            self._sure_of_head = False  # until it is known that the commit happened
            try:
                await self._lane.run(lambda connection: self._write(connection, writes))
            except DBAPIError as error:
                raise unusable(error) or CommitFailed(
                    f"tick {batch.tick} was not written: {reason_of(error)}"
                ) from error
            except SQLAlchemyError as error:
                raise CommitFailed(f"tick {batch.tick} was not written: {error}") from error
            self._head, self._sure_of_head = after, True

    def _rows_of(self, batch: TickBatch) -> tuple[list[Write], Head]:
        try:
            writes = writes_of(batch)
            rows, after = chained(
                batch.transitions,
                self._head,
                tick=batch.tick,
                recorded_at=batch.recorded_at,
                config_version=self.config_version,
            )
        except _UNWRITABLE as error:
            raise CommitFailed(f"tick {batch.tick} holds what cannot be written: {error}") from error
        if rows:
            writes.append(("transition", rows))
        return writes, after

    def _write(self, connection: Connection, writes: Sequence[Write]) -> None:
        if self._prepared is None:
            self._prepared = Prepared(connection.dialect)
        for name, rows in writes:
            self._prepared.run(connection, name, rows)

    async def _read_head(self, failure: type[StoreError] = StoreError) -> None:
        try:
            self._head = await self._lane.run(_end_of_chain)
        except SQLAlchemyError as error:
            raise unusable(error) or failure(f"the end of the audit chain cannot be read: {error}") from error
        self._sure_of_head = True

    async def pending_commands(self) -> Sequence[CommandReceived]:
        """Return the commands that nobody handled yet, oldest first; a row that makes no sense is refused on the
        spot.
        """
        now = self._clock.now()
        return await self._ask(lambda connection: _pending(connection, now))

    async def _ask(self, work: Work[Result]) -> Result:
        try:
            return await self._lane.run(work)
        except SQLAlchemyError as error:
            raise unusable(error) or StoreError(f"the store cannot be read: {error}") from error


def _end_of_chain(connection: Connection) -> Head:
    row = connection.execute(HEAD_OF_CHAIN).first()
    return Head(row.hash, row.seq) if row else Head()


def _pending(connection: Connection, now: datetime) -> list[CommandReceived]:
    found = []
    for row in queued_commands(connection):
        try:
            payload = parse_json(row["payload"])
            if not isinstance(payload, dict):
                raise ValueError("the payload is not a JSON object")
            kind, created_at = CommandKind(row["kind"]), parse_time(row["created_at"])
        except ValueError as error:
            _refuse(connection, row["id"], str(error), now)
            continue
        found.append(CommandReceived(row["id"], kind, payload, row["actor"], created_at))
    return found


def _refuse(connection: Connection, command_id: str, why: str, now: datetime) -> None:
    answer = f"not understood: {outside(why)}"
    values = {"state": "refused", "answer": answer, "handled_at": time_text(now)}
    connection.execute(update(COMMAND).where(COMMAND.c.id == command_id).values(**values))
