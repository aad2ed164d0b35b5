"""Copies of a store in use are whole, checked, and put back with care."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing as shutting
from pathlib import Path

import pytest

from bot.domain.errors import StoreError
from bot.store.audit import head_of
from bot.store.backup import backup, backup_name, restore
from bot.store.copies import copy
from bot.store.sql_store import SqlStore
from tests.patience import PATIENCE_S
from tests.store.builders import NOW, FixedClock, a_batch, an_id, born
from tests.store.trade import opening, write


async def test_a_backup_taken_while_the_store_is_in_use_holds_every_commit(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    await write(store, opening())
    made = backup(url, tmp_path / "copies" / backup_name(NOW))
    assert made.head == store.head
    assert made.path.name == "quanticity-20261120T150000Z.db"
    assert [p.name for p in made.path.parent.iterdir()] == [made.path.name]


async def test_a_backup_never_overwrites_one(store: SqlStore, url: str, tmp_path: Path) -> None:
    backup(url, tmp_path / "b.db")
    with pytest.raises(StoreError, match="never overwrites"):
        backup(url, tmp_path / "b.db")


async def test_a_backup_of_a_broken_chain_is_refused_and_leaves_no_file(
    store: SqlStore, url: str, store_path: Path, tmp_path: Path
) -> None:
    await write(store, opening())
    await store.close()
    with shutting(sqlite3.connect(store_path)) as connection:
        connection.execute("DROP TRIGGER transition_is_never_changed")
        connection.execute("UPDATE transition SET reason = 'better' WHERE seq = 3")
        connection.commit()
    with pytest.raises(StoreError, match="row 3 was changed"):
        backup(url, tmp_path / "b.db")
    assert not list(tmp_path.glob("b.db*"))


async def test_a_restore_of_what_the_store_grew_from_is_refused_without_force(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    await write(store, opening()[:1])
    old = backup(url, tmp_path / "old.db")
    await write(store, opening()[1:])
    await store.close()
    with pytest.raises(StoreError, match="would be lost"):
        restore(url, old.path)
    assert restore(url, old.path, force=True) == old.head
    assert head_of(url) == old.head
    assert (tmp_path / "store.db.replaced").exists()


async def test_a_restored_store_goes_on_where_its_chain_ended(store: SqlStore, url: str, tmp_path: Path) -> None:
    await write(store, opening())
    made = backup(url, tmp_path / "b.db")
    await store.close()
    fresh = f"sqlite+aiosqlite:///{tmp_path / 'elsewhere' / 'store.db'}"
    restore(fresh, made.path)
    again = SqlStore(fresh, FixedClock())
    await again.open()
    await again.commit(a_batch(9, transitions=[born(an_id(7), "pending")]))
    assert again.head.seq == made.head.seq + 1
    await again.close()


async def test_a_store_in_use_is_not_replaced(store: SqlStore, url: str, tmp_path: Path) -> None:
    made = backup(url, tmp_path / "b.db")
    with pytest.raises(StoreError, match="stop the bot first"):
        restore(url, made.path, force=True)


@pytest.mark.parametrize("content", [b"", b"not a database at all, just words" * 100])
def test_what_is_no_store_is_not_restored(url: str, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "strange.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"not a store|no store"):
        restore(url, path, force=True)


async def test_what_is_left_of_a_lost_stores_log_is_not_read_into_the_restored_one(
    store: SqlStore, url: str, store_path: Path, tmp_path: Path
) -> None:
    await write(store, opening()[:1])
    made = backup(url, tmp_path / "b.db")
    await write(store, opening()[1:])
    log = store_path.with_name(store_path.name + "-wal")
    left_over = log.read_bytes()
    await store.close()
    store_path.unlink()  # the disk was repaired: the file is gone, its log is still there
    log.write_bytes(left_over)
    restore(url, made.path)
    with shutting(sqlite3.connect(store_path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT MAX(seq) FROM transition").fetchone() == (made.head.seq,)


def test_a_large_store_is_copied_while_its_writer_never_rests(tmp_path: Path) -> None:
    source, stop = tmp_path / "large.db", threading.Event()
    with shutting(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x BLOB)")
        connection.executemany("INSERT INTO t VALUES (?)", ((b"x" * 3000,) for _ in range(10_000)))
        connection.commit()

    def write_on() -> None:
        with shutting(sqlite3.connect(source, isolation_level=None, timeout=PATIENCE_S)) as writer:
            while not stop.wait(0.005):
                writer.execute("INSERT INTO t VALUES ('one more')")

    writing = threading.Thread(target=write_on)
    copying = threading.Thread(target=copy, args=(source, tmp_path / "copy.db"))
    writing.start()
    copying.start()
    copying.join(8)
    was_done = not copying.is_alive()
    stop.set()
    for thread in (copying, writing):
        thread.join()
    assert was_done, "a copy that begins anew with every commit never ends"
