"""Heads that were noted outside of the store have to be in its chain."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.errors import StoreError
from bot.store.audit import head_of, verify_chain
from bot.store.chain import BEGINNING, HASHED, row_hash
from bot.store.database import open_reader
from bot.store.heads import in_words, last_verified, missing, note, noted
from bot.store.invariants import check_invariants
from bot.store.sql_store import SqlStore
from tests.store.builders import NOW
from tests.store.trade import closing as closing_batches
from tests.store.trade import opening, write


@pytest.fixture
async def heads(store: SqlStore, url: str, tmp_path: Path) -> Path:
    """A store of a whole trade whose head was noted in the middle and, verified, at the end."""
    file = tmp_path / "beside" / "heads.jsonl"
    await write(store, opening())
    note(file, head_of(url), NOW, "hour")
    await write(store, closing_batches())
    note(file, head_of(url), NOW, "backup", verified=True)
    return file


def gone(url: str, file: Path) -> str:
    with open_reader(url) as connection:
        found = missing(connection, file)
    return in_words(found) if found is not None else ""


def rewrite(path: Path, *, since: int) -> None:
    """Rewrite the chain from a row on, as somebody would who has the file and this code."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        before = connection.execute("SELECT hash FROM transition WHERE seq = ?", (since - 1,)).fetchone()["hash"]
        for row in connection.execute("SELECT * FROM transition WHERE seq >= ? ORDER BY seq", (since,)).fetchall():
            columns = {name: row[name] for name in HASHED} | {"reason": "another one"}
            link = row_hash(before, columns)
            connection.execute(
                "UPDATE transition SET reason = ?, prev_hash = ?, hash = ? WHERE seq = ?",
                ("another one", before, link, row["seq"]),
            )
            before = link
        connection.commit()


async def test_noted_heads_of_a_sound_store_are_all_there(heads: Path, url: str) -> None:
    assert len(noted(heads)) == 2
    assert gone(url, heads) == ""


async def test_a_chain_that_was_rewritten_whole_is_found_by_its_noted_head(
    heads: Path, url: str, store_path: Path
) -> None:
    rewrite(store_path, since=5)
    assert verify_chain(url).ok
    assert "is not the one that was noted" in gone(url, heads)


async def test_an_end_that_was_cut_off_is_found(heads: Path, url: str, store_path: Path) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("DROP TRIGGER transition_is_never_removed")
        connection.execute("DELETE FROM transition WHERE seq > (SELECT MAX(seq) - 2 FROM transition)")
        connection.commit()
    assert verify_chain(url).ok
    assert "is not the one that was noted" in gone(url, heads)


async def test_what_came_before_a_restore_need_not_be_there(heads: Path, url: str) -> None:
    with heads.open("a") as file:
        file.write('{"at": "x", "seq": 900, "hash": "ab", "why": "hour", "verified": false}\n')
    assert gone(url, heads)
    note(heads, head_of(url), NOW, "restore")
    assert gone(url, heads) == ""


async def test_a_line_that_a_power_cut_left_half_written_is_passed_over_and_no_other(heads: Path, url: str) -> None:
    with heads.open("a") as file:
        file.write('{"at": "2026-')
    assert gone(url, heads) == ""
    with heads.open("a") as file:
        file.write('\n{"at": "x"}\n')
    with pytest.raises(StoreError, match=r"heads\.jsonl:3 is not a noted head"):
        noted(heads)


async def test_invariants_begin_at_the_newest_verified_head(heads: Path, url: str, store: SqlStore) -> None:
    with open_reader(url) as connection:
        since = last_verified(connection, heads)
    assert since == head_of(url)
    findings = check_invariants(url, since=since)
    assert [f.detail for f in findings if not f.ok] == []
    assert f"0 transitions of 0 machines since row {since.seq}" in findings[0].detail


async def test_a_verified_head_that_is_gone_counts_no_more(heads: Path, url: str, store_path: Path) -> None:
    rewrite(store_path, since=5)
    with open_reader(url) as connection:
        assert last_verified(connection, heads) == BEGINNING


async def test_from_any_verified_head_on_the_same_wrong_step_is_found(
    store: SqlStore, url: str, store_path: Path
) -> None:
    await write(store, opening() + closing_batches())
    with open_reader(url) as connection:
        rows = connection.exec_driver_sql("SELECT seq, hash FROM transition ORDER BY seq").all()
    heads = [type(head_of(url))(row.hash, row.seq) for row in rows[2:]]
    assert len(heads) >= 28
    assert all(check_invariants(url, since=since)[0].ok for since in heads)
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute("UPDATE position SET state = 'trailing'")
        connection.commit()
    assert not any(check_invariants(url, since=since)[0].ok for since in heads)
