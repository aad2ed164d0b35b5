"""The whole program at a gateway that does not let it in: it says why on log, page and command line, sends nothing, and
goes on by itself once the gateway does. A process of its own, real sockets, the real client library."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.broker.book_tws import BookTws
from tests.broker.fake_tws import ACCOUNT
from tests.conftest import REPO_ROOT
from tests.patience import PATIENCE_S, UNHURRIED

PLACE_ORDER = 3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


class Running:
    """`run.py` as its user starts it; its log as it comes."""

    def __init__(self, process: asyncio.subprocess.Process, environment: dict[str, str]) -> None:
        self._process = process
        self._environment = environment
        self._came = asyncio.Condition()
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            async with self._came:
                self.lines.append(line.decode().rstrip())
                self._came.notify_all()

    async def says(self, *words: str) -> str:
        """Return the first line, past or future, that has all of these words."""

        def found() -> str:
            return next((line for line in self.lines if all(word in line for word in words)), "")

        try:
            async with asyncio.timeout(PATIENCE_S), self._came:
                await self._came.wait_for(found)
        except TimeoutError:
            pytest.fail(f"it never said {words}; the log ends:\n" + "\n".join(self.lines[-15:]))
        return found()

    async def page(self) -> dict[str, Any]:
        """Return what the page's status says."""
        line = await self.says("page: http://")
        address = line[line.index("http://") :].split("/")[2]

        def read() -> Any:
            with urllib.request.urlopen(f"http://{address}/api/status", timeout=PATIENCE_S) as answer:
                told: dict[str, Any] = json.load(answer)
                return told

        return await asyncio.to_thread(read)

    async def page_says(self, words: str, state: str = "") -> dict[str, Any]:
        """Return the page's status once the reason why there is no connection has these words, and the connection this
        state: between two tries it is not down."""
        async with asyncio.timeout(PATIENCE_S):
            # Another process is watched: there is nothing to await.
            while not _says((seen := await self.page())["connection"], words, state):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return seen

    async def cli(self, *arguments: str) -> str:
        asked = await asyncio.create_subprocess_exec(
            sys.executable, "run.py", *arguments,
            cwd=REPO_ROOT, env=self._environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        printed, _ = await asked.communicate()
        return " ".join(printed.decode().split())

    async def cli_says(self, command: str, words: str) -> str:
        """Return what a command prints once these words are in it: between two tries the link is not down."""
        async with asyncio.timeout(PATIENCE_S):
            while words not in (printed := await self.cli(command)):
                pass
            return printed

    async def end(self) -> int:
        if self._process.returncode is None:
            self._process.terminate()
        code = await self._process.wait()
        await self._reading
        return code


def _says(connection: dict[str, Any], words: str, state: str) -> bool:
    return words in connection["why"] and state in {"", connection["state"]}


@asynccontextmanager
async def program(tws: BookTws, folder: Path, *arguments: str, **settings: str) -> AsyncIterator[Running]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("QUANTICITY")}
    environment = {
        **kept,
        "QUANTICITY__DATABASE__URL": f"sqlite+aiosqlite:///{folder / 'bot.db'}",
        "QUANTICITY__WEB__PORT": "0",
        "QUANTICITY__SIM__STATE_DIR": str(folder),
        "QUANTICITY__IBKR__PORT": str(tws.port),
        "QUANTICITY__IBKR__HANDSHAKE_TIMEOUT_S": "1.5",
        "QUANTICITY__IBKR__REQUEST_TIMEOUT_S": "1.5",
        "QUANTICITY__IBKR__RETRY_MOST_S": "0.5",
        "QUANTICITY__IBKR__RESTART_WINDOWS": "[]",
        "QUANTICITY__SOURCES__UNUSUAL_WHALES__BASE_URL": "http://127.0.0.1:9",
        "UNUSUAL_WHALES_TOKEN": "t0ken-for-a-test",
        "WEB_LOGIN_TOKEN": "t0ken-for-a-page",
        "QUANTICITY__PEOPLE__USERS": "[{name: ann, role: owner}]",
        **UNHURRIED,
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "run.py", *arguments, cwd=REPO_ROOT, env=environment, stderr=asyncio.subprocess.PIPE
    )
    running = Running(process, environment)
    try:
        yield running
    finally:
        await running.end()


@pytest.fixture
def folder(tmp_path: Path, calendar_folder: Path) -> Path:
    shutil.copytree(calendar_folder, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
async def tws() -> AsyncIterator[BookTws]:
    fake = BookTws()
    fake.answers[49] = lambda _: fake.send(49, 1, int(time.time()))  # the program's clock is the machine's
    await fake.start()
    yield fake
    await fake.stop()


async def test_each_way_of_not_being_let_in_is_named_and_healed_without_a_restart(tws: BookTws, folder: Path) -> None:
    tws.refuse_client_id = True
    async with program(tws, folder, "--mode", "paper") as bot:
        await bot.says("CLIENT_ID_IN_USE")
        seen = await bot.page_says("another program holds client id 17", "down")
        assert seen["session"]["state"] == "starting"

        tws.silent_handshake, tws.refuse_client_id = True, False
        await bot.says("BROKER_UNREACHABLE", "no answer to the handshake")
        await bot.page_says("no answer to the handshake")

        tws.silent_handshake, tws.accounts = False, "DU1,DU2"
        await bot.says("ACCOUNT_REFUSED", "manages several accounts (DU1, DU2): set ibkr.account")

        tws.accounts = "U7654321"
        await bot.says("ACCOUNT_REFUSED", "U7654321 is a live account and the mode is paper")
        words = "connection down: U7654321 is a live account and the mode is paper: nothing is traded"
        assert "session starting" in await bot.cli_says("status", words)

        tws.accounts = ACCOUNT
        tws.mute = {71}
        await bot.says("BROKER_UNREACHABLE", "no answer to managed accounts and next order id")
        tws.mute = {16}
        await bot.says("SNAPSHOT_INCOMPLETE", "open orders: no end marker")
        seen = await bot.page_says("open orders: no end marker within 1.5 s", "syncing")
        assert seen["session"]["state"] == "reconciling"
        assert not [line for line in bot.lines if "→ active" in line], "never, up to here"

        tws.mute = set()
        await bot.says("session", "active: ")
        assert (await bot.page())["connection"]["state"] == "synced"
        for code in ("CLIENT_ID_IN_USE", "manages several accounts", "is a live account"):
            told = [line for line in bot.lines if "alert" in line and code in line]
            assert len(told) == 1, f"each reason is told once: {told}"
        assert await bot.end() == 0
    assert tws.of(PLACE_ORDER) == []
    assert tws.most_sockets <= 2, "the program's probe of the port, and one connection"


async def test_a_paper_account_in_live_is_refused_and_the_live_one_taken(tws: BookTws, folder: Path) -> None:
    """Live needs the account spelled out; here a paper one is."""
    tws.accounts = ACCOUNT
    arguments, detail = ("--mode", "live", "--live"), {"QUANTICITY__LOG__LEVEL": "detail"}
    async with program(tws, folder, *arguments, QUANTICITY__IBKR__ACCOUNT=ACCOUNT, **detail) as bot:
        await bot.says(f"{ACCOUNT} is a paper account and the mode is live")
        assert not [line for line in bot.lines if "→ active" in line]
    tws.accounts = "DU1,U7654321"
    async with program(tws, folder, *arguments, QUANTICITY__IBKR__ACCOUNT="U7654321", **detail) as bot:
        await bot.says("connection", "handshaking → syncing", "account U7654321")
