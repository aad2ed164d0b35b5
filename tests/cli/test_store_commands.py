"""Commands on a store: status, what operators ask, audit, copies."""

from __future__ import annotations

import asyncio
import csv
import fcntl
import io
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import Result

from bot.app.locks import Holder
from bot.cli.operator import matches
from bot.domain.approval import Approval
from bot.domain.events import AlertRaised
from bot.domain.ids import ulid
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import Execution, Order, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import CloseReason, ExitPlan, Position, PositionState, Rung, Settlement
from bot.domain.session import Session, SessionState
from bot.domain.signal import Signal
from bot.engine.state.records import EngineStatus, NewExecution, NewTransition, TickBatch
from bot.feeds.clock import ManualClock
from bot.store import database as database_module
from bot.store.queries import QUERIES, SHORT
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from bot.store.values import time_text

Call = Callable[..., Result]

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
CONTRACT = OptionContract("SPY", date(2026, 11, 20), Right.CALL, Decimal(590))
SIGNAL, POSITION, UNSETTLED = ulid(NOW, 0xAAAAA), ulid(NOW, 0xBBBBB), ulid(NOW, 0xCCCCC)


def pulse() -> EngineStatus:
    return EngineStatus(
        tick=7, at=NOW, tick_ms=1.5, mode="sim", speed=30, scenario="demo", inbox_depth=0, quotes_per_s=4,
        session_day=NOW.date(), session_open_at=NOW - timedelta(minutes=30), session_close_at=NOW + timedelta(hours=6),
        broker_synced_at=NOW, waiting_for=(),
    )  # fmt: skip


def a_signal() -> Signal:
    return Signal(
        id=SIGNAL, strategy="zero_dte_gamma", contract=CONTRACT, quantity=4, limit_price=Decimal("1.25"),
        notional=Decimal(500), created_at=NOW, expires_at=NOW + timedelta(seconds=180), approval_id=f"{SIGNAL}A",
    )  # fmt: skip


def a_position() -> Position:
    plan = ExitPlan(
        rungs=(Rung(Decimal("0.5"), Decimal("0.25")),), stop_loss=Decimal("0.5"), trail=Decimal("0.25"),
        single_trail_from=Decimal("0.5"), flat_at=NOW + timedelta(hours=5),
    )  # fmt: skip
    return Position(
        id=POSITION, contract=CONTRACT, strategy="zero_dte_gamma", plan=plan, opened_at=NOW,
        entry_quantity=4, entry_value=Decimal(5), high=Decimal("1.25"),
    )  # fmt: skip


def born(machine: str, entity_id: str, state: str) -> NewTransition:
    return NewTransition(machine, entity_id, state, state, "created", "tick", "because", {}, NOW)


async def write(url: str, batch: TickBatch) -> None:
    store = SqlStore(url, ManualClock(NOW))
    await store.open()
    try:
        await store.commit(batch)
    finally:
        await store.close()


@pytest.fixture
def database(home: Path) -> Path:
    """A migrated store on which no bot has run."""
    path = home / "data" / "quanticity.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


def an_unsettled_position() -> Position:
    """Yesterday's, that went through its expiry without a price."""
    yesterday = NOW - timedelta(days=1)
    return replace(
        a_position(), id=UNSETTLED, state=PositionState.CLOSED, opened_at=yesterday, closed_at=yesterday,
        settled_quantity=a_position().quantity, close_reason=CloseReason.SETTLEMENT_PENDING,
        settlement=Settlement.PENDING,
    )  # fmt: skip


@pytest.fixture
def running(database: Path) -> Path:
    """A store as a running bot leaves it: a pulse, a signal that waits for a person, an open position."""
    batch = TickBatch(tick=7, recorded_at=NOW, status=pulse(), session=Session(state=SessionState.ACTIVE))
    batch.signals[SIGNAL] = a_signal()
    batch.approvals[f"{SIGNAL}A"] = Approval(f"{SIGNAL}A", SIGNAL, NOW, NOW + timedelta(seconds=180))
    batch.positions[POSITION] = a_position()
    batch.positions[UNSETTLED] = an_unsettled_position()
    batch.transitions = [born("signal", SIGNAL, "pending"), born("position", POSITION, "filled")]
    asyncio.run(write(f"sqlite+aiosqlite:///{database}", batch))
    return database


