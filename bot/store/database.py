"""Connections: the writer's lane, a reader's connection, and what every SQLite connection is told first.

Context: a tick's transaction is a handful of statements. Through aiosqlite each one costs three or four hops between
the event loop and aiosqlite's thread (cursor, execute, close), and every hop waits behind whatever the loop is parsing.
Decision: the engine's unit of work is one function of a SQLAlchemy connection. On SQLite it runs whole on one thread
that owns the writer's connection: one hop a tick. Elsewhere it runs through the async engine's `run_sync`, hop by hop.
Consequence: the same function serves both, a commit on SQLite costs its fsync and little more, and the loop never
blocks. A replay, which nothing waits for, has it run in the loop's own thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bot.domain.errors import StoreError
from bot.store.address import is_sqlite, parse, sqlite_path, sync_url
from bot.store.trouble import unusable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_READING: Final = "reading"
"""What a connection's next transaction is for, kept beside it."""
Result = TypeVar("Result")
Work = Callable[[Connection], Result]

BUSY_TIMEOUT_MS: Final = 5000
LOG_KEPT_BYTES: Final = 64 * 2**20
WRITER_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a committed tick survives a power cut
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    f"PRAGMA journal_size_limit={LOG_KEPT_BYTES}",  # a log that one long reader let grow does not stay that large
)
REPLAY_PRAGMAS: Final = tuple(each.replace("synchronous=FULL", "synchronous=NORMAL") for each in WRITER_PRAGMAS)
READER_PRAGMAS: Final = (
    "PRAGMA query_only=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA schema_version",  # read now, so that a file which is no database is found here
)


class Lane(Protocol):
    """Where the writer's work runs: one transaction after the other, never two at once."""

    dialect_name: str
    tells_news: bool

    async def run(self, work: Work[Result]) -> Result:
        """Run `work` in one transaction and return what it returns; anything that it raises rolls everything back."""
        ...

    async def read(self, work: Work[Result]) -> Result:
        """Run `work`, which only reads: it waits for nobody who writes."""
        ...

    async def has_news(self) -> bool:
        """Say whether anybody else may have written since this was last asked; cheap enough to ask all the time."""
        ...

    async def close(self) -> None: ...


class OneConnection:
    """SQLite: the one connection that writes, on the thread where it is asked."""

    def __init__(self, url: str, pragmas: Sequence[str] | None = None) -> None:
        self._engine = writer_engine(url, pragmas)
        self._connection: Connection | None = None
        self._data_version = -1

    def others_wrote(self) -> bool:
        """Say whether anybody else may have written since this was last asked: the file counts the commits of others,
        seen from this connection; it takes no lock to ask."""
        if self._connection is None:
            return True
        before = self._data_version
        driver: Any = self._connection.connection.driver_connection
        try:
            (self._data_version,) = driver.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:  # who reads then is told what the trouble is
            self._data_version = -1
            return True
        return before != self._data_version

    def transact(self, work: Work[Result], reading: bool) -> Result:
        """Run `work` in one transaction."""
        if self._connection is None:
            self._connection = self._engine.connect()
        self._connection.info[_READING] = reading
        try:
            with self._connection.begin():
                return work(self._connection)
        except DBAPIError:
            self._drop()
            raise

    def _drop(self) -> None:
        """After a failure the next transaction gets a connection of its own: the disk may be another one by then."""
        connection, self._connection = self._connection, None
        self._data_version = -1
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def dispose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()


