"""What can befall the store's disk and file, in one table: what it is called, what to do, whether waiting helps.

The number is the primary result code of SQLite (sqlite.org/rescode.html); the extended codes keep it in their low byte.
Each trouble has an exit code of its own, so that whoever starts the bot again can tell a disk that fills up from a
file that is broken.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bot.domain.errors import StoreUnusable

RESTORE: Final = (
    "stop the bot, list the backups with `python run.py db backups`, put one back with `python run.py db restore FILE "
    "--force` and start: the start compares the book with the broker's"
)


@dataclass(frozen=True, slots=True)
class Remedy:
    """One kind of trouble; `passes` says whether the bot waits for its end or ends itself."""

    code: str
    what: str
    do: str
    passes: bool
    exit_code: int


_READ_ONLY: Final = Remedy(
    "STORE_READ_ONLY",
    "the store cannot be written: its disk or file is read-only",
    "mount the disk writable and give the store's file and directory to the bot's user; if the kernel made the disk "
    "read-only, check it (fsck) first",
    True,
    11,
)
_BUSY: Final = Remedy(
    "STORE_LOCKED",
    "the store is locked by another program",
    "end the program that holds it open for writing (`fuser -v FILE` names it)",
    True,
    12,
)
_IO: Final = Remedy(
    "STORE_IO_ERROR",
    "the disk of the store does not read or write",
    "look at the system's log for disk errors, check quota and mount; move the store to a sound disk if it stays so",
    True,
    13,
)
_CORRUPT: Final = Remedy("STORE_CORRUPT", "the store is damaged", RESTORE, False, 14)

SQLITE: Final[Mapping[int, Remedy]] = MappingProxyType(
    {
        13: Remedy(  # SQLITE_FULL
            "STORE_FULL",
            "the store cannot be written: its disk is full",
            "free space on the disk that holds database.url (old backups, logs, files that end in .replaced or "
            "contain .aside-)",
            True,
            10,
        ),
        8: _READ_ONLY,  # SQLITE_READONLY
        3: _READ_ONLY,  # SQLITE_PERM
        5: _BUSY,  # SQLITE_BUSY
        6: _BUSY,  # SQLITE_LOCKED
        10: _IO,  # SQLITE_IOERR
        14: _IO,  # SQLITE_CANTOPEN: the directory is gone or may not be entered
        11: _CORRUPT,  # SQLITE_CORRUPT
        26: _CORRUPT,  # SQLITE_NOTADB
    }
)

_ERRNO: Final = MappingProxyType({errno.EROFS: 8, errno.ENOSPC: 13, errno.EDQUOT: 13, errno.EIO: 10})

UNREACHABLE: Final = Remedy(
    "STORE_UNREACHABLE",
    "the database server does not answer",
    "see that it runs, that it has disk space, and that database.url is right",
    True,
    15,
)

_EVERYTHING_RESTS: Final = "Nothing is sent meanwhile; protective stops rest at the broker"


def remedy_for(error: BaseException) -> Remedy | None:
    """Return the table's row for an error of SQLAlchemy or of sqlite3; None when it is no trouble of disk or file."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    number = getattr(driver, "sqlite_errorcode", None)
    if number is not None:
        return SQLITE.get(number & 0xFF)
    server = isinstance(error, OperationalError | InterfaceError) and not _is_sqlite(driver)
    return UNREACHABLE if server else None


def unusable(error: BaseException) -> StoreUnusable | None:
    """Return what to raise instead, in one sentence and what to do; None when it is no trouble of disk or file."""
    remedy = remedy_for(error)
    if remedy is None:
        return None
    driver = error.orig if isinstance(error, DBAPIError) else error
    text = f"{remedy.what} ({driver}). {_EVERYTHING_RESTS}. What to do: {remedy.do}"
    return StoreUnusable(text, code=remedy.code, passes=remedy.passes, exit_code=remedy.exit_code)


def of_the_disk(error: OSError, what: str) -> StoreUnusable | None:
    """Return what befell the disk when a plain file beside the store could not be written; None for what is no trouble
    of the disk. `what` says which file, and for what."""
    number = _ERRNO.get(error.errno or 0)
    if number is None:
        return None
    remedy = SQLITE[number]
    text = f"{what}: {error.strerror}. What to do: {remedy.do}"
    return StoreUnusable(text, code=remedy.code, passes=remedy.passes, exit_code=remedy.exit_code)


UNREADABLE: Final = (ValueError, TypeError, ArithmeticError, LookupError)
"""What is raised for a value of a row that this program never writes."""


def damaged(detail: str) -> StoreUnusable:
    """Return the refusal of a store whose pages are broken."""
    text = f"{_CORRUPT.what} ({detail}). {_EVERYTHING_RESTS}. What to do: {_CORRUPT.do}"
    return StoreUnusable(text, code=_CORRUPT.code, passes=False, exit_code=_CORRUPT.exit_code)


def _is_sqlite(driver: BaseException | None) -> bool:
    return type(driver).__module__ == "sqlite3"
