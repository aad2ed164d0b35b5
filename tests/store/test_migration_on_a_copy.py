"""A store that holds something is migrated on a copy: checked, swapped in one step, or left exactly as it was."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.errors import StoreError
from bot.store import copies, revision
from bot.store.audit import head_of, verify_chain
from bot.store.revision import current_revision, downgrade, upgrade
from bot.store.sql_store import SqlStore
from tests.store.builders import FixedClock, a_batch, an_id, born
from tests.store.trade import opening, write

SECOND = '''
"""One column more, after the newest revision that there is"""
import sqlalchemy as sa
from alembic import op
revision = "next"
down_revision = "{head}"
branch_labels = depends_on = None

def upgrade() -> None:
    {up}

def downgrade() -> None:
    {down}
'''
HEAD = revision.head_revision()
ADDS = 'op.add_column("alert", sa.Column("seen_by", sa.String(64), nullable=True))'
DROPS = 'op.drop_column("alert", "seen_by")'


@pytest.fixture
def revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the revisions that tests may add to."""
    root = tmp_path / "program"
    root.mkdir()
    shutil.copy(revision.ROOT / "alembic.ini", root)
    shutil.copytree(revision.ROOT / "migrations", root / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(revision, "ROOT", root)
    return root / "migrations" / "versions"


def second(revisions: Path, up: str = ADDS, down: str = DROPS) -> None:
    (revisions / "next_second.py").write_text(SECOND.format(up=up, down=down, head=HEAD))


@pytest.fixture
async def traded(store: SqlStore, url: str) -> str:
    """A store with a trade in it that nobody has open."""
    await write(store, opening())
    await store.close()
    return url


def columns(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(alert)")}


def files(path: Path) -> list[str]:
    """Return the store's files, but for the two that SQLite keeps beside one that was read."""
    ours = (p.name for p in path.parent.iterdir() if p.name.startswith(path.name))
    return sorted(name for name in ours if not name.endswith(("-wal", "-shm")))


def contents(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_up_and_down_again_keep_every_row_and_leave_a_backup_each(
    traded: str, store_path: Path, revisions: Path
) -> None:
    before, rows = head_of(traded), copies.row_counts(store_path)
    second(revisions)
    told: list[str] = []
    assert upgrade(traded, tell=told.append) == "next"
    assert "seen_by" in columns(store_path)
    assert (head_of(traded), copies.row_counts(store_path)) == (before, rows)
    assert told[0].endswith(f"store.db.revision-{HEAD}-1")
    downgrade(traded, HEAD, tell=told.append)
    assert "seen_by" not in columns(store_path)
    assert verify_chain(traded, before).ok
    assert copies.row_counts(store_path) == rows
    assert files(store_path) == ["store.db", f"store.db.revision-{HEAD}-1", "store.db.revision-next-1"]


async def test_a_migrated_store_is_written_to_as_before(traded: str, revisions: Path) -> None:
    second(revisions)
    upgrade(traded)
    before = head_of(traded)
    store = SqlStore(traded, FixedClock())
    await store.open()
    await store.commit(a_batch(50, transitions=[born(an_id(9), "pending")]))
    await store.close()
    assert head_of(traded).seq == before.seq + 1
    assert verify_chain(traded, before).ok


@pytest.mark.parametrize(
    "up, why",
    [
        ('op.execute("PRAGMA defer_foreign_keys=ON"); op.execute("DELETE FROM signal")', "is as it was"),
        ('op.execute("DELETE FROM session_state")', "rows were lost: session_state 1 -> 0"),
        ('op.execute("INSERT INTO nowhere VALUES (1)")', "no such table"),
        (
            'op.execute("DROP TRIGGER transition_is_never_changed"); '
            "op.execute(\"UPDATE transition SET reason = 'better' WHERE seq = 2\")",
            "row 2 was changed",
        ),
        (
            'op.execute("DROP TRIGGER transition_is_never_removed"); '
            'op.execute("DELETE FROM transition WHERE seq > 1")',
            "audit chain",
        ),
    ],
)
def test_a_migration_that_fails_or_harms_leaves_the_store_as_it_was(
    traded: str, store_path: Path, revisions: Path, up: str, why: str
) -> None:
    second(revisions, up)
    was = contents(store_path)
    with pytest.raises(StoreError, match=why) as refused:
        upgrade(traded)
    assert "is as it was" in str(refused.value)
    assert f"store.db.revision-{HEAD}-1" in str(refused.value)
    assert contents(store_path) == was
    assert current_revision(traded) == HEAD
    assert "store.db.migrating" not in files(store_path)


async def test_a_store_that_a_bot_holds_is_not_migrated(store: SqlStore, url: str, revisions: Path) -> None:
    await write(store, opening())
    second(revisions)
    with pytest.raises(StoreError, match="stop the bot first"):
        upgrade(url)
    assert current_revision(url) == HEAD


async def test_what_is_only_in_the_write_ahead_log_is_migrated_too(
    store: SqlStore, url: str, store_path: Path, revisions: Path
) -> None:
    await write(store, opening())
    head = store.head
    crashed = store_path.with_name("crashed.db")
    for ending in ("", "-wal"):  # as a killed bot leaves it
        shutil.copy(store_path.with_name(store_path.name + ending), crashed.with_name(crashed.name + ending))
    await store.close()
    assert crashed.with_name("crashed.db-wal").stat().st_size
    address = f"sqlite+aiosqlite:///{crashed}"
    second(revisions)
    upgrade(address)
    assert head_of(address) == head
    assert "seen_by" in columns(crashed)


def test_a_store_at_the_newest_schema_is_not_copied(traded: str, store_path: Path) -> None:
    upgrade(traded)
    assert files(store_path) == ["store.db"]
