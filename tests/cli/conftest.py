"""The command line as its users call it: in this process by typer's runner, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.main import app

ROOT = Path(__file__).resolve().parents[2]

Call = Callable[..., Result]
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
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run
