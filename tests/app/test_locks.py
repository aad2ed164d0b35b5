"""One store, one account with its client id, one bot: proved with processes of their own."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import locks
from bot.config.schema import DatabaseSettings, IbkrSettings, Mode, Settings
from bot.domain.errors import ConfigError, NotNow, StoreUnusable
from tests.conftest import REPO_ROOT

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
HOLD = """
import sys
from datetime import UTC, datetime
from bot.app import locks
from bot.config.schema import Settings
settings = Settings.model_validate_json(sys.argv[1])
with locks.alone(settings, datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of an account go to the test's directory, for the child as for us."""
    monkeypatch.setattr(locks, "_SHARED", tmp_path)


def settings(tmp_path: Path, store: str = "a.db", mode: Mode = Mode.SIM, client_id: int = 17) -> Settings:
    url = f"sqlite+aiosqlite:///{tmp_path / store}"
    return Settings(mode=mode, database=DatabaseSettings(url=url), ibkr=IbkrSettings(client_id=client_id, port=4999))


@contextmanager
def another_bot(wanted: Settings, shared: Path) -> Iterator[subprocess.Popen[str]]:
    script = HOLD.replace("with locks", f"from pathlib import Path\nlocks._SHARED = Path({str(shared)!r})\nwith locks")
    command = [sys.executable, "-c", script, wanted.model_dump_json()]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, "PYTHONPATH": str(REPO_ROOT)}
    ) as it:
        assert it.stdout is not None
        assert it.stdout.readline() == "held\n"
        yield it
        it.kill()


def test_a_store_that_another_process_holds_is_refused_with_its_name(tmp_path: Path) -> None:
    with another_bot(settings(tmp_path), tmp_path) as holder:
        told = rf"another Quanticity runs on the store .*: process {holder.pid} on"
        with pytest.raises(ConfigError, match=told), locks.alone(settings(tmp_path), NOW):
            pass
        found = locks.holder_of(locks.store_lock(settings(tmp_path)))
        assert isinstance(found, locks.Holder)
        assert found.pid == holder.pid


def test_a_holder_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    with another_bot(settings(tmp_path), tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert locks.holder_of(locks.store_lock(settings(tmp_path))) is None
        with locks.alone(settings(tmp_path), NOW):
            pass


def test_another_store_with_the_same_client_id_is_refused(tmp_path: Path) -> None:
    with another_bot(settings(tmp_path, "a.db", Mode.PAPER), tmp_path):
        told = r"client id 17 of the account at 127.0.0.1:4999: process \d+"
        with pytest.raises(ConfigError, match=told), locks.alone(settings(tmp_path, "b.db", Mode.PAPER), NOW):
            pass
        with locks.alone(settings(tmp_path, "b.db", Mode.PAPER, client_id=18), NOW):
            pass


def test_two_simulations_with_stores_of_their_own_run_side_by_side(tmp_path: Path) -> None:
    with another_bot(settings(tmp_path, "a.db"), tmp_path), locks.alone(settings(tmp_path, "b.db"), NOW):
        pass


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    locks.store_lock(settings(tmp_path)).symlink_to(victim)
    with pytest.raises(ConfigError, match="plain file"), locks.alone(settings(tmp_path), NOW):
        pass
    assert victim.read_text() == "kept"


@pytest.mark.parametrize(
    "number, code, told", [(errno.EROFS, 11, "mount the disk writable"), (errno.ENOSPC, 10, "free space on the disk")]
)
@pytest.mark.parametrize("step", ["open", "pwrite"])
def test_a_disk_that_takes_no_lock_ends_the_start_as_it_ends_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, told: str, step: str
) -> None:
    """A service manager starts again after these codes, so that the bot is back when the disk is."""

    def fails(*arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(StoreUnusable, match=told) as trouble, locks.alone(settings(tmp_path), NOW):
        pass
    assert (trouble.value.exit_code, trouble.value.passes) == (code, True)


def test_a_store_behind_a_link_is_the_same_store(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.db").symlink_to(tmp_path / "a.db")
    linked = settings(tmp_path, "elsewhere/linked.db")
    assert locks.store_lock(linked) == locks.store_lock(settings(tmp_path))


def test_nobody_starts_on_a_store_whose_file_is_being_worked_on(tmp_path: Path) -> None:
    paper = settings(tmp_path, mode=Mode.PAPER)
    with locks.store_alone(paper, NOW):
        with pytest.raises(ConfigError, match=f"another Quanticity runs on the store .*process {os.getpid()} on "):
            locks.alone(paper, NOW).__enter__()
        assert str(locks.holder_of(locks.store_lock(paper))).startswith(f"process {os.getpid()} on ")
    with locks.alone(paper, NOW):
        pass


def test_a_running_bot_is_found_from_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(locks, "_SHARED", tmp_path)
    with another_bot(settings(tmp_path), tmp_path) as holder:
        assert [(bot.pid, bot.store) for bot in locks.running_bots() if str(tmp_path) in bot.store] == [
            (holder.pid, settings(tmp_path).database.url)
        ]
    assert not [bot for bot in locks.running_bots() if str(tmp_path) in bot.store]


def test_a_lock_in_a_services_own_directory_counts_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, shared = tmp_path / "service", tmp_path / "shared"
    service.mkdir()
    shared.mkdir()
    monkeypatch.setattr(locks, "_SHARED", shared)
    monkeypatch.setattr(locks, "_SERVICE", service)
    paper = settings(tmp_path, "a.db", Mode.PAPER)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(service))
    with locks.alone(paper, NOW):
        assert locks.account_lock(paper).parent == service
        monkeypatch.delenv("RUNTIME_DIRECTORY")
        with (
            pytest.raises(NotNow, match="client id 17 of the account"),
            locks.alone(settings(tmp_path, "b.db", Mode.PAPER), NOW),
        ):
            pass
