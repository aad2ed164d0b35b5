"""The simulated venue as a process of its own, and its book as it writes it to disk after every event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUSY_DAY = Path(__file__).with_name("busy_day.yaml")
LIVE = frozenset({"PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel"})


@dataclass(frozen=True)
class Book:
    """The venue's own truth: orders by permanent id, executions, what is held by contract id, its time."""

    at: datetime
    orders: list[dict[str, Any]]
    executions: list[dict[str, Any]]
    held: dict[int, int]

    def live(self) -> list[dict[str, Any]]:
        return [order for order in self.orders if order["status"] in LIVE]

    def unprotected(self) -> dict[int, int]:
        """Return contracts that no working sale covers, by contract id; one whose entry still works is not due yet."""
        covered: dict[int, int] = {}
        entering = set()
        for order in self.live():
            ticket = order["ticket"]
            if ticket["side"] == "BUY":
                entering.add(ticket["instrument"])
            else:
                left = ticket["quantity"] - order["filled"]
                covered[ticket["instrument"]] = covered.get(ticket["instrument"], 0) + left
        bare = {con_id: held - covered.get(con_id, 0) for con_id, held in self.held.items() if con_id not in entering}
        return {con_id: short for con_id, short in bare.items() if short > 0}


def read_book(path: Path) -> Book | None:
    """Return the book; None before the first was written."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    venue = {name: _plain(data["venue"][name]) for name in ("holdings", "orders", "executions")}
    held = {each["instrument"]: each["quantity"] for each in venue["holdings"] if each["quantity"]}
    orders = [work["order"] for work in venue["orders"]]
    return Book(datetime.fromisoformat(data["at"]), orders, venue["executions"], held)


def _plain(value: Any) -> Any:
    """Return the venue's tagged JSON as plain values."""
    match value:
        case {"$record": str(), "fields": dict(fields)}:
            return {name: _plain(each) for name, each in fields.items()}
        case {"$decimal": text}:
            return Decimal(text)
        case {"$time": text}:
            return datetime.fromisoformat(text)
        case {"$contract": con_id}:
            return con_id
        case [*items]:
            return [_plain(each) for each in items]
        case _:
            return value


class Venue:
    """`python run.py sim` on free ports; `stop` ends it."""

    def __init__(self, directory: Path, seed: int, speed: float, scenario: str = str(BUSY_DAY)) -> None:
        self.path = directory / "venue.json"
        self.speed = speed
        self.scenario, self.seed = scenario, seed
        environment = {**os.environ, "QUANTICITY_HOME": str(directory)}
        command = [sys.executable, str(ROOT / "run.py"), "sim", "--scenario", scenario, "--seed", str(seed)]
        command += ["--speed", str(speed), "--tws-port", "0", "--uw-port", "0", "--state-file", str(self.path)]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("ready "):
            raise RuntimeError("the venue did not start; its own message stands above")
        words = dict(part.split("=") for part in line.split()[1:])
        self.tws_port, self.uw_port = int(words["tws"]), int(words["uw"])

    def book(self) -> Book:
        """Return the book as of now, at most a moment old."""
        while (book := read_book(self.path)) is None:
            time.sleep(0.02)
        return book

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass
class Bare:
    """Contract-seconds (wall) without a working sale at the venue, by what the bot was doing; longest stretch last."""

    seconds: dict[str, float] = field(default_factory=dict)
    longest_running: float = 0.0


class ProtectionWatch(threading.Thread):
    """Looks at the venue's book 50 times a second. `phase` is set by whoever runs the bot: dead, starting, running."""

    def __init__(self, venue: Venue) -> None:
        super().__init__(daemon=True, name="protection watch")
        self.phase = "dead"
        self.result = Bare()
        self._venue = venue
        self._since: dict[int, float] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        last = time.monotonic()
        stamp, bare = 0, {}
        while not self._stopped.wait(0.02):
            now = time.monotonic()
            if self._venue.path.exists() and (written := self._venue.path.stat().st_mtime_ns) != stamp:
                stamp, bare = written, self._venue.book().unprotected()
            self._count(bare, now, now - last)
            last = now

    def _count(self, bare: dict[int, int], now: float, passed: float) -> None:
        phase, result = self.phase, self.result
        result.seconds[phase] = result.seconds.get(phase, 0.0) + passed * sum(bare.values())
        if phase != "running":
            self._since.clear()
            return
        self._since = {con_id: self._since.get(con_id, now) for con_id in bare}
        longest = max((now - since for since in self._since.values()), default=0.0)
        result.longest_running = max(result.longest_running, longest)

    def stop(self) -> Bare:
        self._stopped.set()
        self.join()
        return self.result
