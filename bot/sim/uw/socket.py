"""The UW face's WebSocket: channels that say, as it happens, what the REST paths answer.

A channel is joined by a message and acknowledged; then each row that is new is sent once. What goes wrong is what goes
wrong at the path `/socket`: an answer in its place at the handshake, the end of the connection afterwards.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web

Answer = Callable[[str, list[tuple[str, str]]], bytes]
"""Answers a path of REST with its body."""
PATH: Final = "/socket"
LOOK_EVERY_WALL_S: Final = 0.05
_MILLISECONDS: Final = 1000


def _gex(ticker: str, answer: Answer) -> list[dict[str, Any]]:
    rows = json.loads(answer(f"/api/stock/{ticker}/spot-exposures", []))["data"]
    return [_stamped(row, ticker) for row in rows[-1:]]


def _stamped(row: Mapping[str, Any], ticker: str) -> dict[str, Any]:
    """Return a minute's row as the channel writes it."""
    at = datetime.fromisoformat(str(row["time"]))
    rest = {name: value for name, value in row.items() if name != "time"}
    return {**rest, "ticker": ticker, "timestamp": int(at.timestamp() * _MILLISECONDS)}


def _flow_alerts(_: str, answer: Answer) -> list[dict[str, Any]]:
    rows = json.loads(answer("/api/option-trades/flow-alerts", [("limit", "200")]))["data"]
    return [_as_streamed(row) for row in reversed(rows)]


def _as_streamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The stream has another name of the rule, and numbers in place of texts."""
    at = datetime.fromisoformat(str(row["created_at"]))
    numbers = {name: float(value) for name, value in row.items() if name.startswith("total_") and name.endswith("m")}
    kept = {name: value for name, value in row.items() if name not in {"alert_rule", "created_at", "type", "expiry"}}
    return {**kept, **numbers, "rule_name": row["alert_rule"], "executed_at": int(at.timestamp() * _MILLISECONDS)}


CHANNELS: Final[Mapping[str, Callable[[str, Answer], list[dict[str, Any]]]]] = {
    "gex": _gex,
    "flow-alerts": _flow_alerts,
}
"""By the name before the colon: the rows that are there now, oldest first."""


async def talk(request: web.Request, answer: Answer, is_cut: Callable[[], bool]) -> web.StreamResponse:
    """Serve one client until it leaves, or until the connection is cut."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    sent: dict[str, set[str]] = {}
    reading = asyncio.create_task(_read(socket, sent))
    try:
        while not reading.done() and not is_cut():
            for channel, known in list(sent.items()):
                await _send_new(socket, channel, known, answer)
            await asyncio.sleep(LOOK_EVERY_WALL_S)
    except ConnectionError:
        pass
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await socket.close()
    return socket


async def _read(socket: web.WebSocketResponse, joined: dict[str, set[str]]) -> None:
    async for message in socket:
        said = json.loads(message.data)
        name = str(said.get("channel", ""))
        if said.get("msg_type") != "join" or name.partition(":")[0] not in CHANNELS:
            continue
        joined[name] = set()
        await socket.send_str(json.dumps([name, {"response": {}, "status": "ok"}]))


async def _send_new(socket: web.WebSocketResponse, channel: str, known: set[str], answer: Answer) -> None:
    name, _, ticker = channel.partition(":")
    for row in CHANNELS[name](ticker, answer):
        written = json.dumps(row, sort_keys=True)
        if written not in known:
            known.add(written)
            await socket.send_str(json.dumps([channel, row]))
