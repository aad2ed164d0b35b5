"""Every trouble of disk and file, made for real where that can be done, is named, undone whole, and told with what to
do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.domain.errors import StoreUnusable
from bot.store import database
from bot.store.audit import head_of
from bot.store.database import open_reader
from bot.store.read.trading import open_positions
from bot.store.sql_store import SqlStore
from bot.store.trouble import SQLITE, remedy_for, unusable
from tests.store.builders import FixedClock, a_batch, an_id, born
from tests.store.trade import opening, write

A_LOT = 400
PRAGMAS = database.WRITER_PRAGMAS


def a_big_batch(tick: int) -> object:
    return a_batch(tick, transitions=[born(an_id(100 + n), "pending") for n in range(A_LOT)])


def pages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])


def pragmas(monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    kept = (p for p in PRAGMAS if "busy_timeout" not in p)
    monkeypatch.setattr(database, "WRITER_PRAGMAS", (*kept, "PRAGMA busy_timeout=50", *more))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_full_disk_is_named_and_nothing_of_the_tick_is_there(
    url: str, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragmas(monkeypatch, f"PRAGMA max_page_count={pages(store_path) + 8}")
    store = SqlStore(url, FixedClock())
    await store.open()
    before = store.head
    with pytest.raises(StoreUnusable) as trouble:
        await store.commit(a_big_batch(1))  # type: ignore[arg-type]
    assert (trouble.value.code, trouble.value.exit_code, trouble.value.passes) == ("STORE_FULL", 10, True)
    assert "free space" in str(trouble.value)
    assert head_of(url) == before
    pragmas(monkeypatch)  # the disk has room again
    await store.commit(a_big_batch(2))  # type: ignore[arg-type]
    assert store.head.seq == before.seq + A_LOT
    await store.close()


async def test_a_read_only_disk_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pragmas(monkeypatch, "PRAGMA query_only=ON")
    store = SqlStore(url, FixedClock())
    with pytest.raises(StoreUnusable, match="mount the disk writable") as trouble:
        await store.open()
    assert trouble.value.exit_code == 11
    await store.close()


async def test_a_store_that_another_program_locks_is_named_and_used_again_when_it_is_free(
    url: str, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragmas(monkeypatch)
    store = SqlStore(url, FixedClock())
    await store.open()
    with locked(store_path), pytest.raises(StoreUnusable, match="locked by another program") as trouble:
        await store.commit(a_big_batch(1))  # type: ignore[arg-type]
    assert trouble.value.exit_code == 12
    await store.commit(a_big_batch(2))  # type: ignore[arg-type]
    await store.close()


async def test_a_damaged_store_is_named_with_the_way_to_a_backup(url: str, store_path: Path, store: SqlStore) -> None:
    await write(store, opening())
    await store.close()
    size = store_path.stat().st_size
    with store_path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    again = SqlStore(url, FixedClock())
    with pytest.raises(StoreUnusable, match="db restore") as trouble:
        await again.load()
    assert (trouble.value.exit_code, trouble.value.passes) == (14, False)
    await again.close()


def test_a_file_that_is_no_database_is_damaged_for_readers_too(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("notes " * 2000)
    with pytest.raises(StoreUnusable, match="damaged"):
        open_reader(f"sqlite+aiosqlite:///{path}")


def _of_code(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("driver's words")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("code", [*SQLITE, 10 | 3 << 8, 8 | 4 << 8, 5 | 2 << 8])
def test_every_row_of_the_table_says_what_to_do(code: int) -> None:
    trouble = unusable(_of_code(code))
    assert trouble is not None
    assert "What to do: " in str(trouble)
    assert "protective stops rest at the broker" in str(trouble)
    assert 10 <= trouble.exit_code <= 15


def test_each_trouble_has_one_exit_code_and_each_exit_code_one_trouble() -> None:
    pairs = {(remedy.code, remedy.exit_code) for remedy in SQLITE.values()}
    assert len({code for code, _ in pairs}) == len({number for _, number in pairs}) == len(pairs)


@pytest.mark.parametrize("make", [lambda: _of_code(19), lambda: ValueError("x"), lambda: _of_code(1)])
def test_what_is_no_trouble_of_the_disk_stays_what_it_is(make: Callable[[], Exception]) -> None:
    assert remedy_for(make()) is None


async def test_a_row_that_was_changed_by_hand_into_no_row_of_ours_is_named(url: str, store_path: Path) -> None:
    """The bot does not start on it, and page and command line say the same, with what to do."""
    store = SqlStore(url, FixedClock())
    await store.open()
    await write(store, opening())
    for column in ("opened_at", "entry_value", "plan"):
        with closing(sqlite3.connect(store_path)) as connection, connection:
            (kept,) = connection.execute(f"SELECT {column} FROM position").fetchone()
            connection.execute(f"UPDATE position SET {column} = 'never'")
        with pytest.raises(StoreUnusable, match=f"table position, id .*: {column} is not what") as told:
            await store.load()
        assert told.value.code == "STORE_CORRUPT"
        assert "What to do" in str(told.value)
        if column == "opened_at":
            with open_reader(url) as reader, pytest.raises(StoreUnusable, match="is not what this program writes"):
                open_positions(reader)
        with closing(sqlite3.connect(store_path)) as connection, connection:
            connection.execute(f"UPDATE position SET {column} = ?", (kept,))
    assert (await store.load()).entities
    await store.close()
