"""Which schema the store has, which one this code knows, and the way from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import SchemaMismatch, StoreError
from bot.store.address import is_sqlite, sqlite_path
from bot.store.database import open_reader, writer_engine

ROOT: Final = Path(__file__).resolve().parents[2]

Tell = Callable[[str], None]


def _config(connection: Connection | None = None) -> Config:
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """Return the schema revision that this code knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise StoreError("there are no schema revisions in migrations/")
    return head


def current_revision(url: str) -> str | None:
    """Return the store's schema revision; None when there is no store yet, or an empty one."""
    if is_sqlite(url) and not sqlite_path(url).exists():
        return None
    with open_reader(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check_revision(url: str) -> None:
    """Return quietly when store and code agree; raises SchemaMismatch with what is there, what is wanted and what to
    do.
    """
    current, head = current_revision(url), head_revision()
    if current == head:
        return
    if current is None:
        raise SchemaMismatch(
            f"the store at {url} is empty, this code wants revision {head}: run `python run.py db upgrade`"
        )
    if _is_known(current):
        raise SchemaMismatch(
            f"the store at {url} has revision {current}, this code wants {head}: run `python run.py db upgrade`"
        )
    raise SchemaMismatch(
        f"the store at {url} has revision {current}, which this code does not know (its newest is {head}): "
        "the store was made by a newer version. Run that version, or restore a backup"
    )


def _is_known(revision: str) -> bool:
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def upgrade(url: str, to: str = "head", tell: Tell = lambda _: None) -> str:
    """Bring the store to a revision in one transaction and return it; makes the file and its directory where there
    are none.

    Raises SchemaMismatch when the store is newer than this code: nothing is touched then.
    """
    if is_sqlite(url):
        sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
    before = current_revision(url)
    if before is not None and not _is_known(before):
        check_revision(url)
    _run(url, lambda config: command.upgrade(config, to))
    after = current_revision(url)
    tell(f"store {url}: {before or 'empty'} -> {after}" if before != after else f"store {url}: already at {after}")
    return after or ""


def downgrade(url: str, to: str = "base", tell: Tell = lambda _: None) -> None:
    """Take the store back to an older revision (`base`: to nothing; every row is lost)."""
    before = current_revision(url)
    _run(url, lambda config: command.downgrade(config, to))
    tell(f"store {url}: {before or 'empty'} -> {current_revision(url) or 'empty'}")


def _run(url: str, step: Callable[[Config], None]) -> None:
    engine = writer_engine(url)
    try:
        with engine.begin() as connection:
            step(_config(connection))
    except DBAPIError as error:
        raise StoreError(f"the store at {url} cannot be migrated: {error.orig}") from error
    finally:
        engine.dispose()
