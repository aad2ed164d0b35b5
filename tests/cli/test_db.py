"""`db`: the schema and copies of the store; how commands speak of a damaged one, and whose the files are."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_store import (
    Call,
)


def test_a_store_is_made_upgraded_and_taken_back(call: Call, home: Path) -> None:
    assert "empty -> " in call("db", "upgrade").stdout
    assert "already at " in call("db", "upgrade").stdout
    assert call("db", "downgrade", "base").exit_code == 2
    assert "-> empty" in call("db", "downgrade", "base", "--yes").stdout


def test_a_newer_store_is_refused(call: Call, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for command in (["status"], ["audit", "verify"], ["db", "upgrade"]):
        result = call(*command)
        assert result.exit_code == 2
        assert "made by a newer version" in result.stderr


def test_a_backup_brings_back_what_was_there(call: Call, running: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    made = json.loads(call("db", "backup", str(copy), "--json").stdout)
    assert made["transitions"] == 2
    running.unlink()
    assert call("db", "restore", str(copy)).stdout.startswith(f"restored {copy}: 2 transitions.")
    assert call("audit", "verify").exit_code == 0


@pytest.mark.usefixtures("running")
def test_a_backup_goes_beside_the_store_and_never_over_another_file(call: Call, home: Path) -> None:
    assert call("db", "backup").exit_code == 0
    (made,) = (home / "data" / "quanticity.db.backups").iterdir()
    result = call("db", "backup", str(made))
    assert result.exit_code == 2
    assert "never overwrites" in result.stderr


@pytest.mark.usefixtures("running")
def test_what_is_no_backup_is_not_restored(call: Call, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database at all, only some words about one", encoding="utf-8")
    assert call("db", "restore", str(tmp_path / "notes.db")).exit_code == 2
    assert call("db", "restore", str(tmp_path / "absent.db")).exit_code == 2
    assert call("audit", "verify").exit_code == 0


@pytest.mark.usefixtures("running")
def test_backups_are_listed_newest_first(call: Call) -> None:
    assert json.loads(call("db", "backups", "--json").stdout) == []
    assert call("db", "backup").exit_code == 0
    (row,) = json.loads(call("db", "backups", "--json").stdout)
    assert row["file"].endswith(".db")
    assert row["bytes"] > 0


@pytest.mark.parametrize("arguments", [["status"], ["audit", "verify"], ["audit", "invariants"], ["pause"], ["check"]])
def test_a_damaged_store_is_one_sentence_with_the_way_to_a_backup(
    call: Call, running: Path, arguments: list[str]
) -> None:
    with closing(sqlite3.connect(running)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with running.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (running.stat().st_size - 4096))
    done = call(*arguments)
    assert (done.exit_code, done.exception.__class__) == (14, SystemExit)
    assert "the store is damaged" in done.stderr
    assert "db restore FILE" in done.stderr


def test_a_fault_of_ours_keeps_its_traceback(call: Call, running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.read.pulse", lambda connection: 1 / 0)
    assert isinstance(call("status").exception, ZeroDivisionError)


def test_a_backup_that_the_disk_does_not_take_is_refused_in_a_sentence(
    call: Call, running: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = call("db", "backup", str(tmp_path / "file" / "copies" / "copy.db"))
    assert (done.exit_code, done.exception.__class__) == (2, SystemExit)
    assert "cannot be written: Not a directory" in done.stderr


@pytest.mark.usefixtures("running")
def test_what_a_command_writes_is_for_its_owner_alone(start: Callable[..., Any], home: Path) -> None:
    wanted, before = home / "chain.jsonl", os.umask(0o022)
    try:
        assert start("audit", "export", str(wanted)).returncode == 0
        assert start("db", "backup").returncode == 0
    finally:
        os.umask(before)
    written = [path for path in home.rglob("*") if path.is_file() and "config" not in path.parts]
    assert {path.suffix for path in written} >= {".jsonl", ".db"}
    assert {str(path): oct(path.stat().st_mode & 0o077) for path in written if path.stat().st_mode & 0o077} == {}