class ThreadLane:
    """SQLite: one connection, one thread, one hop a transaction."""

    dialect_name = "sqlite"
    tells_news = True

    def __init__(self, url: str) -> None:
        self._one = OneConnection(url)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._closed = False

    async def has_news(self) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._one.others_wrote)

    async def run(self, work: Work[Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._one.transact, work, False)

    async def read(self, work: Work[Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._one.transact, work, True)

    async def close(self) -> None:
        """Close the connection; closing twice does nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._one.dispose)
            self._thread.shutdown()


class ReplayLane:
    """SQLite under a replay, where time stands still while the store writes: in the loop's own thread, without a hop,
    and without waiting for the disk. The process may die at any line and the file is whole; a power cut may take the
    last transactions, and the day is played again."""

    dialect_name = "sqlite"
    tells_news = True

    def __init__(self, url: str) -> None:
        self._one = OneConnection(url, REPLAY_PRAGMAS)

    async def has_news(self) -> bool:
        return self._one.others_wrote()

    async def run(self, work: Work[Result]) -> Result:
        return self._one.transact(work, False)

    async def read(self, work: Work[Result]) -> Result:
        return self._one.transact(work, True)

    async def close(self) -> None:
        """Close the connection; closing twice does nothing."""
        self._one.dispose()


class AsyncLane:
    """Any async driver of SQLAlchemy (asyncpg, psycopg, aiosqlite): the same work, one wait a statement."""

    tells_news = False

    def __init__(self, url: str) -> None:
        self._engine = async_writer_engine(url)
        self._turn = asyncio.Lock()
        self.dialect_name = self._engine.dialect.name

    async def run(self, work: Work[Result]) -> Result:
        async with self._turn, self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Work[Result]) -> Result:
        return await self.run(work)

    async def has_news(self) -> bool:
        """A server does not say."""
        return True

    async def close(self) -> None:
        await self._engine.dispose()


def lane_for(url: str) -> Lane:
    """Return the writer's lane for an address."""
    return ThreadLane(url) if is_sqlite(url) else AsyncLane(url)


def replay_lane_for(url: str) -> Lane:
    """Return the lane of a replay's own store."""
    return ReplayLane(url) if is_sqlite(url) else AsyncLane(url)


def writer_engine(url: str, pragmas: Sequence[str] | None = None) -> Engine:
    """Return a synchronous engine that may write: the store's own connection, commands from page and command line,
    migrations. `pragmas`: what SQLite is told first with each connection; None: what the writer is.
    """
    engine = create_engine(sync_url(url), poolclass=NullPool)
    if is_sqlite(url):
        _prepare_sqlite(engine, pragmas)
    return engine


@lru_cache(maxsize=8)
def inserting_engine(url: str) -> Engine:
    """Return the engine by which this process inserts rows now and then: kept, for what it has compiled; it holds no
    connection between two of them."""
    return writer_engine(url)


def async_writer_engine(url: str) -> AsyncEngine:
    from sqlalchemy.ext.asyncio import create_async_engine  # not needed on SQLite, and large

    engine = create_async_engine(parse(url))
    if is_sqlite(url):
        _prepare_sqlite(engine.sync_engine)
    return engine


def _prepare_sqlite(engine: Engine, pragmas: Sequence[str] | None = None) -> None:
    """Set the pragmas and take transactions into our own hands: IMMEDIATE, so that two writers queue instead of
    failing late.
    """
    event.listen(engine, "connect", partial(_on_connect, pragmas))
    event.listen(engine, "begin", _begin_immediate)


NO_TEXT: Final = "\ufffd"
"""In place of bytes that no text has."""


def _text(stored: bytes) -> str:
    """Read a text as far as it is one: whoever can write the file can put bytes into it that no text has, and one such
    row must not keep all others from being read. What was replaced breaks the audit chain's hashes, as it should."""
    return stored.decode("utf-8", "replace")


def _on_connect(pragmas: Sequence[str] | None, connection: Any, _record: object) -> None:
    getattr(connection, "driver_connection", connection).text_factory = _text  # the driver's, beneath the async one
    connection.isolation_level = None  # the driver's implicit BEGIN is deferred; ours is not
    with closing(connection.cursor()) as cursor:
        for pragma in WRITER_PRAGMAS if pragmas is None else pragmas:
            cursor.execute(pragma)


def _begin_immediate(connection: Connection) -> None:
    begin = "BEGIN" if connection.info.get(_READING) else "BEGIN IMMEDIATE"
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        connection.exec_driver_sql(begin)
        return
    try:
        driver.execute(begin)
    except sqlite3.Error as error:
        raise DBAPIError.instance(begin, None, error, sqlite3.Error, dialect=connection.dialect) from error


@lru_cache(maxsize=8)
def _reader_engine(url: str) -> Engine:
    if not is_sqlite(url):
        engine = create_engine(sync_url(url), poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("SET TRANSACTION READ ONLY"))
        return engine
    path = sqlite_path(url)
    return create_engine(URL.create("sqlite"), creator=lambda: _connect_read_only(str(path)), poolclass=NullPool)


def _connect_read_only(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, check_same_thread=False)
    connection.text_factory = _text
    for pragma in READER_PRAGMAS:
        connection.execute(pragma)
    return connection


def open_reader(url: str) -> Connection:
    """Return a connection that cannot write (a context manager); raises StoreError when there is no store to read."""
    try:
        return _reader_engine(url).connect()
    except DBAPIError as error:
        missing = is_sqlite(url) and not sqlite_path(url).exists()
        raise (None if missing else unusable(error)) or StoreError(
            f"cannot read the store at {url}: {error.orig}; create it with `python run.py db upgrade`"
        ) from error


def reason_of(error: DBAPIError) -> str:
    """Return the driver's own words, without the statement and its parameters."""
    return f"{type(error.orig).__name__}: {error.orig}"
