"""A run as its operator meets it: a process with children, refused twice over, ended in time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT

RUN = [sys.executable, str(REPO_ROOT / "run.py"), "run", "--scenario", "demo", "--speed", "60"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").mkdir()
    shutil.copytree(REPO_ROOT / "config" / "scenarios", tmp_path / "config" / "scenarios")
    shutil.copy(REPO_ROOT / "config" / "data_sources.yaml", tmp_path / "config")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("QUANTICITY")}
    return {
        **kept,
        "QUANTICITY_HOME": str(tmp_path),
        "QUANTICITY__DATABASE__URL": f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}",
        "QUANTICITY__SIM__STATE_DIR": str(REPO_ROOT / "data"),
        "QUANTICITY__WEB__PORT": "0",
    }


@pytest.fixture
def running(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The bot with its venue and its page, ready."""
    with subprocess.Popen(
        RUN, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "page: http" in line:
                break
        yield process
        process.kill()


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
def test_a_second_run_is_refused_by_name_and_the_first_ends_with_its_children_within_five_seconds(
    running: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    second = subprocess.run(RUN, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert f"process {running.pid} on " in second.stderr
    children = children_of(running.pid)
    assert len(children) == 2
    asked = time.monotonic()
    running.send_signal(signal.SIGTERM)
    assert running.stderr is not None
    rest = running.stderr.read()
    assert running.wait(10) == 0
    assert time.monotonic() - asked < 5
    assert "the program stops" in rest
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
