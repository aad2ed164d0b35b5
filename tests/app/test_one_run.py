"""A run as its operator meets it: a process with children, refused twice over, ended in time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT
from tests.patience import PATIENCE_S, UNHURRIED, ends, until_so

RUN = [sys.executable, str(REPO_ROOT / "run.py"), "run", "--scenario", "demo", "--speed", "60"]


@pytest.fixture
def environment(tmp_path: Path, calendar_folder: Path) -> dict[str, str]:
    shutil.copytree(calendar_folder, tmp_path / "state")
    (tmp_path / "config").mkdir()
    shutil.copytree(REPO_ROOT / "config" / "scenarios", tmp_path / "config" / "scenarios")
    shutil.copy(REPO_ROOT / "config" / "data_sources.yaml", tmp_path / "config")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("QUANTICITY")}
    return {
        **kept,
        "QUANTICITY_HOME": str(tmp_path),
        "QUANTICITY__DATABASE__URL": f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}",
        "QUANTICITY__SIM__STATE_DIR": str(tmp_path / "state"),
        "QUANTICITY__WEB__PORT": "0",
        "QUANTICITY__ENGINE__DEAD_MAN_FILE": str(tmp_path / "alive.json"),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "3000000",
        **UNHURRIED,
    }


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """As much of systemd as the program talks to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(PATIENCE_S)
        yield ear


def hear(ear: socket.socket, word: str) -> None:
    while word not in ear.recv(4096).decode().split("\n"):
        pass


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


LASTING = ("bot.app.venue_process", "bot.web", "bot.app.people_process")
"""The children that live as long as the run; a backup or the day's summary comes and goes beside them."""


def children_of(pid: int) -> dict[int, str]:
    """Return each child's command line by its process id; one that ends while it is read has none."""
    pids = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return {each: command_of(each) for each in pids}


def all_last(children: dict[int, str]) -> bool:
    """Say whether each of them is there: one that was slow to answer is just being started again."""
    return {name for command in children.values() for name in LASTING if name in command} == set(LASTING)


def lasts(command: str) -> bool:
    return any(name in command for name in LASTING)


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.mark.slow
def test_a_second_run_is_refused_by_name_and_the_first_ends_with_its_children_within_five_seconds(
    systemd: socket.socket, running: subprocess.Popen[str], environment: dict[str, str], tmp_path: Path
) -> None:
    hear(systemd, "READY=1")
    second = subprocess.run(RUN, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert second.returncode == 75
    assert f"process {running.pid} on " in second.stderr
    assert until_so(lambda: all_last(children_of(running.pid))), children_of(running.pid)
    children = children_of(running.pid)
    hear(systemd, "WATCHDOG=1")
    assert json.loads((tmp_path / "alive.json").read_text())["pid"] == running.pid
    running.send_signal(signal.SIGTERM)
    code, worked_s = ends(running)
    assert code == 0
    assert worked_s < 5
    assert running.stderr is not None
    assert "the program stops" in running.stderr.read()
    assert not [pid for pid, command in children.items() if lasts(command) and command_of(pid) == command]
    hear(systemd, "STOPPING=1")


@pytest.mark.slow
def test_at_a_gateway_that_answers_nothing_it_ends_in_time_and_a_second_one_is_refused_for_the_account(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # the kernel takes connections, nobody reads them
        at_gateway = {
            **environment,
            "QUANTICITY__IBKR__PORT": str(mute.getsockname()[1]),
            "QUANTICITY__SOURCES__UNUSUAL_WHALES__BASE_URL": "http://127.0.0.1:9",
            "UNUSUAL_WHALES_TOKEN": "x" * 20,
            "WEB_LOGIN_TOKEN": "y" * 20,
            "QUANTICITY__PEOPLE__USERS": "[{name: ann, role: owner}]",
        }
        paper = [sys.executable, str(REPO_ROOT / "run.py"), "run", "--mode", "paper"]
        with subprocess.Popen(paper, env=at_gateway, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "page: http" in line:
                    break
            elsewhere = {**at_gateway, "QUANTICITY__DATABASE__URL": f"sqlite+aiosqlite:///{tmp_path / 'other.db'}"}
            second = subprocess.run(
                paper, env=elsewhere, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
            process.terminate()
            code, worked_s = ends(process)
            assert code == 0
            assert worked_s < 5
            rest = process.stderr.read()
    assert second.returncode == 75
    assert (
        f"of the account at 127.0.0.1:{at_gateway['QUANTICITY__IBKR__PORT']}: process {process.pid} on "
        in second.stderr
    )
    assert "the program stops" in rest
