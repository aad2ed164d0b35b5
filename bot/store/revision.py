"""Which schema the store has, which one this code knows, and the way from one to the other.

Alembic runs the revisions and is imported where one is run: most starts only compare two names, and loading it takes a
tenth of a start.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import SchemaMismatch, StoreError
from bot.left_unloaded import hidden
from bot.store import copies
from bot.store.address import is_sqlite, sqlite_path
from bot.store.audit import head_of, verify_chain
from bot.store.database import open_reader, writer_engine
from bot.store.trouble import unusable

if TYPE_CHECKING:
    from alembic.config import Config

ROOT: Final = Path(__file__).resolve().parents[2]
_NAMED: Final = re.compile(r"^(revision|down_revision)\b[^=]*= (?:\"(\w+)\"|None)$", re.MULTILINE)

Tell = Callable[[str], None]


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """Return the schema revision that this code knows."""
    revisions = _revisions()
    heads = revisions.keys() - revisions.values()
    if len(heads) != 1:
        raise StoreError(f"migrations/ has {len(heads)} newest schema revisions, wanted is one")
    return heads.pop()


def _revisions() -> dict[str, str]:
    """Return each revision in migrations/ with the one before it, empty for the first."""
    found = {}
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        named = dict(_NAMED.findall(path.read_text(encoding="utf-8")))
        found[named["revision"]] = named["down_revision"]
    return found


def current_revision(url: str) -> str | None:
    """Return the store's schema revision; None when there is no store yet, or an empty one."""
    if is_sqlite(url) and not sqlite_path(url).exists():
        return None
    with open_reader(url) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


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
    if current in _revisions():
        raise SchemaMismatch(
            f"the store at {url} has revision {current}, this code wants {head}: run `python run.py db upgrade`"
        )
    raise SchemaMismatch(
        f"the store at {url} has revision {current}, which this code does not know (its newest is {head}): "
        "the store was made by a newer version. Run that version, or restore a backup"
    )


def _keep_private(url: str) -> None:
    """Let nobody but its owner read a store of ours; SQLite gives what it makes beside it the same mode. A store of
    somebody else's stays as it is."""
    if not is_sqlite(url):
        return
    path = sqlite_path(url)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            path.with_name(name).chmod(0o600)


def upgrade(url: str, to: str = "head", tell: Tell = lambda _: None) -> str:
    """Bring the store to a revision and return it; makes the file and its directory where there are none.

    A SQLite store that holds something is backed up beside itself first; the revisions run on a copy, which is checked
    and then takes the store's place in one step. When anything fails the store is what it was. Elsewhere the revisions
    run in one transaction. Raises SchemaMismatch when the store is newer than this code: nothing is touched then.
    """
    if is_sqlite(url):
        sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
    before = current_revision(url)
    if before is not None and before not in _revisions():
        check_revision(url)
    if before is not None and before == _resolved(to):
        tell(f"store {url}: already at {before}")
        _keep_private(url)
        return before
    with hidden("pygments"):  # its templates, which no start fills in, would paint their faults
        from alembic import command

    _migrate(url, before, lambda config: command.upgrade(config, to), tell, keep_rows=True)
    _keep_private(url)
    after = current_revision(url)
    tell(f"store {url}: {before or 'empty'} -> {after}" if before != after else f"store {url}: already at {after}")
    return after or ""


def downgrade(url: str, to: str = "base", tell: Tell = lambda _: None) -> None:
    """Take the store back to an older revision (`base`: to nothing), on a copy as `upgrade` does; what the older schema
    has no place for is only in the backup then.
    """
    from alembic import command

    before = current_revision(url)
    _migrate(url, before, lambda config: command.downgrade(config, to), tell, keep_rows=False)
    tell(f"store {url}: {before or 'empty'} -> {current_revision(url) or 'empty'}")


def _resolved(revision: str) -> str | None:
    if revision == "head":
        return head_revision()
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        found = ScriptDirectory.from_config(_config()).get_revision(revision)
    except CommandError as error:
        raise StoreError(f"there is no schema revision {revision!r}: {error}") from error
    return getattr(found, "revision", None)  # None for base, whatever the annotation says


def _migrate(url: str, before: str | None, step: Callable[[Config], None], tell: Tell, *, keep_rows: bool) -> None:
    if before is None or not is_sqlite(url):
        _run(url, step)
        return
    from alembic.util import CommandError

    path = sqlite_path(url)
    copies.refuse_in_use(path)
    kept = _keep(path, before)
    tell(f"store {url}: backed up as {kept}")
    working = path.with_name(path.name + ".migrating")
    try:
        copies.copy(kept, working)
        _run(_address(working), step)
        _check(kept, working, keep_rows=keep_rows)
        copies.refuse_in_use(path)
        if head_of(url) != head_of(_address(kept)):
            raise StoreError("it was written to meanwhile; stop the bot first")
        copies.swap(working, path)
    except (StoreError, CommandError) as error:
        raise StoreError(
            f"the store at {url} was not migrated and is as it was: {error}. Its backup: {kept}"
        ) from error
    finally:
        copies.remove(working)


def _keep(path: Path, revision: str) -> Path:
    """Back the store up beside itself, under a name that says which schema it has and that nothing has yet."""
    number = 1
    while (kept := path.with_name(f"{path.name}.revision-{revision}-{number}")).exists():
        number += 1
    part = kept.with_name(kept.name + ".part")
    try:
        copies.copy(path, part)
        copies.refuse_damaged(part)
        copies.settle(part)
        part.replace(kept)
    finally:
        copies.remove(part)
    return kept


def _check(before: Path, after: Path, *, keep_rows: bool) -> None:
    """Refuse a migrated copy that is damaged, whose history is another one, or that lost rows."""
    copies.refuse_damaged(after)
    had, has = copies.row_counts(before), copies.row_counts(after)
    if "transition" in has:
        chain = verify_chain(_address(after), head_of(_address(before)))
        if not chain.ok:
            raise StoreError(f"the audit chain does not hold: {chain.first_break.text if chain.first_break else chain}")
    lost = sorted(name for name in had if has.get(name, 0) < had[name])
    if keep_rows and lost:
        told = ", ".join(f"{name} {had[name]} -> {has.get(name, 'gone')}" for name in lost)
        raise StoreError(f"rows were lost: {told}")


def _address(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path.resolve()}"


def _run(url: str, step: Callable[[Config], None]) -> None:
    engine = writer_engine(url)
    try:
        with engine.begin() as connection:
            step(_config(connection))
    except DBAPIError as error:
        raise unusable(error) or StoreError(f"the store at {url} cannot be migrated: {error.orig}") from error
    finally:
        engine.dispose()
