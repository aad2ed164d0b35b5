"""A migration that SIGTERM ends anywhere, at once as SIGKILL would: the old schema whole or the new one, the backup
stands, and the next one goes through."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import SchemaMismatch
from bot.store import copies, revision
from bot.store.audit import head_of, verify_chain
from bot.store.revision import check_revision, current_revision, upgrade
from bot.store.sql_store import SqlStore
from tests.conftest import REPO_ROOT
from tests.store.test_migration_on_a_copy import ADDS, HEAD, second
from tests.store.trade import opening, write

# Runs an upgrade and stands still where it is told to.
STANDS_STILL = """
import sys, time
from pathlib import Path
from bot.store import copies, revision

url, root, module, name, nth, when = sys.argv[1:]
revision.ROOT = Path(root)
owner, count = {"copies": copies, "revision": revision, "path": Path}[module], 0
real = getattr(owner, name)

def stand_still(*arguments, **options):
    global count
    count += 1
    if count != int(nth):
        return real(*arguments, **options)
    if when == "after":
        real(*arguments, **options)
    print("here", flush=True)
    time.sleep(600)

setattr(owner, name, stand_still)
revision.upgrade(url)
"""
IN_THE_REVISION = f'{ADDS}; print("here", flush=True); __import__("time").sleep(600)'
POINTS = {  # name -> function, its how-manieth call, before or after it, the schema that is there then
    "the backup is being copied": ("copies", "copy", 1, "after", HEAD),
    "the backup is there": ("path", "replace", 1, "after", HEAD),
    "the copy is migrated": ("revision", "_check", 1, "before", HEAD),
    "the copy is about to take the store's name": ("path", "replace", 2, "before", HEAD),
    "the copy has just taken the store's name": ("path", "replace", 2, "after", "next"),
}


@pytest.fixture
def revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "program"
    root.mkdir()
    shutil.copy(revision.ROOT / "alembic.ini", root)
    shutil.copytree(revision.ROOT / "migrations", root / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(revision, "ROOT", root)
    return root / "migrations" / "versions"


def ended(url: str, *point: object) -> None:
    command = [sys.executable, "-c", STANDS_STILL, url, str(revision.ROOT), *map(str, point)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(REPO_ROOT)}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.terminate()
        assert process.wait(5) == -signal.SIGTERM


def leftovers(path: Path) -> list[str]:
    return [each.name for each in path.parent.iterdir() if each.name.endswith((".part", ".migrating"))]


@pytest.mark.parametrize("point", POINTS)
async def test_an_upgrade_that_is_ended_leaves_one_schema_whole_and_can_be_done_again(
    store: SqlStore, url: str, store_path: Path, revisions: Path, point: str
) -> None:
    await write(store, opening())
    await store.close()
    head, rows = head_of(url), copies.row_counts(store_path)
    second(revisions)
    *where, schema = POINTS[point]
    ended(url, *where)
    assert current_revision(url) == schema
    assert verify_chain(url, head).ok
    assert copies.row_counts(store_path) == rows
    kept = list(store_path.parent.glob(f"*.revision-{HEAD}-?"))
    for backup in kept:
        copies.refuse_damaged(backup)
        assert copies.row_counts(backup) == rows
    assert bool(kept) == (point != "the backup is being copied")
    assert upgrade(url) == "next"
    assert (head_of(url), copies.row_counts(store_path), leftovers(store_path)) == (head, rows, [])


async def test_an_upgrade_that_is_ended_in_the_midst_of_a_revision_changed_nothing(
    store: SqlStore, url: str, store_path: Path, revisions: Path
) -> None:
    await write(store, opening())
    await store.close()
    rows = copies.row_counts(store_path)
    second(revisions, IN_THE_REVISION)
    ended(url, "copies", "swap", 1, "before")
    assert (current_revision(url), copies.row_counts(store_path)) == (HEAD, rows)
    second(revisions)
    assert upgrade(url) == "next"
    assert leftovers(store_path) == []


def test_a_first_store_that_is_ended_while_it_is_made_is_made_by_the_next_start(
    tmp_path: Path, revisions: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'new.db'}"
    second(revisions, IN_THE_REVISION)  # every other revision has run by then
    ended(url, "copies", "swap", 1, "before")
    with pytest.raises(SchemaMismatch, match="is empty"):
        check_revision(url)
    second(revisions)
    assert upgrade(url) == "next"
