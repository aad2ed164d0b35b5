"""The command line as its users call it: in this process by typer's runner, or as a process of its own."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.main import app
from bot.domain.approval import Approval
from bot.domain.kinds import Entities
from bot.domain.session import Session, SessionState
from bot.engine.state.records import TickBatch
from bot.store.revision import upgrade
from tests.cli.small_store import (
    NOW,
    POSITION,
    SIGNAL,
    Bot,
    Call,
    a_position,
    a_signal,
    an_unsettled_position,
    born,
    pulse,
    write,
)
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]

Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an empty `config/` that the command line takes for its own."""
    for name in [name for name in os.environ if name.upper().startswith("QUANTICITY_")]:
        monkeypatch.delenv(name)
    for name in ("UNUSUAL_WHALES_TOKEN", "WEB_LOGIN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QUANTICITY_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    return tmp_path


@pytest.fixture
def call(home: Path) -> Call:
    """Call a command in this process."""

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return invoke


@pytest.fixture
def start(home: Path) -> Start:
    """Call a command as a process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "run.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    return run


@pytest.fixture
def database(home: Path) -> Path:
    """A migrated store on which no bot has run."""
    path = home / "data" / "quanticity.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def running(database: Path) -> Path:
    """A store as a running bot leaves it: a pulse, a signal that waits for a person, an open position."""
    batch = TickBatch(tick=7, recorded_at=NOW, status=pulse())
    asked = Approval(f"{SIGNAL}A", SIGNAL, NOW, NOW + timedelta(seconds=180))
    session = Session(state=SessionState.ACTIVE)
    batch.changed = Entities([session, a_signal(), asked, a_position(), an_unsettled_position()])
    batch.transitions = [born("signal", SIGNAL, "pending"), born("position", POSITION, "filled")]
    asyncio.run(write(f"sqlite+aiosqlite:///{database}", batch))
    return database


@pytest.fixture
def alive(running: Path) -> Iterator[Path]:
    """The store while a bot holds its lock."""
    with running.with_name(running.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield running


@pytest.fixture
def answering(alive: Path) -> Iterator[Callable[[str, str], None]]:
    bots: list[Bot] = []

    def begin(state: str, answer: str) -> None:
        bots.append(Bot(alive, state, answer))
        bots[-1].start()

    yield begin
    for bot in bots:
        bot.stop.set()
        bot.join(timeout=PATIENCE_S)
