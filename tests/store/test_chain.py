"""The audit chain finds every row that was changed, removed or inserted, and anyone can recompute a hash."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.state.records import NewTransition
from bot.store.audit import export_transitions, head_of, verify_chain
from bot.store.batch import chained
from bot.store.chain import GENESIS, Head, verify
from bot.store.sql_store import SqlStore
from tests.store.builders import NOW, a_batch, a_step, an_id, born


@pytest.fixture
async def chained_url(store: SqlStore, url: str) -> str:
    rows = [
        born(an_id(1), "pending"),
        *(a_step(an_id(1), "pending", "pending", "ask", reason=f"é {n}") for n in range(5)),
    ]
    await store.commit(a_batch(transitions=rows))
    await store.close()
    return url


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for name in ("changed", "removed", "replaced"):
            connection.execute(f"DROP TRIGGER transition_is_never_{name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


async def test_an_outsider_recomputes_every_hash_with_nothing_but_the_stored_columns(
    chained_url: str, store_path: Path
) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        connection.row_factory = sqlite3.Row
        previous = "0" * 64
        for row in connection.execute("SELECT * FROM transition ORDER BY seq"):
            columns = {k: row[k] for k in row.keys() if k not in {"hash", "prev_hash"}}  # noqa: SIM118  # a Row is no mapping
            text = json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert row["prev_hash"] == previous
            previous = hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
            assert row["hash"] == previous


async def test_a_whole_chain_verifies_to_its_head(chained_url: str) -> None:
    verdict = verify_chain(chained_url)
    assert verdict.ok
    assert verdict.rows == 6
    assert verdict.head == head_of(chained_url)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transition SET reason = 'better' WHERE seq = 3",
        "DELETE FROM transition WHERE seq = 3",
        "INSERT OR REPLACE INTO transition SELECT * FROM transition WHERE seq = 3",
        "INSERT INTO transition SELECT * FROM transition WHERE seq = 3",
    ],
)
async def test_the_table_itself_refuses_to_be_rewritten(chained_url: str, store_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(store_path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statements,seq,kind",
    [
        (["UPDATE transition SET reason = 'better' WHERE seq = 3"], 3, "changed"),
        (["UPDATE transition SET evidence = '{}' WHERE seq = 6"], 6, "changed"),
        (["UPDATE transition SET actor = 'cli', hash = 'f' WHERE seq = 2"], 2, "changed"),
        (["DELETE FROM transition WHERE seq = 3"], 3, "removed"),
        (["DELETE FROM transition WHERE seq = 1"], 1, "removed"),
        (["DELETE FROM transition WHERE seq = 3", "UPDATE transition SET seq = seq - 1 WHERE seq > 3"], 3, "unlinked"),
        (
            [
                "UPDATE transition SET seq = -seq WHERE seq > 3",
                "INSERT INTO transition SELECT 4, machine, entity_id, from_state, to_state, \"trigger\", actor, 'new',"
                " evidence, config_version, event_at, recorded_at, tick, hash, 'a' FROM transition WHERE seq = 3",
                "UPDATE transition SET seq = 1 - seq WHERE seq < 0",
            ],
            4,
            "changed",
        ),
    ],
)
async def test_tampering_is_found_at_its_row(
    chained_url: str, store_path: Path, statements: list[str], seq: int, kind: str
) -> None:
    tamper(store_path, *statements)
    verdict = verify_chain(chained_url)
    assert verdict.first_break is not None
    assert (verdict.first_break.seq, verdict.first_break.kind) == (seq, kind)


async def test_rows_cut_off_the_end_are_found_by_a_head_that_was_written_down(
    chained_url: str, store_path: Path
) -> None:
    head = head_of(chained_url)
    tamper(store_path, "DELETE FROM transition WHERE seq > 4")
    assert verify_chain(chained_url).ok
    assert not verify_chain(chained_url, head).ok


def a_row(number: int) -> NewTransition:
    return a_step(an_id(number), "pending", "pending", "ask")


Tamper = Callable[[list[dict[str, object]], int], object]
TAMPERS: dict[str, Tamper] = {
    "changed": lambda rows, i: rows[i].update(reason="other"),
    "removed": lambda rows, i: rows.pop(i),
    "inserted": lambda rows, i: rows.insert(i, dict(rows[i])),
    "swapped": lambda rows, i: rows.insert(0, rows.pop(i)),
}


@given(length=st.integers(2, 12), data=st.data(), kind=st.sampled_from(sorted(TAMPERS)))
def test_any_single_tampering_with_any_chain_is_found(length: int, data: st.DataObject, kind: str) -> None:
    rows, head = chained([a_row(n) for n in range(length)], Head(), tick=1, recorded_at=NOW, config_version="c")
    assert verify(rows, head).ok
    touched = [dict(row) for row in rows]
    # The last row cut off leaves a whole chain: only the head that was written down tells.
    TAMPERS[kind](touched, data.draw(st.integers(1, length - 1)))
    assert not verify(touched, head).ok


def test_an_empty_chain_is_whole() -> None:
    assert verify([]).head == Head(GENESIS, 0)


async def test_an_export_holds_what_the_hashes_were_made_of(chained_url: str) -> None:
    out = io.StringIO()
    assert export_transitions(chained_url, out) == 6
    assert verify([json.loads(line) for line in out.getvalue().splitlines()]).ok


async def test_a_csv_export_has_a_header_and_a_line_a_row(chained_url: str) -> None:
    out = io.StringIO()
    export_transitions(chained_url, out, "csv", after_seq=4)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("seq,machine,entity_id")
    assert [line.split(",")[0] for line in lines[1:]] == ["5", "6"]
