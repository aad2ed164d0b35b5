"""A traceback that ends a command or a child of it holds nothing secret."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from bot.app.child_process import ROOT
from bot.cli import main


@pytest.fixture(autouse=True)
def _hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what a test lets be replaced."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


def test_of_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(**_: object) -> None:
        raise ValueError("gave up on https://me:hunter2@db.example and hunter3InTheEnvironment")

    monkeypatch.setattr(main, "app", fails)
    monkeypatch.setattr(main, "_hidden", lambda: ["hunter3InTheEnvironment"])
    with pytest.raises(ValueError, match="gave up") as raised:
        main.main()
    sys.excepthook(raised.type, raised.value, raised.tb)
    said = capsys.readouterr().err
    assert "ValueError: gave up on https://" in said
    assert "hunter" not in said


def test_of_the_venue() -> None:
    setup = json.dumps({"password=hunter2InTheSetup": 1})
    child = [sys.executable, "-m", "bot.app.venue_process"]
    ended = subprocess.run(child, input=setup + "\n", capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.returncode == 1
    assert "TypeError" in ended.stderr
    assert "hunter2" not in ended.stderr
