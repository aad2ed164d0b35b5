"""The whole program with its simulated people, started by hand and looked at from outside: its inbox, its store, its
children."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bot.domain.ids import ulid
from bot.sim.services.inbox import PROGRAM_HEADER
from bot.store.read.inbound import insert_inbound

ROOT: Final = Path(__file__).resolve().parents[2]
OWNER: Final = 1001
STRANGER: Final = 1900
PATIENCE_S: Final = 180.0
PEOPLE: Final = "bot.app.people_process"


class NeverHappened(AssertionError):
    """What was waited for did not come to pass."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(what: Callable[[], Any], why: str, patience_s: float = PATIENCE_S, look_s: float = 0.05) -> Any:
    """Wait for something to be true and return it."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            if found := what():
                return found
        except (sqlite3.OperationalError, OSError, IndexError):
            pass  # the store or the simulator is not there yet, or not any more
        time.sleep(look_s)
    raise NeverHappened(why)


class Program:
    """One store and one simulator for the length of a campaign; the process in it may be another one later."""

    def __init__(self, folder: Path, scenario: str, speed: float, **settings: str) -> None:
        self.folder, self.scenario, self.speed = folder, scenario, speed
        self.store, self.log = folder / "store.db", folder / "log.txt"
        self.inbox_port = free_port()
        given = {
            "DATABASE__URL": self.url, "WEB__PORT": str(free_port()), "SIM__STATE_DIR": str(folder),
            "SIM__SERVICES__INBOX_PORT": str(self.inbox_port), **settings,
        }  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QUANTICITY")}
        self.environment = {**kept, **{f"QUANTICITY__{name}": value for name, value in given.items()}}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self.store}"

    # ---- its life

    def start(self, *more: str) -> None:
        command = [sys.executable, "run.py", "run", "--scenario", self.scenario, "--speed", str(self.speed), *more]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        until(lambda: self.sql("SELECT state FROM session_state")[0][0] in {"active", "paused"}, "a session")
        until(self.people_pid, "the people's process")
        until(self.book, "the inbox")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        until(lambda: not self._answers(), "the simulator's end")

    def kill_people(self) -> None:
        pid = self.people_pid()
        if pid:
            os.kill(pid, signal.SIGKILL)

    def people_pid(self) -> int:
        """Return the process of the people, 0 where there is none."""
        assert self.process is not None
        for pid in _children(self.process.pid):
            if PEOPLE in _command(pid):
                return pid
        return 0

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.inbox_port)) == 0

    # ---- its store

    def sql(self, question: str, *given: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(question, given).fetchall()

    def raise_alert(self, code: str, entity: str, text: str) -> None:
        """Have an alert raised, as the people's process does it."""
        now = datetime.now(UTC)
        payload = {"code": code, "text": text, "entity": entity}
        insert_inbound(self.url, ulid(now, secrets.randbits(80)), "people", "alert", payload, now)

    # ---- its people

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.inbox_port}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    def book(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get("/book.json"))
        return found

    def do(self, **form: Any) -> None:
        """Do something at the inbox, as a program."""
        body = urllib.parse.urlencode({name: str(value) for name, value in form.items()}).encode()
        headers = {PROGRAM_HEADER: "1", "Accept": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.inbox_port}/do", body, headers)
        with urllib.request.urlopen(request, timeout=20):
            pass

    def say(self, text: str, person: int = OWNER) -> None:
        self.do(do="say", **{"as": person}, chat=person, text=text)

    def press(self, message: dict[str, Any], label: str, person: int = OWNER) -> None:
        data = next(data for row in message["buttons"] for each, data in row if each == label)
        self.do(do="press", **{"as": person}, chat=person, message=message["id"], data=data)

    def chat(self, person: int = OWNER) -> list[dict[str, Any]]:
        """Return what the bot has in somebody's chat, as it stands now, oldest first."""
        return [each for each in self._entries(person) if each["sender"] == "bot" and not each["deleted"]]

    def _entries(self, person: int) -> Iterator[dict[str, Any]]:
        for place in self.book()["places"]:
            if place["service"] == "telegram" and place["id"] == str(person):
                yield from place["entries"]

    def message(self, holds: str, person: int = OWNER) -> dict[str, Any] | None:
        """Return the newest message of a chat that holds a text."""
        return next((each for each in reversed(self.chat(person)) if holds in each["text"]), None)

    def most_in_a_minute(self) -> int:
        """Return the most messages that any chat of Telegram got within sixty seconds."""
        rates = self.book()["rates"]
        return max(int(each["most_in_a_minute"]) for each in rates if each["key"].startswith("telegram:"))

    # ---- its memory

    def rss_mb(self, pid: int) -> float:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
