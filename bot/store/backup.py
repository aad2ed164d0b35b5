"""Copies of the store: taken while it is in use, checked before they count, restored with care. SQLite only.

A copy is taken by SQLite's own backup, so that it is one moment of the store whatever the writer does meanwhile.
PostgreSQL has tools of its own for this, and the functions here say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreError
from bot.store.address import is_sqlite, sqlite_path
from bot.store.audit import verify_chain
from bot.store.chain import Head
from bot.store.copies import copy, put_in_place, refuse_damaged, refuse_in_use, remove, set_aside
from bot.store.database import reason_of
from bot.store.revision import current_revision, head_revision

_NAME: Final = "quanticity-%Y%m%dT%H%M%SZ.db"


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was opened and checked."""

    path: Path
    size_bytes: int
    transitions: int
    head: Head


def backup_name(at: datetime) -> str:
    """Return the file name of a backup, so that names sort by time."""
    return at.astimezone(UTC).strftime(_NAME)


def folder_of(url: str, configured: str) -> Path:
    """Return where a store's backups are: the configured folder, else one beside the store."""
    path = _path_of(url)
    return Path(configured) if configured else path.with_name(f"{path.name}.backups")


def taken_at(path: Path) -> datetime | None:
    """Return when a backup was taken by its name, None for a name that `backup_name` did not make."""
    try:
        return datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None


def backups(folder: Path) -> list[Path]:
    """Return the backups of a folder, newest first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if taken_at(path) is not None]
    return sorted(found, key=lambda path: path.name, reverse=True)


def backup(url: str, to: Path) -> Backup:
    """Copy the store to a file that does not exist yet, while it is in use, and check the copy.

    Raises StoreError, and leaves no file, when the copy does not open or its audit chain is broken.
    """
    source = _existing(url)
    if to.exists():
        raise StoreError(f"{to} exists: a backup never overwrites one")
    part = to.with_name(to.name + ".part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy(source, part)
            checked = check_copy(part)
            put_in_place(part, to)
        finally:
            remove(part)
        return Backup(to, to.stat().st_size, checked.seq, checked)
    except OSError as error:
        raise StoreError(f"{to} cannot be written: {error.strerror}") from error


def check_copy(path: Path) -> Head:
    """Return the head of a copy's chain; raises StoreError when it is damaged, not a store, or its chain is broken."""
    refuse_damaged(path)
    url = _url_of(path)
    if current_revision(url) is None:
        raise StoreError(f"{path} is a database, but not a store")
    chain = verify_chain(url)
    if chain.first_break is not None:
        raise StoreError(f"{path}: the audit chain is broken: {chain.first_break.text}")
    return chain.head


def restore(url: str, source: Path, *, force: bool = False) -> Head:
    """Put a checked copy in the place of the store and return its head. The bot must not be running.

    Without `force` it refuses when a store is there that is not an earlier part of the copy's own history: its
    transitions would be lost. With `force` the store that was there is kept beside it, as `<name>.replaced`.
    """
    if not source.exists():
        raise StoreError(f"there is no backup at {source}")
    head = check_copy(source)
    target = _path_of(url)
    _refuse_newer_schema(source)
    if target.exists():
        refuse_in_use(target)
        if not force:
            _refuse_loss(url, source)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        copy(source, part)
        if target.exists():
            set_aside(target)
        put_in_place(part, target)
    finally:
        remove(part)
    return head


def _path_of(url: str) -> Path:
    if not is_sqlite(url):
        raise StoreError("backup and restore are for SQLite stores; use pg_dump and pg_restore for PostgreSQL")
    return sqlite_path(url)


def _existing(url: str) -> Path:
    path = _path_of(url)
    if not path.exists():
        raise StoreError(f"there is no store at {path}")
    return path


def _url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path.resolve()}"


def _refuse_newer_schema(source: Path) -> None:
    found, known = current_revision(_url_of(source)), head_revision()
    if found is not None and found > known:
        raise StoreError(f"{source} has schema revision {found}, newer than this program's {known}")


def _refuse_loss(url: str, source: Path) -> None:
    try:
        chain = verify_chain(url)
    except (StoreError, DBAPIError) as error:
        why = reason_of(error) if isinstance(error, DBAPIError) else error
        raise StoreError(f"the store in place cannot be read ({why}): add --force to replace it") from error
    if chain.head.seq and not verify_chain(_url_of(source), chain.head).ok:
        raise StoreError(
            f"the store in place has {chain.head.seq} transitions that the backup does not continue: they would be "
            f"lost. "
            "Add --force to replace it all the same"
        )
