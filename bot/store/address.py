"""Addresses of the store: what `database.url` may be, and the forms of it that other drivers need."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.domain.errors import StoreError
from bot.domain.outside import redact

# Alembic, page and command line read without an event loop.
_SYNC_DRIVER: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def parse(url: str) -> URL:
    """Return a parsed address; raises StoreError in words when it is none that the store knows."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        words = f"database.url {redact(url)!r} is not an address"
        raise StoreError(f"{words}; use sqlite+aiosqlite:///path/to/file.db") from error
    if parsed.get_backend_name() not in _SYNC_DRIVER:
        raise StoreError(f"database.url names {parsed.get_backend_name()!r}; the store knows sqlite and postgresql")
    return parsed


def is_sqlite(url: str) -> bool:
    return parse(url).get_backend_name() == "sqlite"


def sync_url(url: str) -> URL:
    """Return the address for a driver without an event loop."""
    parsed = parse(url)
    return parsed.set(drivername=_SYNC_DRIVER[parsed.get_backend_name()])


def sqlite_path(url: str) -> Path:
    """Return the file of a SQLite store; raises StoreError for any other kind and for `:memory:`, which no process
    can share.
    """
    database = parse(url).database
    if not is_sqlite(url) or not database or database == ":memory:":
        raise StoreError(f"{redact(url)} is not a SQLite file")
    return Path(database)
