"""The engine's store: one transaction a tick, all of it or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.domain.calendar import new_york_day
from bot.domain.errors import CommitFailed, StoreError
from bot.domain.events.feeds import EndpointReported
from bot.domain.events.people import InboundReceived, RequestKind, RequestReceived, RequestUnreadable
from bot.domain.requests import Moment, age_s
from bot.engine.state.ports import Clock
from bot.engine.state.records import LoadedState, TickBatch
from bot.store.batch import chained, writes_of
from bot.store.bounded import MOST_PAYLOAD
from bot.store.chain import Head
from bot.store.configs import name_config, record_config
from bot.store.database import Lane, Result, Work, lane_for, reason_of
from bot.store.identity import claim, held_in
from bot.store.loading import load_state, queued_commands, queued_inbound
from bot.store.read.vendors import endpoint_days as days_of_endpoints
from bot.store.retention import Retention, thin_out
from bot.store.statements import HEAD_OF_CHAIN, Prepared, Write
from bot.store.trouble import UNREADABLE, damaged, unusable
from bot.store.values import parse_json, parse_time
from bot.store.written import Written

_SHORT: Final = 128
_LONG: Final = 200
_UNWRITABLE: Final = (TypeError, ValueError, ArithmeticError, AttributeError)


class SqlStore:
    """Implements `bot.engine.ports.Store`. One writer: a second one is found out by the chain, and its commit fails.

    `config_version` names the configuration in force; transitions point to its row.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        config_version: str | None = None,
        lane: Lane | None = None,
        wall: Callable[[], datetime] | None = None,
    ) -> None:
        self._wall = wall or clock.now
        self._left_over: frozenset[str] = frozenset()  # ids of requests that were there before this start
        self.config_version = config_version
        self._clock = clock
        self._lane = lane or lane_for(url)
        self._prepared: Prepared | None = None
        self._written = Written()
        self._head = Head()
        self._sure_of_head = False  # not before it was read, nor after a failed commit
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Read the end of the audit chain; raises StoreError when the store cannot be read."""
        version, now = self.config_version, self._clock.now()
        if version is not None:
            await self._ask(lambda connection: name_config(connection, version, now))
        await self._read_head()
        rows = await self._ask(queued_commands)
        self._left_over = frozenset(row["id"] for row in rows)

    async def close(self) -> None:
        """Give the connection back; the store's file is then whole by itself."""
        await self._lane.close()

    @property
    def head(self) -> Head:
        """The end of the audit chain: hash of its last row, and how many rows there are."""
        return self._head

    @property
    def head_hash(self) -> str:
        """The hash of the history's newest row."""
        return self._head.hash

    async def record_config(self, version: str, text: str) -> str:
        """Write that a configuration is in force from now on; transitions point to the id that is returned."""
        now = self._clock.now()
        self.config_version = await self._ask(lambda connection: record_config(connection, version, text, now))
        return self.config_version

    async def endpoint_days(self, now: datetime) -> list[EndpointReported]:
        """Return what the vendors' endpoints took this month and the day before it, for quotas and breakers."""
        since = new_york_day(now).replace(day=1) - timedelta(days=1)
        return await self._ask(lambda connection: days_of_endpoints(connection, since))

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
        self._written.forget()
        await self._read_head()
        try:
            return await self._ask(lambda connection: load_state(connection, now))
        except UNREADABLE as error:
            raise damaged(f"a value is not what this program writes: {error!r}") from error

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
                self._written.forget()
                await self._read_head(CommitFailed)
            self._sure_of_head = False  # until it is known that the commit happened
            writes, after = self._rows_of(batch)
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
            writes = writes_of(batch, self._written)
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

    @property
    def tells_news(self) -> bool:
        """Whether `has_news` knows, or has to answer that there may be some."""
        return self._lane.tells_news

    async def has_news(self) -> bool:
        """Say whether anybody else may have written a row since this was last asked; costs nearly nothing."""
        return await self._lane.has_news()

    async def pending_commands(self) -> Sequence[RequestReceived | RequestUnreadable]:
        """Return the requests that nobody answered yet, oldest first, with their age by the wall."""
        rows = await self._read(queued_commands)
        at, read_s = Moment(self._wall(), self._clock.now(), self._clock.speed), self._clock.monotonic()
        return [_request(row, at, read_s, left_over=row["id"] in self._left_over) for row in rows]

    async def pending_inbound(self) -> Sequence[InboundReceived]:
        """Return what other processes said and nobody took up yet, oldest first."""
        rows = await self._read(queued_inbound)
        return [_inbound(row, self._clock.now()) for row in rows]

    async def _ask(self, work: Work[Result]) -> Result:
        return await self._told(self._lane.run(work))

    async def _read(self, work: Work[Result]) -> Result:
        return await self._told(self._lane.read(work))

    async def _told(self, answer: Awaitable[Result]) -> Result:
        try:
            return await answer
        except SQLAlchemyError as error:
            raise unusable(error) or StoreError(f"the store cannot be read: {error}") from error


def _end_of_chain(connection: Connection) -> Head:
    row = connection.execute(HEAD_OF_CHAIN).first()
    return Head(row.hash, row.seq) if row else Head()


def _request(row: RowMapping, at: Moment, read_s: float, *, left_over: bool) -> RequestReceived | RequestUnreadable:
    """Read one row of `command`, of which outsiders write every column."""
    given_kind, actor = str(row["kind"])[:_SHORT], str(row["actor"])[:_SHORT]
    try:
        payload = _object(row["payload"])
        kind = RequestKind(given_kind)
        created_at, asked_at = _date("created_at", row["created_at"]), row["asked_at"]
        wall = None if asked_at is None else _date("asked_at", asked_at)
    except (ValueError, TypeError, RecursionError) as error:
        return RequestUnreadable(row["id"], given_kind, actor, str(error)[:_LONG])
    age = age_s(wall, created_at, at, left_over=left_over)
    return RequestReceived(row["id"], kind, payload, actor, created_at, age, read_s)


def _inbound(row: RowMapping, now: datetime) -> InboundReceived:
    source, kind = str(row["source"])[:_SHORT], str(row["kind"])[:_SHORT]
    try:
        payload, fault = _object(row["payload"]), ""
    except (ValueError, TypeError, RecursionError) as error:
        payload, fault = {}, str(error)[:_LONG]
    return InboundReceived(row["id"], source, kind, payload, now, fault)


def _object(text: object) -> dict[str, Any]:
    if len(str(text)) > MOST_PAYLOAD:
        raise ValueError(f"the payload has more than {MOST_PAYLOAD} characters")
    payload = parse_json(str(text))
    if not isinstance(payload, dict):
        raise ValueError("the payload is not a JSON object")
    return payload


def _date(name: str, given: object) -> datetime:
    """Return a date in UTC; raises ValueError that names the column for what is none."""
    try:
        return parse_time(str(given))
    except (ValueError, OverflowError):
        words = "is missing" if given in (None, "") else f"{str(given)[:_SHORT]!r} is no time"
        raise ValueError(f"{name} {words}") from None
