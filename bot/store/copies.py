"""Files of SQLite stores: copied as of one moment, checked, put in each other's place. No file is ever half there under
its name.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from bot.domain.errors import StoreError
from bot.store.trouble import damaged, unusable

_SIDE_FILES: Final = ("-wal", "-shm")


def copy(source: Path, to: Path) -> None:
    """Copy a store as of one moment, whatever its writer does meanwhile; the copy is one file that stands alone."""
    remove(to)
    try:
        address = f"{source.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as old, closing(sqlite3.connect(to)) as new:
            # In one step: SQLite begins anew whenever the writer committed between two, and a bot always commits.
            old.backup(new, pages=-1)
            # A file in WAL mode wants side files even to be read; a copy stands alone.
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied to {to}: {error}") from error


def refuse_damaged(path: Path) -> None:
    """Raise StoreError when the file is no database, or one whose pages, indexes or references are broken."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            wrong = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is not a store: {error}") from error
    if verdict != "ok" or wrong is not None:
        raise StoreError(f"{path} is damaged: {verdict if verdict != 'ok' else f'dangling row in {wrong[0]}'}")


def refuse_corrupt(path: Path) -> None:
    """Raise StoreUnusable, with the way to a backup, when the store in use has broken pages; quicker than
    `refuse_damaged`, for a start.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise unusable(error) or StoreError(f"{path} cannot be read: {error}") from error
    if verdict != "ok":
        raise damaged(str(verdict))


def row_counts(path: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        names = [row[0] for row in found]
        # Names come from the database itself.
        return {name: connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def swap(new: Path, old: Path) -> None:
    """Put `new` under the name of `old` in one step. Nobody may have either open.

    The old store's write-ahead log is taken in and emptied first: one that stayed behind would be read into the new
    file. Raises StoreError, and then `old` is what it was.
    """
    _empty_log(old)
    settle(new)
    for ending in _SIDE_FILES:
        new.with_name(new.name + ending).unlink(missing_ok=True)
    new.replace(old)
    for ending in _SIDE_FILES:
        old.with_name(old.name + ending).unlink(missing_ok=True)
    settle(old.parent)


def _empty_log(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be replaced: {error}") from error
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(f"{path} cannot be replaced: it is in use; stop the bot first")


def refuse_in_use(target: Path) -> None:
    """Raise StoreError when another connection holds the store."""
    with closing(sqlite3.connect(target, timeout=0.2, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise StoreError(f"{target} is in use ({error}): stop the bot first") from error
        except sqlite3.DatabaseError:
            return  # not a database at all: nothing of it can be lost that is not lost already


def set_aside(target: Path) -> None:
    """Keep the store that was there, its write-ahead log taken in."""
    with contextlib.suppress(sqlite3.DatabaseError), closing(sqlite3.connect(target)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    target.replace(target.with_name(target.name + ".replaced"))


def put_in_place(new: Path, target: Path) -> None:
    """Give a whole file the store's name. Side files of a store that was there would be read into the new one."""
    settle(new)
    for ending in _SIDE_FILES:
        target.with_name(target.name + ending).unlink(missing_ok=True)
    new.replace(target)
    settle(target.parent)


def settle(path: Path) -> None:
    """Have the file on the disk before it takes the store's name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a store's file and what SQLite keeps beside it."""
    for name in (path.name, *(path.name + ending for ending in (*_SIDE_FILES, "-journal"))):
        path.with_name(name).unlink(missing_ok=True)
