"""`status`: what is alive on a store, and by its exit code whether a bot runs on it."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.small_store import (
    POSITION,
    SIGNAL,
    Call,
    commands,
)


@pytest.mark.usefixtures("running")
def test_status_shows_what_is_alive(call: Call) -> None:
    result = call("status")
    assert result.exit_code == 1, "nobody runs on it"
    assert result.stdout.startswith("NOT RUNNING\n")
    assert "20 Nov 2026 10:00:00 New York, tick 7, 30× the wall clock" in result.stdout
    assert "session     active" in result.stdout
    assert SIGNAL[-6:] in result.stdout
    assert POSITION[-6:] in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert SIGNAL in call("status", "--wide").stdout


@pytest.mark.usefixtures("running")
def test_status_shows_each_job_with_its_last_run_its_outcome_and_its_next(call: Call, running: Path) -> None:
    with closing(sqlite3.connect(running)) as connection, connection:
        row = ("1", "backup", "2026-11-20T14:00:00.000000+00:00", "failed", "no room")
        connection.execute("INSERT INTO job_run (id, name, ran_at, state, detail) VALUES (?, ?, ?, ?, ?)", row)
    lines = [line.split() for line in call("status").stdout.splitlines()]
    told = {line[0]: line[1:] for line in lines if line}
    assert told["backup"][:2] == ["09:00:00", "failed"]
    assert told["day_summary"][0] == "never"
    (backup,) = (job for job in json.loads(call("status", "--json").stdout)["jobs"] if job["name"] == "backup")
    assert (backup["detail"], backup["runs"], backup["missed"]) == ("no room", "apart", "made up at once")


def test_status_says_since_when_it_runs_and_by_exit_code(call: Call, running: Path) -> None:
    lock = running.with_name(running.name + ".lock")
    at = datetime.fromtimestamp(time.time() - 5, UTC)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(json.dumps({"pid": 1, "host": "here", "since": at.isoformat(), "command": "run.py --scenario demo"}))
        held.flush()
        result = call("status")
        assert (result.exit_code, result.stdout.split(" since ")[0]) == (0, "RUNNING")
        seen = json.loads(call("status", "--json").stdout)["liveness"]
        assert seen["running"] is True
    result = call("status")
    assert (result.exit_code, result.stdout.startswith("NOT RUNNING")) == (1, True)


def test_status_of_a_run_that_stands_still_is_no_success(call: Call, running: Path) -> None:
    lock = running.with_name(running.name + ".lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        began = datetime.fromtimestamp(time.time() - 500, UTC).isoformat()
        held.write(json.dumps({"pid": 1, "host": "here", "since": began, "command": "run.py"}))
        held.flush()
        result = call("status")
    assert result.exit_code == 1
    assert "but no tick for 5" in result.stdout.splitlines()[0]


def test_an_upgrade_that_holds_the_lock_is_no_bot(call: Call, running: Path) -> None:
    lock = running.with_name(running.name + ".lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        now = datetime.now(UTC).isoformat()
        held.write(json.dumps({"pid": 1, "host": "here", "since": now, "command": "run.py db upgrade"}))
        held.flush()
        assert call("status").stdout.startswith("NOT RUNNING")


def test_status_says_the_effective_state(call: Call, running: Path) -> None:
    with closing(sqlite3.connect(running)) as connection, connection:
        connection.execute(
            "INSERT INTO breaker (id, state, value, limit_words, detail, facts) "
            "VALUES ('correlation', 'tripped', '0.99', '0.80', '', '{}')"
        )
        connection.execute("INSERT OR REPLACE INTO connection_state VALUES ('ibkr', 'synced', NULL, '')")
    assert "state       active, entries blocked: correlation" in call("status").stdout


@pytest.mark.usefixtures("running")
def test_status_as_json_says_which_signal_asks_a_person(call: Call) -> None:
    seen = json.loads(call("status", "--json").stdout)
    assert [(row["id"], row["asks_a_person"], row["limit_price"]) for row in seen["signals"]] == [
        (SIGNAL, True, "1.25")
    ]
    assert [row["id"] for row in seen["positions"]] == [POSITION]
    assert seen["positions"][0]["protection"] == "wanted"
    assert seen["positions"][0]["unprotected_contract_seconds"] == 0
    assert seen["pulse"]["at"] == "2026-11-20T15:00:00+00:00"


def test_status_names_halted_symbols_and_who_holds_the_session_since_when_and_why(call: Call, running: Path) -> None:
    at = "2026-11-20T14:50:00.000000+00:00"
    with closing(sqlite3.connect(running)) as connection, connection:
        connection.execute(
            "INSERT INTO symbol_halt (id, state, reason, causes, halted_by, halted_at) VALUES "
            "('SPY', 'halted', 'sold by hand', '[\"order 7\"]', 'broker', ?), "
            "('QQQ', 'open', 'over', '[]', 'broker', ?)",
            (at, at),
        )
        connection.execute(
            "UPDATE session_state SET state = 'halted', hold = 'halt', held_by = 'admin:web:ann', held_at = ?, "
            "hold_reason = 'news'",
            (at,),
        )
    told = call("status").stdout
    assert "session     halted: news (by admin:web:ann since 20 Nov 2026 09:50:00 New York)" in told
    assert "sold by hand" in told
    seen = json.loads(call("status", "--json").stdout)
    halted = {"id": "SPY", "reason": "sold by hand", "halted_by": "broker", "halted_at": "2026-11-20T14:50:00+00:00"}
    assert seen["halted_symbols"] == [halted]
    with closing(sqlite3.connect(running)) as connection, connection:
        connection.execute("UPDATE session_state SET state = 'reconciling'")
    assert "reconciling, then halt: news (by admin:web:ann" in call("status").stdout, "a restart shows the hold too"


def test_status_names_a_wrong_clock(call: Call, running: Path) -> None:
    assert "wrong clock" not in call("status").stdout
    with closing(sqlite3.connect(running)) as connection, connection:
        connection.execute("UPDATE engine_status SET clock_fault = 'it says 16:00, the broker 15:00'")
    assert "wrong clock it says 16:00, the broker 15:00" in call("status").stdout
    assert json.loads(call("status", "--json").stdout)["pulse"]["clock_fault"] == "it says 16:00, the broker 15:00"


def test_status_without_a_store_says_what_to_do(call: Call) -> None:
    result = call("status")
    assert result.exit_code == 1
    assert "no run yet: make run" in result.stderr


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("command", ["status", "pause", "flatten"])
def test_where_no_bot_ran_there_is_nobody_to_ask(call: Call, database: Path, command: str) -> None:
    result = call(command)
    assert result.exit_code == 1
    assert ("no run yet" if command == "status" else "the bot has not run on this store yet") in result.stderr
    assert commands(database) == []


# ---- what operators ask


@pytest.mark.usefixtures("running")
def test_status_as_csv_has_each_value_of_its_json(call: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(call("status", "--csv").stdout)))
    assert {(row["part"], row["row"], row["name"]): row["value"] for row in rows}["signals", "1", "id"] == SIGNAL
    told = json.loads(call("status", "--json").stdout)
    assert {row["part"] for row in rows} == {part for part, held in told.items() if held != []}
    assert ("session", "", "state", "active") in {tuple(row.values()) for row in rows}
    assert call("status", "--csv", "--json").exit_code == 2
