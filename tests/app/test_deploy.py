"""The unit for systemd says what the program does."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.config.loader import load
from bot.config.schema import Settings
from bot.domain.errors import NotNow
from bot.store.trouble import SQLITE
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
    assert float(unit["TimeoutStopSec"][0]) > Settings().engine.stop_wall_seconds
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


def test_what_may_pass_by_itself_is_started_again_and_never_given_up() -> None:
    unit = settings_of(UNIT.read_text())
    kept = set(unit["RestartPreventExitStatus"][0].split())
    assert unit["Restart"] == ["always"]
    assert kept == {"2", "14"}
    assert str(NotNow.exit_code) not in kept
    passing = {remedy.exit_code for remedy in SQLITE.values() if remedy.passes}
    assert not kept & {str(code) for code in passing}
    assert unit["StartLimitIntervalSec"] == ["0"], "a disk that is full over a weekend is outlasted"
    assert 2 < int(unit["RestartSec"][0]) <= 30
    assert unit["LimitCORE"] == ["0"], "memory holds tokens"


def test_the_command_of_the_service_finds_its_store_and_environment(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    (root / ".venv" / "bin").mkdir(parents=True)
    python = root / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nenv\necho args: "$@"\n')
    python.chmod(0o755)
    secrets = tmp_path / "env"
    secrets.write_text("# secrets\nWEB_LOGIN_TOKEN=a b=c\nQUANTICITY__WEB__PORT=9090\n")
    text = UNIT.read_text().replace("/opt/quanticity", str(root)).replace("/etc/quanticity/env", str(secrets))
    unit = tmp_path / "quanticity.service"
    unit.write_text(re.sub("^User=.*$", f"User={getpass.getuser()}", text, flags=re.MULTILINE))
    command = [str(UNIT.with_name("quanticity")), "emergency", "--reason", "a b"]
    done = subprocess.run(
        command, env={**os.environ, "QUANTICITY_UNIT": str(unit)}, capture_output=True, text=True, check=True
    )
    told = done.stdout.splitlines()
    assert "args: run.py emergency --reason a b" in told
    assert "QUANTICITY__DATABASE__URL=sqlite+aiosqlite:////var/lib/quanticity/quanticity.db" in told
    assert {"WEB_LOGIN_TOKEN=a b=c", "QUANTICITY__WEB__PORT=9090", "QUANTICITY__MODE=paper"} <= set(told)


def test_production_is_installed_from_its_own_lock() -> None:
    makefile = (REPO_ROOT / "Makefile").read_text()
    recipe = makefile[makefile.index("\ninstall:") :].split("\n\n")[0]
    assert "--requirement requirements.lock" in recipe
    assert "dev" not in recipe
