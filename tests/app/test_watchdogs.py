"""Signs of life over real sockets: given while the tick moves on, and not a moment longer."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from bot.app import watchdogs
from bot.app.watchdogs import LifeSigns, Systemd
from bot.domain.connection import ConnectionState
from bot.domain.session import SessionState
from bot.engine.tick import Engine
from tests.patience import PATIENCE_S, until


@dataclass
class TickingEngine:
    """As much of an engine as an outsider looks at."""

    tick_number: int = 1
    ledger: Any = field(
        default_factory=lambda: SimpleNamespace(
            session=SimpleNamespace(state=SessionState.ACTIVE),
            connection=SimpleNamespace(state=ConnectionState.SYNCED),
            positions={"a": SimpleNamespace(unprotected_since=None)},
        )
    )


@pytest.fixture
def systemd_socket(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.setblocking(False)
        yield ear


def heard(ear: socket.socket) -> list[str]:
    words: list[str] = []
    while True:
        try:
            words += ear.recv(4096).decode().split("\n")
        except BlockingIOError:
            return words


def systemd(ear: socket.socket, watchdog_us: int = 30_000) -> Systemd:
    environment = {
        "NOTIFY_SOCKET": ear.getsockname(),
        "WATCHDOG_USEC": str(watchdog_us),
        "WATCHDOG_PID": str(os.getpid()),
    }
    return Systemd(environment)


async def test_the_watchdog_is_fed_while_the_tick_moves_and_starves_when_it_hangs(
    systemd_socket: socket.socket,
) -> None:
    engine = TickingEngine()
    signs = LifeSigns(cast(Engine, engine), systemd(systemd_socket))
    await signs.start()
    for _ in range(5):
        engine.tick_number += 1
        await asyncio.sleep(0.03)
    words = heard(systemd_socket)
    assert words[0] == "READY=1"
    assert words.count("WATCHDOG=1") >= 3
    assert "STATUS=session active, connection synced" in words
    await asyncio.sleep(0.03)
    heard(systemd_socket)
    await asyncio.sleep(0.1)  # the tick stands still for longer than the watchdog's patience
    assert heard(systemd_socket) == []
    await signs.stop()
    assert heard(systemd_socket) == ["STOPPING=1"]


async def test_without_systemd_nothing_is_said() -> None:
    signs = LifeSigns(cast(Engine, TickingEngine()), Systemd({}))
    await signs.start()
    await signs.stop()


def test_a_watchdog_meant_for_another_process_is_left_alone(systemd_socket: socket.socket) -> None:
    address = systemd_socket.getsockname()
    assert Systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).every_s is None
    assert systemd(systemd_socket, 30_000_000).every_s == 10


async def test_the_file_tells_how_we_are_and_grows_old_when_the_tick_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdogs, "_FILE_S", 0.01)
    path, engine = tmp_path / "alive.json", TickingEngine()
    signs = LifeSigns(cast(Engine, engine), Systemd({}), dead_man_file=path)
    await signs.start()
    await until(path.exists)
    state = json.loads(path.read_text())
    assert state == {
        "pid": os.getpid(), "tick": 1, "session": "active", "connection": "synced", "positions": 1, "unprotected": 0,
    }  # fmt: skip
    path.unlink()
    await asyncio.sleep(0.05)
    assert not path.exists()
    engine.tick_number += 1
    await until(path.exists)
    assert json.loads(path.read_text())["tick"] == 2
    await signs.stop()


async def test_the_address_is_called_while_the_tick_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdogs, "_PING_S", 0.01)
    calls: asyncio.Queue[str] = asyncio.Queue()

    async def answer(request: web.Request) -> web.Response:
        calls.put_nowait(request.path)
        return web.Response(text="ok")

    application = web.Application()
    application.router.add_get("/ping/abc", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    engine = TickingEngine()
    signs = LifeSigns(cast(Engine, engine), Systemd({}), dead_man_url=f"http://{host}:{port}/ping/abc")
    await signs.start()
    async with asyncio.timeout(PATIENCE_S):
        assert await calls.get() == "/ping/abc"
        engine.tick_number += 1
        await calls.get()
    await asyncio.sleep(0.1)
    assert calls.empty()
    await signs.stop()
    await runner.cleanup()


async def test_an_address_that_does_not_answer_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdogs, "_PING_S", 0.01)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        signs = LifeSigns(
            cast(Engine, TickingEngine()), Systemd({}), dead_man_url=f"http://127.0.0.1:{closed.getsockname()[1]}/x"
        )
        await signs.start()
        await asyncio.sleep(0.1)
        await signs.stop()


async def test_a_tick_that_stands_still_is_told_of_once_and_so_is_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watchdogs, "_LOOK_S", 0.005)
    monkeypatch.setattr(watchdogs, "_STANDSTILL_S", 0.05)
    engine = TickingEngine()
    signs = LifeSigns(cast(Engine, engine), Systemd({}))
    await signs.start()

    await until(lambda: "has stood still" in caplog.text)
    engine.tick_number += 1
    await until(lambda: caplog.text.count("has stood still") == 2)
    await asyncio.sleep(0.1)  # and not again
    await signs.stop()
    assert caplog.text.count("goes on after") == 1
    assert caplog.text.count("has stood still") == 2  # once a standstill
