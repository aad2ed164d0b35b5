"""A Telegram Bot API on loopback, as small as the tests need: what it was sent, and faults by method. That it
answers as the simulator's does is held by `tests/contracts/test_two_telegrams.py`."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.sim.services.telegram_messages import MOST_TEXT
from bot.sim.services.telegram_text import CannotParse, seen, units

TOKEN = "1000000001:" + "A" * 35
Fault = Callable[["TelegramServer", dict[str, Any]], Any]


@dataclass
class TelegramServer:
    """`sent` is every message as it stands now, by (chat, number); `log` every call."""

    sent: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    port: int = 0
    _next: int = 100
    _runner: web.AppRunner | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    hold_s: float = 0.2

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> TelegramServer:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def put(self, update: dict[str, Any]) -> None:
        self.updates.append(update)
        self._news.set()

    def fail(self, method: str, fault: Fault) -> None:
        """Serve a fault at the next call of a method."""
        self.faults[method].append(fault)

    def texts(self, chat: int | None = None) -> list[str]:
        return [
            m["text"] for (where, _), m in sorted(self.sent.items(), key=lambda x: x[0][1]) if chat in {None, where}
        ]

    def buttons(self, text: str = "") -> dict[str, str]:
        """Return label -> data of the newest message that holds a text."""
        for _, message in sorted(self.sent.items(), key=lambda each: -each[0][1]):
            if text in message["text"] and message.get("reply_markup"):
                return {
                    b["text"]: b["callback_data"] for row in message["reply_markup"]["inline_keyboard"] for b in row
                }
        return {}

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        form = {name: _value(str(value)) for name, value in (await request.post()).items()}
        self.log.append((method, form))
        if self.faults[method]:
            answer = self.faults[method].popleft()(self, form)
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer is not None:
                return answer if isinstance(answer, web.StreamResponse) else _refusal(*answer)
        if request.match_info["token"] != TOKEN:
            return _refusal(401, "Unauthorized")
        result = await self._result(method, form)
        return result if isinstance(result, web.Response) else web.json_response({"ok": True, "result": result})

    async def _result(self, method: str, form: dict[str, Any]) -> Any:
        match method:
            case "getMe":
                return {"id": 1000000001, "is_bot": True, "first_name": "Q", "username": "quanticity_bot"}
            case "getUpdates":
                return await self._updates(form)
            case "sendMessage":
                return self._refused(form) or self.store(form)
            case "sendPhoto":
                return self.store({"chat_id": form["chat_id"], "text": f"picture: {form['caption']}"})
            case "editMessageText":
                return self._refused(form) or self._edit(form)
            case _:
                return True

    def _refused(self, form: dict[str, Any]) -> web.Response | None:
        try:
            text = seen(str(form["text"]), str(form.get("parse_mode", ""))).text
        except CannotParse as error:
            return _refusal(400, f"Bad Request: can't parse entities: {error}")
        if not text.strip():
            return _refusal(400, "Bad Request: message text is empty")
        return _refusal(400, "Bad Request: message is too long") if units(text) > MOST_TEXT else None

    def _edit(self, form: dict[str, Any]) -> Any:
        key = (int(form["chat_id"]), int(form["message_id"]))
        before = self.sent.get(key)
        if before is None:
            return _refusal(400, "Bad Request: message to edit not found")
        if (before["text"], before.get("reply_markup")) == (form["text"], form.get("reply_markup")):
            return _refusal(400, "Bad Request: message is not modified: the same text and markup")
        self.sent[key] = form
        return _message(key, form["text"])

    def store(self, form: dict[str, Any]) -> dict[str, Any]:
        self._next += 1
        key = (int(form["chat_id"]), self._next)
        self.sent[key] = form
        return _message(key, form["text"])

    async def _updates(self, form: dict[str, Any]) -> list[dict[str, Any]]:
        offset = int(form.get("offset", 0))
        self.updates = [each for each in self.updates if each.get("update_id", offset) >= offset]
        if not self.updates:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), min(float(form.get("timeout", 0)), self.hold_s))
            except TimeoutError:
                return []
        return [each for each in self.updates if each.get("update_id", offset) >= offset]


def _value(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in "{[" else text
    except ValueError:
        return text


def _message(key: tuple[int, int], text: str) -> dict[str, Any]:
    chat = {"id": key[0], "type": "private" if key[0] > 0 else "group"}
    return {"message_id": key[1], "date": 1_700_000_000, "chat": chat, "text": text}


def _refusal(status: int, words: str, **parameters: Any) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": words}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=status)


def refuse(status: int, words: str = "no", **parameters: Any) -> Fault:
    return lambda server, form: _refusal(status, words, **parameters)


def store_then_drop(server: TelegramServer, form: dict[str, Any]) -> Any:
    """Take the message, and answer with a server's error."""
    server.store(form)
    return _refusal(502, "Bad Gateway")