@pytest.fixture
def alive(running: Path) -> Iterator[Path]:
    """The store while a bot holds its lock."""
    with running.with_name(running.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield running


def commands(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM command ORDER BY created_at, id")]


class Bot(threading.Thread):
    """Answers the next queued command with a fixed outcome, as the tick would."""

    def __init__(self, path: Path, state: str, answer: str) -> None:
        super().__init__(daemon=True)
        self._path, self._outcome = path, (state, answer)
        self.stop = threading.Event()

    def run(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=5, isolation_level=None)) as connection:
            while not self.stop.wait(0.01):
                connection.execute("UPDATE command SET state = ?, answer = ? WHERE state = 'queued'", self._outcome)


@pytest.fixture
def answering(alive: Path) -> Iterator[Callable[[str, str], None]]:
    bots: list[Bot] = []

    def begin(state: str, answer: str) -> None:
        bots.append(Bot(alive, state, answer))
        bots[-1].start()

    yield begin
    for bot in bots:
        bot.stop.set()
        bot.join(timeout=5)


# ---- status


@pytest.mark.usefixtures("running")
def test_status_shows_what_is_alive(call: Call) -> None:
    result = call("status")
    assert result.exit_code == 1, "nobody runs on it"
    assert result.stdout.startswith("NOT RUNNING\n")
    assert "2026-11-20 10:00:00 New York, tick 7, 30× the wall clock" in result.stdout
    assert "session     active" in result.stdout
    assert SIGNAL[-6:] in result.stdout
    assert POSITION[-6:] in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert SIGNAL in call("status", "--wide").stdout


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
    assert "session     halted: news (by admin:web:ann since 2026-11-20 09:50:00 New York)" in told
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


# ---- audit


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("name", list(QUERIES))
def test_every_named_query_can_be_shown_and_run(call: Call, name: str) -> None:
    assert QUERIES[name].sql.strip() in call("audit", "show", name).stdout
    given = [f"{p.name}={POSITION[-6:]}" for p in QUERIES[name].parameters if p.default is None]
    assert isinstance(json.loads(call("audit", "run", name, *given, "--json").stdout), list)


def test_audit_list_names_every_query(call: Call) -> None:
    assert [row["name"] for row in json.loads(call("audit", "list", "--json").stdout)] == list(QUERIES)
    assert all(name in call("audit", "list").stdout for name in QUERIES)


@pytest.mark.usefixtures("running")
def test_rows_come_as_csv_with_a_header(call: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(call("audit", "run", "position_story", f"id={POSITION}", "--csv").stdout)))
    assert [row["machine"] for row in rows] == ["position"]


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    "arguments,told",
    [
        (["run", "nonsense"], "no audit query 'nonsense'; there are: why_trade"),
        (["show", "nonsense"], "no audit query 'nonsense'"),
        (["run", "why_trade"], "needs id=..."),
        (["run", "why_trade", "id=ZZZ"], "id=ZZZ: no signal and no position has an id that ends so"),
        (["run", "trades", "colour=red"], "has no parameter 'colour'"),
        (["run", "trades", "red"], "'red' is not parameter=value"),
        (["run", "trades", "--csv", "--json"], "choose one of them"),
        (["verify", "--head", "x"], "must be SEQ:HASH"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(call: Call, arguments: list[str], told: str) -> None:
    result = call("audit", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_whole_chain_verifies_and_its_head_can_be_asked_for_later(call: Call, running: Path) -> None:
    seen = json.loads(call("audit", "verify", "--json").stdout)
    assert (seen["ok"], seen["rows"]) == (True, 2)
    head = f"{seen['head']['seq']}:{seen['head']['hash']}"
    assert call("audit", "verify", "--head", head).stdout == f"ok: 2 transitions, head {head}\n"
    result = call("audit", "verify", "--head", f"2:{'0' * 64}")
    assert result.exit_code == 1
    assert "BROKEN" in result.stdout


def test_a_changed_row_is_found_and_ends_with_1(call: Call, running: Path) -> None:
    with closing(sqlite3.connect(running)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE transition SET reason = 'another' WHERE seq = 1")
        connection.commit()
    result = call("audit", "verify")
    assert result.exit_code == 1
    assert "changed: row 1" in result.stdout


@pytest.mark.usefixtures("database")
def test_invariants_of_an_empty_store_hold(call: Call) -> None:
    findings = json.loads(call("audit", "invariants", "--json").stdout)
    assert [finding["invariant"] for finding in findings] == [f"I{n}" for n in range(1, 13)]
    assert all(finding["ok"] for finding in findings)


@pytest.mark.usefixtures("running")
def test_a_broken_invariant_ends_with_1(call: Call) -> None:
    result = call("audit", "invariants")  # the position above has no execution behind it
    assert result.exit_code == 1
    assert "BROKEN I3" in result.stdout


@pytest.mark.usefixtures("running")
def test_an_export_has_every_row_and_never_overwrites(call: Call, tmp_path: Path) -> None:
    target = tmp_path / "chain.jsonl"
    assert call("audit", "export", str(target)).stdout == f"2 transitions written to {target}\n"
    assert [json.loads(line)["seq"] for line in target.read_text(encoding="utf-8").splitlines()] == [1, 2]
    assert call("audit", "export").stdout == target.read_text(encoding="utf-8")
    result = call("audit", "export", str(target))
    assert result.exit_code == 2
    assert "never overwrites" in result.stderr


# ---- the store's schema and copies


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


class Comparing(threading.Thread):
    """A bot that answers `reconcile` and writes the comparison."""

    def __init__(self, path: Path, lines: list[tuple[str, str, str, str, str]]) -> None:
        super().__init__(daemon=True)
        self._path, self._lines = path, lines

    def run(self) -> None:
        at = time_text(NOW + timedelta(seconds=1))
        with closing(sqlite3.connect(self._path, timeout=5, isolation_level=None)) as connection:
            answer = "UPDATE command SET state = 'done', answer = 'asked', handled_at = ? WHERE state = 'queued'"
            while not connection.execute(answer, (at,)).rowcount:
                threading.Event().wait(0.01)
            connection.execute(
                "INSERT INTO reconciliation (id, at, reason, complete) VALUES ('R1', ?, 'asked', 1)", (at,)
            )
            connection.executemany(
                "INSERT INTO reconciliation_line (reconciliation_id, line, subject, key, ours, broker, action) "
                "VALUES ('R1', ?, ?, ?, ?, ?, ?)",
                [(number, *line) for number, line in enumerate(self._lines)],
            )


@pytest.mark.usefixtures("alive")
def test_reconcile_shows_what_the_broker_has_what_the_store_has_and_what_was_done(call: Call, running: Path) -> None:
    bot = Comparing(
        running, [("position", CONTRACT.key, "4", "4", "same"), ("order", "qty-1", "missing", "working", "x")]
    )
    bot.start()
    result = call("reconcile", "--json")
    bot.join(timeout=5)
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert shown["differences"] == 1
    assert shown["lines"][1] == {
        "subject": "position", "key": CONTRACT.key.strip(), "broker": "4", "store": "4", "action": "same",
    }  # fmt: skip


@pytest.mark.usefixtures("alive")
def test_our_orders_that_agree_stand_in_the_table_too(call: Call, running: Path) -> None:
    """The store keeps a line of each that differs; the others are as the broker has them."""
    stop = Order(
        id=ulid(NOW, 0xDDDDD), order_ref="qty-stop", contract_key=CONTRACT.key, purpose=Purpose.PROTECT,
        side=OrderSide.SELL, order_type=OrderType.STOP, terms=Terms(4, stop_price=Decimal("0.62")), created_at=NOW,
        state_since=NOW, state=OrderState.WORKING, position_id=POSITION, submitted_at=NOW,
    )  # fmt: skip
    doubted = replace(stop, id=ulid(NOW, 0xEEEEE), order_ref="qty-1")
    later = replace(stop, id=ulid(NOW, 0xFFFFF), order_ref="qty-2", submitted_at=NOW + timedelta(seconds=9))
    batch = TickBatch(tick=8, recorded_at=NOW, orders={order.id: order for order in (stop, doubted, later)})
    asyncio.run(write(f"sqlite+aiosqlite:///{running}", batch))
    bot = Comparing(running, [("order", "qty-1", "working", "absent", "asked again")])
    bot.start()
    result = call("reconcile", "--json")
    bot.join(timeout=5)
    words = "working: SELL 4 SPY   261120C00590000 stop 0.62"
    told = {"subject": "order", "key": "qty-1", "broker": "absent", "store": "working", "action": "asked again"}
    agrees = {"subject": "order", "key": "qty-stop", "broker": words, "store": words, "action": "same"}
    assert json.loads(result.stdout)["lines"] == [told, agrees]


BY_HAND = ("order", "901 by hand", "not ours", "SELL 1 SPY   261120C00590000 limit 9, working, 0 filled", "left alone")


@pytest.mark.usefixtures("alive")
def test_what_is_not_ours_is_shown_and_is_no_difference(call: Call, running: Path) -> None:
    bot = Comparing(running, [("position", CONTRACT.key, "4", "4", "same"), BY_HAND])
    bot.start()
    shown = call("reconcile", "--json")
    bot.join(timeout=5)
    assert json.loads(shown.stdout)["differences"] == 0
    fill = Execution("0001.01", "theirs", 902, 5, CONTRACT.key, OrderSide.BUY, 3, Decimal("1.20"), NOW, 78)
    late = replace(fill, exec_id="0002.01", executed_at=NOW - timedelta(days=1))
    batch = TickBatch(
        tick=8, recorded_at=NOW, executions=[NewExecution(each, None, None, None) for each in (fill, late)]
    )
    asyncio.run(write(f"sqlite+aiosqlite:///{running}", batch))
    others = json.loads(call("status", "--json").stdout)["not_ours"]
    assert [(row["what"], row["key"], row["words"]) for row in others] == [
        ("order", "901 by hand", BY_HAND[3]),
        ("execution", "0001.01", "BUY 3 SPY   261120C00590000 at 1.20, client 78, reference theirs"),
    ]


def test_reconcile_without_a_bot_says_so(call: Call, running: Path) -> None:
    result = call("reconcile", "--wait", "0")
    assert result.exit_code == 1
    assert "no bot runs on the store" in result.stderr
    assert commands(running) == []


# ---- alerts, and a store in which somebody wrote


LONG: Final = "x\x1b[2J" * 4_000_000


@pytest.fixture
async def alarmed(running: Path) -> Path:
    batch = TickBatch(tick=8, recorded_at=NOW, status=pulse())
    day = timedelta(days=1)
    batch.alerts += [
        AlertRaised("CLOCK_SKEW", "our clock differs from the broker's by 12 s " * 5, {}, NOW - day),
        AlertRaised("UNPROTECTED", "SPY 590C 20 Nov: no stop works", {}, NOW),
    ]
    await write(f"sqlite+aiosqlite:///{running}", batch)
    return running


@pytest.mark.usefixtures("alarmed")
def test_alerts_are_listed_within_80_columns_the_newest_last(call: Call) -> None:
    shown = call("alerts").stdout
    assert shown.index("CLOCK_SKEW") < shown.index("UNPROTECTED")
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" in shown
    assert "…" not in call("alerts", "--wide").stdout


@pytest.mark.usefixtures("alarmed")
@pytest.mark.parametrize("given", [["--since", "today"], ["--severity", "critical"], ["--limit", "1"]])
def test_alerts_are_narrowed(call: Call, given: list[str]) -> None:
    assert [row["code"] for row in json.loads(call("alerts", *given, "--json").stdout)] == ["UNPROTECTED"]
    rows = list(csv.DictReader(io.StringIO(call("alerts", *given, "--csv").stdout)))
    assert [row["severity"] for row in rows] == ["critical"]


@pytest.mark.usefixtures("alarmed")
@pytest.mark.parametrize("given", [["--since", "soon"], ["--severity", "loud"], ["--csv", "--json"]])
def test_alerts_of_no_day_and_no_severity_are_refused(call: Call, given: list[str]) -> None:
    assert call("alerts", *given).exit_code == 2


@pytest.mark.parametrize("arguments", [["status"], ["status", "--wide"], ["status", "--json"], ["alerts", "--wide"],
                                       ["requests"], ["requests", "--json"]])  # fmt: skip
def test_a_text_of_megabytes_that_somebody_wrote_stays_small_where_it_is_read(
    call: Call, alarmed: Path, arguments: list[str]
) -> None:
    with sqlite3.connect(alarmed) as connection:
        connection.execute("UPDATE alert SET text = ?, facts = ?", (LONG, LONG))
        connection.execute("UPDATE session_state SET hold_reason = ?", (LONG,))
        connection.execute(
            "INSERT INTO command (id, kind, payload, actor, state, created_at, answer) VALUES (?,?,?,?,?,?,?)",
            ("c" * 26, "pause", LONG, LONG, "queued", NOW.isoformat(), LONG),
        )
    assert len(call(*arguments).stdout) < 100_000


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("name", list(QUERIES))
def test_every_named_query_has_a_short_table_within_80_columns(call: Call, name: str) -> None:
    assert name in SHORT
    given = [f"{p.name}={POSITION[-6:]}" for p in QUERIES[name].parameters if p.default is None]
    shown = call("audit", "run", name, *given).stdout
    assert max(map(len, shown.splitlines())) <= 80


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
