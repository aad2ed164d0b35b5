"""What operators ask by the command line: one row each, its answer, and what happens where no bot runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.app.locks import Holder
from bot.cli.operator import matches
from bot.store import database as database_module
from bot.store.values import time_text
from tests.cli.small_store import (
    NOW,
    POSITION,
    SIGNAL,
    UNSETTLED,
    Call,
    commands,
)


@pytest.mark.parametrize(
    "arguments,kind,payload",
    [
        (["approve", SIGNAL], "approve", {"signal_id": SIGNAL}),
        (["approve", SIGNAL[-6:]], "approve", {"signal_id": SIGNAL}),
        (["approve", f"{SIGNAL}A"], "approve", {"signal_id": SIGNAL}),
        (
            ["reject", SIGNAL[-6:].lower(), "--reason", "too dear"],
            "reject",
            {"signal_id": SIGNAL, "reason": "too dear"},
        ),
        (["close", POSITION[-5:]], "close", {"position_id": POSITION}),
        (["pause", "--reason", "lunch"], "pause", {"reason": "lunch"}),
        (["resume"], "resume", {}),
        (["resume", "spy"], "resume_symbol", {"symbol": "SPY"}),
        (["settle", UNSETTLED[-5:], "5906.12"], "settle", {"position_id": UNSETTLED, "price": "5906.12"}),
        (["flatten"], "flatten", {}),
        (["halt", "--reason", "news"], "halt", {"reason": "news"}),
        (["cancel-all"], "cancel_all", {}),
        (["emergency", "--reason", "fire"], "emergency", {"reason": "fire"}),
    ],
)
def test_a_command_becomes_one_row_and_its_answer_is_printed(
    call: Call,
    running: Path,
    answering: Callable[[str, str], None],
    arguments: list[str],
    kind: str,
    payload: dict[str, str],
) -> None:
    answering("done", "so be it")
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (0, "done: so be it\n")
    (row,) = commands(running)
    assert (row["kind"], json.loads(row["payload"]), row["actor"]) == (kind, payload, "cli")
    assert row["created_at"].startswith("2026-11-20T15:00:00")


def test_a_refusal_is_printed_and_ends_with_1(call: Call, answering: Callable[[str, str], None]) -> None:
    answering("refused", "the session is active: nothing to resume")
    result = call("resume", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["answer"] == "the session is active: nothing to resume"


def test_without_an_answer_the_command_stays_and_it_says_so(call: Call, alive: Path) -> None:
    result = call("pause", "--wait", "0")
    assert result.exit_code == 1
    assert "no answer within 0 s from a process that has not said yet who it is. It stays queued as " in result.stderr
    assert "dies after 120 s" in result.stderr
    assert [row["state"] for row in commands(alive)] == ["queued"]


@pytest.fixture
def held(alive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The store while another program keeps it for itself; nobody waits long for it."""
    for name in ("WRITER_PRAGMAS", "READER_PRAGMAS"):
        quick = tuple(p for p in getattr(database_module, name) if "busy_timeout" not in p)
        monkeypatch.setattr(database_module, name, (*quick, "PRAGMA busy_timeout=20"))
    with closing(sqlite3.connect(alive, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield alive
        other.execute("ROLLBACK")


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("command", ["emergency", "flatten", "cancel-all", "halt", "pause", "resume"])
def test_a_store_that_takes_no_row_is_one_sentence_that_names_the_way_around_it(call: Call, command: str) -> None:
    done = call(command)
    assert (done.exit_code, done.stderr.count("\n"), done.exception.__class__) == (12, 1, SystemExit)
    assert "nothing was asked: the store is locked by another program. What to do: end the program" in done.stderr
    assert "kill -USR1" in done.stderr


@pytest.mark.parametrize("command,kind", [("approve", "signal"), ("reject", "signal"), ("close", "position")])
def test_an_unknown_id_is_refused_with_what_is_alive(call: Call, running: Path, command: str, kind: str) -> None:
    result = call(command, "ZZZZZZ")
    assert result.exit_code == 2
    assert (
        f"{kind} 'ZZZZZZ' fits none of them. Alive now: {(SIGNAL if kind == 'signal' else POSITION)[-6:]}"
        in result.stderr
    )
    assert commands(running) == []


OVER = f"UPDATE signal SET state = 'expired', closed_at = '{time_text(NOW)}'"
CLOSED = (
    f"UPDATE position SET state = 'closed', close_reason = 'trail', closed_at = '{time_text(NOW)}', settlement = NULL"
)


@pytest.mark.parametrize(
    "arguments,kind,told",
    [
        (["approve", SIGNAL], "approve", f"signal {SIGNAL} (SPY 590C 20 Nov 2026) is expired"),
        (["approve", f"{SIGNAL}A"], "approve", f"signal {SIGNAL} (SPY 590C 20 Nov 2026) is expired"),
        (["reject", SIGNAL[-6:].lower()], "reject", f"signal {SIGNAL} (SPY 590C 20 Nov 2026) is expired"),
        (
            ["close", POSITION],
            "close",
            f"position {POSITION} (SPY 590C 20 Nov 2026) is closed since 20 Nov 2026 10:00:00 New York",
        ),
        (["settle", UNSETTLED[-5:], "590"], "settle", f"position {UNSETTLED} (SPY 590C 20 Nov 2026) is closed since "),
    ],
)
def test_what_is_over_is_named_and_the_bot_answers(
    call: Call, running: Path, answering: Callable[[str, str], None], arguments: list[str], kind: str, told: str
) -> None:
    with closing(sqlite3.connect(running)) as connection:
        connection.execute(OVER)
        connection.execute(CLOSED)
        connection.commit()
    answering("refused", "it is over")
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (1, "refused: it is over\n")
    assert told in result.stderr
    (row,) = commands(running)
    assert (row["kind"], row["actor"]) == (kind, "cli")


@pytest.mark.parametrize("given", ["", "%", "_"])
def test_a_pattern_is_no_id(call: Call, running: Path, given: str) -> None:
    with closing(sqlite3.connect(running)) as connection:
        connection.execute(CLOSED)
        connection.commit()
    result = call("close", given)
    assert result.exit_code == 2
    assert "fits none of them. Alive now: none" in result.stderr
    assert commands(running) == []


def test_an_id_is_found_whole_then_by_its_end_then_by_its_beginning() -> None:
    names = {"one": ["AAB1"], "two": ["AAC1"], "three": ["1AAB1"]}
    assert matches("aab1", names) == ["one"]
    assert matches("ac1", names) == ["two"]
    assert matches("1a", names) == ["three"]
    assert matches("b1", names) == ["one", "three"]
    assert matches("x", names) == []


# ---- with no bot running


@pytest.mark.parametrize(
    "arguments", [["flatten"], ["emergency"], ["pause"], ["resume"], ["resume", "spy"], ["close", POSITION]]
)
def test_with_no_bot_running_nothing_is_asked(call: Call, running: Path, arguments: list[str]) -> None:
    result = call(*arguments)
    assert result.exit_code == 1
    assert "no bot runs on the store sqlite+aiosqlite:///" in result.stderr
    assert commands(running) == []


@pytest.mark.parametrize("command", ["emergency", "flatten"])
def test_where_a_bot_runs_on_another_store_it_is_named(
    call: Call, running: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    elsewhere = Holder(4711, "here", "2026-11-20T10:00:00", "run.py", "sqlite+aiosqlite:////var/lib/other.db")
    monkeypatch.setattr("bot.app.locks.running_bots", lambda: [elsewhere])
    result = call(command)
    assert result.exit_code == 1
    assert "A bot runs elsewhere: process 4711 on here" in result.stderr
    assert "QUANTICITY__DATABASE__URL=sqlite+aiosqlite:////var/lib/other.db" in result.stderr
    assert "kill -USR1 4711" in result.stderr


def test_what_is_queued_is_listed_with_its_end_and_can_be_withdrawn(call: Call, running: Path) -> None:
    assert call("flatten", "--queue").exit_code == 0
    (row,) = commands(running)
    assert (row["state"], row["kind"]) == ("queued", "flatten")
    (listed,) = json.loads(call("requests", "--json").stdout)
    assert listed["id"] == row["id"]
    assert 590 < int(listed["expires"].split()[1]) <= 600
    result = call("withdraw", row["id"][-6:])
    assert (result.exit_code, result.stdout) == (0, f"withdrawn: {row['id']}\n")
    (row,) = commands(running)
    assert (row["state"], row["answer"]) == ("refused", "WITHDRAWN: withdrawn by cli")
    assert json.loads(call("requests", "--json").stdout) == []


def test_what_expired_is_listed_as_such(call: Call, running: Path) -> None:
    call("pause", "--queue")
    with closing(sqlite3.connect(running)) as connection:
        connection.execute("UPDATE command SET asked_at = '2026-01-01T00:00:00+00:00'")
        connection.commit()
    assert "expired: is refused at the next start" in call("requests", "--json").stdout


@pytest.mark.parametrize("price", ["2,10", "1,234.50", "1.234,50", "1 234,50", "1.234", "1_000", "nan", "1e3"])
def test_a_price_that_can_be_read_in_two_ways_is_refused_before_it_is_asked(
    call: Call, alive: Path, price: str
) -> None:
    result = call("settle", UNSETTLED, price)
    assert result.exit_code == 2
    assert "write it with a point and without thousands signs" in result.stderr
    assert commands(alive) == []
