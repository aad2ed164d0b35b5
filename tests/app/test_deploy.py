"""The unit for systemd says what the program does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.app.os_signals import STOP_WITHIN_S
from bot.config.loader import load
from tests.conftest import REPO_ROOT

UNIT = REPO_ROOT / "config" / "deploy" / "quanticity.service"


def settings_of(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", unit, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_environment_that_the_unit_sets_is_known_to_the_configuration(tmp_path: Path) -> None:
    environment = dict(each.split("=", 1) for each in settings_of(UNIT.read_text())["Environment"])
    (tmp_path / "config").mkdir()
    loaded = load(tmp_path, environ={"UNUSUAL_WHALES_TOKEN": "x", **environment}).settings
    assert loaded.engine.dead_man_file == "/run/quanticity/alive.json"
    assert loaded.database.url.endswith("/var/lib/quanticity/quanticity.db")


def test_systemd_waits_for_the_stop_and_feeds_on_the_watchdog() -> None:
    unit = settings_of(UNIT.read_text())
    assert unit["Type"] == ["notify"]
    assert float(unit["TimeoutStopSec"][0]) > STOP_WITHIN_S
    assert float(unit["WatchdogSec"][0]) > 10
    assert "2" in unit["RestartPreventExitStatus"][0].split()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    text = re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE)
    copy = tmp_path / "quanticity.service"
    copy.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert "Unknown" not in done.stderr
    assert "Failed to parse" not in done.stderr
