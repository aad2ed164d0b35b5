"""The program as its user starts it: real processes, the real client library, real sockets, a real kill."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_S, UNHURRIED, ended, ends, until_so

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


BEFORE_THE_ENTRY = ("--start-at", "2026-11-20T09:44:30-05:00")
"""A minute before the demo day's book fills with bids, which is what its first entry waits for."""


class Program:
    """Starts `run.py` on a store of its own and reads that store from outside."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store.db"
        self.log = folder / "log.txt"
        self.environment = {
            **os.environ,
            "QUANTICITY__DATABASE__URL": f"sqlite+aiosqlite:///{self.store}",
            "QUANTICITY__WEB__PORT": "0",
            "QUANTICITY__SIM__STATE_DIR": str(folder),
            "PYTHONFAULTHANDLER": "1",
            **UNHURRIED,
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "run.py", *arguments],
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.started.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "run.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=PATIENCE_S)) as connection:
            return connection.execute(sql).fetchall()

    def wait_for(self, what: Callable[[], bool]) -> None:
        def is_so() -> bool:
            try:
                return what()
            except sqlite3.OperationalError:
                return False  # the store is not there yet

        if not until_so(is_so, nap_s=0.1):
            pytest.fail(f"it did not come to pass; the log ends:\n{self.log.read_text()[-2000:]}")

    def page_port(self) -> int:
        """Return the port that the page was given, once it listens: it is in the log."""
        self.wait_for(lambda: self._page_line() is not None)
        found = self._page_line()
        assert found is not None
        return int(found[1])

    def _page_line(self) -> re.Match[str] | None:
        return re.search(r"page: http://[\d.]+:(\d+)", self.log.read_text())


@pytest.fixture
def program(tmp_path: Path, calendar_folder: Path) -> Iterator[Program]:
    shutil.copytree(calendar_folder, tmp_path, dirs_exist_ok=True)
    program = Program(tmp_path)
    yield program
    for process in program.started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_a_half_day_is_traded_to_its_close_over_sockets(program: Program) -> None:
    from_noon = ("--start-at", "2026-11-27T12:04:00-05:00")  # its trade is opened at six past and ended by the clock
    process = program.start("--scenario", "half_day", *from_noon, "--speed", "60", "--until-close")
    printed, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, program.log.read_text()[-3000:]
    assert "invariants  12 of 12 hold" in printed
    assert program.ask("SELECT count(*) FROM position WHERE state = 'closed'")[0][0] >= 1
    assert program.ask("SELECT count(*) FROM position WHERE state != 'closed'") == [(0,)]
    assert program.ask("SELECT count(*) FROM transition WHERE trigger LIKE 'refused:%'") == [(0,)]
    assert program.run("audit", "verify").returncode == 0
    assert program.run("audit", "invariants").returncode == 0


def test_a_killed_run_goes_on_with_its_position_protected_and_nothing_doubled(program: Program) -> None:
    held = "SELECT id, quantity FROM position WHERE state != 'closed' AND protected_at IS NOT NULL ORDER BY id"
    first = program.start("--scenario", "demo", *BEFORE_THE_ENTRY, "--speed", "30")
    program.wait_for(lambda: len(program.ask(held)) >= 1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = program.ask(held)
    entries = program.ask("SELECT order_ref FROM broker_order WHERE purpose = 'entry'")

    program.start("--scenario", "demo", "--speed", "2")  # the market goes on at once, and slowly: no rung comes due
    program.wait_for(lambda: _synced_after_restart(program))
    # Another entry may have been on its way when the program died, and fill.
    assert set(before) <= set(program.ask(held))
    assert set(entries) <= set(program.ask("SELECT order_ref FROM broker_order WHERE purpose = 'entry'"))
    twice = "SELECT signal_id FROM broker_order WHERE purpose = 'entry' GROUP BY signal_id HAVING count(*) > 1"
    assert program.ask(twice) == [], "one entry a signal"
    assert program.ask("SELECT id FROM position WHERE origin != 'bot'") == [], "none was found anew"
    assert program.run("audit", "invariants").returncode == 0


def _synced_after_restart(program: Program) -> bool:
    sql = "SELECT max(CASE trigger WHEN 'restart' THEN seq END), max(CASE trigger WHEN 'reconciled' THEN seq END)"
    restarted, reconciled = program.ask(f"{sql} FROM transition WHERE machine = 'session'")[0]
    return bool(restarted and reconciled and int(str(reconciled)) > int(str(restarted)))


def test_sigterm_ends_the_program_and_its_children_in_good_order(program: Program) -> None:
    process = program.start("--scenario", "demo", "--speed", "30")
    program.wait_for(lambda: program.ask("SELECT state FROM session_state") == [("active",)])
    process.send_signal(signal.SIGTERM)
    code, worked_s = ends(process)
    assert code == 0
    assert worked_s < 5
    assert program.ask("SELECT state FROM session_state") == [("stopping",)]


def test_a_gateway_that_is_not_there_is_waited_for_with_the_page_up(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])  # bound and not listening: refused
        login = {"UNUSUAL_WHALES_TOKEN": "t0ken-x", "WEB_LOGIN_TOKEN": "t0ken-y-long-enough"}
        login |= {"QUANTICITY__PEOPLE__USERS": "[{name: ann, role: owner}]"}
        settings = {"QUANTICITY__IBKR__PORT": port, **login}
        process = program.start("--mode", "paper", **settings)
        told = f"connecting: no gateway at 127.0.0.1:{port}"
        program.wait_for(lambda: told in str(program.ask("SELECT detail FROM connection_state")))
        program.wait_for(lambda: told in str(program.ask("SELECT text FROM alert WHERE code = 'BROKER_UNREACHABLE'")))
        program.wait_for(lambda: program.ask("SELECT count(*) FROM transition WHERE trigger = 'drop'")[0][0] >= 3)
        assert program.ask("SELECT count(*) FROM alert WHERE code = 'BROKER_UNREACHABLE'") == [(1,)], "told once"
        assert told in program.run("status", **settings).stdout
        with urllib.request.urlopen(f"http://127.0.0.1:{program.page_port()}/", timeout=PATIENCE_S) as answer:
            assert told in answer.read().decode()
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE_S) == 0, "SIGHUP stops as SIGTERM does"
    assert "Traceback" not in program.log.read_text()
    assert program.log.read_text().count(f"down: {told}") == 1, "told once, not once a try"


def test_a_page_port_that_is_taken_is_one_sentence_and_exit_code_75(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = program.run("--scenario", "demo", QUANTICITY__WEB__PORT=port)
    assert done.returncode == 75
    assert f"web.port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_of_a_newer_schema_is_refused(program: Program) -> None:
    assert program.run("db", "upgrade").returncode == 0
    with sqlite3.connect(program.store) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = program.run("--scenario", "demo")
    assert done.returncode == 2
    assert "9999" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_emergency_by_signal_halts_takes_entries_back_sells_everything_and_leaves_a_command_row(
    program: Program,
) -> None:
    # Slowly, so that the position lives for minutes: it is to be ended by the signal.
    process = program.start("--scenario", "demo", *BEFORE_THE_ENTRY, "--speed", "15")
    held = "SELECT id FROM position WHERE state != 'closed' AND protected_at IS NOT NULL"
    program.wait_for(lambda: len(program.ask(held)) >= 1)
    _reconciles_twice_and_changes_nothing(program)
    process.send_signal(signal.SIGUSR1)
    row = "SELECT actor, kind, payload, state, answer FROM command WHERE kind != 'reconcile'"
    program.wait_for(lambda: len(program.ask(row)) == 1)
    ((actor, kind, payload, state, answer),) = program.ask(row)
    assert (actor, kind, payload, state) == ("signal", "emergency", '{"signal":"SIGUSR1"}', "done")
    assert str(answer).startswith("halted; closing ")
    program.wait_for(lambda: program.ask("SELECT count(*) FROM position WHERE state != 'closed'") == [(0,)])
    live = "SELECT count(*) FROM broker_order WHERE state NOT IN ('filled', 'cancelled', 'rejected')"
    program.wait_for(lambda: program.ask(live) == [(0,)])
    assert program.ask("SELECT state, hold, held_by FROM session_state") == [("halted", "halt", "signal")]
    reasons = {reason for (reason,) in program.ask("SELECT close_reason FROM position")}
    assert "flatten" in reasons
    shown = program.run("status").stdout
    assert re.search(r"halted: emergency stop by signal \(by signal since \d{1,2} \w{3} 2026 \d\d:\d\d", shown), shown
    assert program.ask("SELECT count(*) FROM v_admin_actions WHERE actor = 'signal' AND source = 'command'") == [(1,)]
    entries = program.ask("SELECT count(*) FROM broker_order WHERE purpose = 'entry'")
    at = program.ask("SELECT tick FROM engine_status")
    program.wait_for(lambda: program.ask("SELECT tick FROM engine_status") > at)
    assert process.poll() is None, "it goes on running, for a person to look"
    assert program.ask("SELECT count(*) FROM broker_order WHERE purpose = 'entry'") == entries
    assert program.run("audit", "invariants").returncode == 0


def _reconciles_twice_and_changes_nothing(program: Program) -> None:
    """Of one process the second command, too: a start is the slowest part of such a test."""
    seen = [program.run("reconcile", "--json", "--wait", f"{PATIENCE_S:g}") for _ in range(2)]
    assert [done.returncode for done in seen] == [0, 0], seen[-1].stderr
    first, second = (json.loads(done.stdout) for done in seen)
    assert (first["differences"], second["differences"]) == (0, 0)
    assert first["id"] != second["id"], "each asked the broker anew"
    moved = "SELECT * FROM transition WHERE actor = 'reconcile' AND machine IN ('order', 'position')"
    assert program.ask(moved) == []
    assert program.ask("SELECT count(*) FROM position WHERE origin != 'bot'") == [(0,)]


def test_check_beside_its_own_running_bot_is_ready(program: Program) -> None:
    program.start("--scenario", "demo", "--speed", "30")
    program.wait_for(lambda: program.ask("SELECT state FROM session_state") == [("active",)])
    port = program.page_port()
    done = program.run("check", "--json", QUANTICITY__WEB__PORT=str(port))
    assert done.returncode == 0, done.stdout
    assert f"{port}" in done.stdout
    assert "Stop what listens there" not in done.stdout


def test_a_start_that_is_ended_while_its_venue_loads_prints_no_traceback(program: Program) -> None:
    for word in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(word) is signal.SIG_IGN:
            continue  # who started the tests keeps it from them (nohup, a shell's &), and so from what they start
        process = program.start("--scenario", "demo", "--speed", "30")
        program.wait_for(lambda pid=process.pid: children_of(pid) != [])  # type: ignore[misc]
        process.send_signal(word)
        try:
            ended(process)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{word!r} did not end it; its log:\n{program.log.read_text()[-6000:]}")
    assert "Traceback" not in program.log.read_text()


def children_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
