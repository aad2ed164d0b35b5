"""The poll at a socket: what ends it in the library does not end it here, and each update is handed on once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from bot.admin import poller as polling
from bot.admin.client import make_client
from bot.admin.poller import TelegramPoller
from bot.alerts.ground import PeopleGround
from bot.domain.errors import StoreError
from tests.admin.conftest import a_ground
from tests.admin.telegram_server import TOKEN, TelegramServer, refuse
from tests.patience import PATIENCE_S


@dataclass
class Seen:
    """What a poller handed on and told."""

    updates: list[int] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    async def handle(self, raw: dict[str, Any], gap_s: float) -> None:
        if self.faults:
            raise self.faults.pop()
        self.updates.append(raw["update_id"])
        self.gaps.append(gap_s)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  # what is waited for is on the other side of a socket
            await asyncio.sleep(0.01)


@pytest.fixture
async def seen(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> Seen:
    found = Seen()

    async def tell(self: PeopleGround, kind: str, payload: Any) -> str:
        found.told.append(payload["code"])
        return ""

    monkeypatch.setattr(PeopleGround, "tell", tell)
    monkeypatch.setattr(polling, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(polling, "_LOCK_LOOK_S", 0.01)
    server.hold_s = 0.02
    return found


def a_poller(server: TelegramServer, seen: Seen) -> TelegramPoller:
    make = partial(make_client, TOKEN, server.url)
    return TelegramPoller(a_ground(server.url, "sqlite+aiosqlite:///nowhere.db"), make, seen.handle)


@pytest.fixture
async def poll(server: TelegramServer, seen: Seen) -> AsyncIterator[TelegramPoller]:
    poller = a_poller(server, seen)
    task = asyncio.create_task(poller.run())
    await until(lambda: poller._answered_s is not None)
    yield poller
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def is_last(seen: Seen, number: int) -> bool:
    return seen.updates[-1:] == [number]


def polls(server: TelegramServer) -> int:
    return sum(method == "getUpdates" for method, _ in server.log)


async def test_an_update_is_confirmed_after_it_was_handled(
    server: TelegramServer, seen: Seen, poll: TelegramPoller
) -> None:
    for number in (7, 8):
        server.put({"update_id": number, "message": {}})
    await until(lambda: seen.updates == [7, 8] and not server.updates)
    offsets = [int(form["offset"]) for method, form in server.log if method == "getUpdates" and "offset" in form]
    assert offsets[-1] == 9
    assert max(seen.gaps) < 5


FAULTS = [
    (refuse(401, "Unauthorized"), "TELEGRAM_REFUSED"), (refuse(404, "Not Found"), "TELEGRAM_REFUSED"),
    (refuse(409, "Conflict: terminated by other getUpdates request"), "TELEGRAM_CONFLICT"),
    (refuse(502, "Bad Gateway"), ""), (refuse(429, "slow", retry_after=0), ""),
    (lambda server, form: web.Response(text="<html>", content_type="text/html"), ""),
    (lambda server, form: web.json_response({"ok": True, "result": "no list"}), ""),
]  # fmt: skip


async def test_what_ends_or_blinds_the_librarys_loop_is_told_and_polled_through(
    server: TelegramServer, seen: Seen, poll: TelegramPoller
) -> None:
    for number, (fault, code) in enumerate(FAULTS, 1):
        seen.told.clear()
        server.fail("getUpdates", fault)
        server.fail("getUpdates", fault)
        await until(lambda: not server.faults["getUpdates"])
        server.put({"update_id": number})
        await until(partial(is_last, seen, number))
        assert [told for told in seen.told if told != "TELEGRAM_BACK"] == ([code] if code else [])
        assert ("TELEGRAM_BACK" in seen.told) == bool(code)


async def test_a_wedged_poll_is_thrown_away_and_its_silence_told(
    server: TelegramServer, seen: Seen, poll: TelegramPoller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_WEDGED_S", 0.05)
    monkeypatch.setattr(polling, "SILENT_S", 0.0)

    async def hang(server: TelegramServer, form: dict[str, Any]) -> None:
        await asyncio.sleep(0.3)

    server.fail("getUpdates", hang)
    server.put({"update_id": 5})
    await until(lambda: "TELEGRAM_SILENT" in seen.told and 5 in seen.updates)


async def test_an_update_that_fails_or_has_no_number_holds_up_no_other(
    server: TelegramServer, seen: Seen, poll: TelegramPoller
) -> None:
    server.put({"no": "number"})
    await until(lambda: polls(server) > 3)
    server.updates.clear()
    seen.faults.append(RuntimeError("odd"))
    server.put({"update_id": 1})
    server.put({"update_id": 2})
    await until(lambda: seen.updates == [2])


async def test_while_the_store_refuses_an_update_waits(
    server: TelegramServer, seen: Seen, poll: TelegramPoller
) -> None:
    seen.faults += [StoreError("full"), StoreError("full")]
    server.put({"update_id": 1})
    await until(lambda: seen.updates == [1])


async def test_one_poller_a_token(server: TelegramServer, seen: Seen, poll: TelegramPoller) -> None:
    second = asyncio.create_task(a_poller(server, seen).run())
    await until(lambda: "TELEGRAM_CONFLICT" in seen.told)
    assert seen.told.count("TELEGRAM_CONFLICT") == 1
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
