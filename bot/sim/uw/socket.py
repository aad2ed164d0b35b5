"""The UW face's WebSocket: channels that say, as it happens, what the REST paths answer.

A channel is joined by a message and acknowledged; then each row that is new is sent once. What goes wrong is what goes
wrong at the path `/socket`: an answer in its place at the handshake, the end of the connection afterwards.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web

Answer = Callable[[str, list[tuple[str, str]]], bytes]
"""Answers a path of REST with its body."""
Channel = Callable[[str, Answer], list[dict[str, Any]]]
"""Gives a channel's rows of now, oldest first, of a ticker where it has one."""
PATH: Final = "/socket"
LOOK_EVERY_WALL_S: Final = 0.05
_MILLISECONDS: Final = 1000
_REST_OF_THE_TIME: Final = 4
"""Times what a look took: with dozens of channels the vendor does not spend itself on looking."""
_ALL_ROWS: Final = ("limit", "500")
_NEAREST: Final = 2
_REST_ALONE: Final = frozenset({"ticker", "premium", "market_center", "tracking_id", "canceled"})


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


def _data(answer: Answer, path: str, *params: tuple[str, str]) -> list[dict[str, Any]]:
    found = json.loads(answer(path, list(params)))["data"]
    return found if isinstance(found, list) else [found]


def _of_strikes(rows: list[dict[str, Any]], ticker: str) -> list[dict[str, Any]]:
    """The stream has its own names of the volumes by side."""
    return [
        _stamped({f"{name}_vol" if name.endswith(("_ask", "_bid")) else name: row[name] for name in row}, ticker)
        for row in rows
    ]


def _gex_strike(ticker: str, answer: Answer) -> list[dict[str, Any]]:
    return _of_strikes(_data(answer, f"/api/stock/{ticker}/spot-exposures/strike", _ALL_ROWS), ticker)


def _gex_strike_expiry(ticker: str, answer: Answer) -> list[dict[str, Any]]:
    listed = sorted(str(row["expiry"]) for row in _data(answer, f"/api/stock/{ticker}/expiry-breakdown"))
    wanted = [("expirations[]", each) for each in listed[:_NEAREST]]
    return _of_strikes(_data(answer, f"/api/stock/{ticker}/spot-exposures/expiry-strike", *wanted, _ALL_ROWS), ticker)


def _option_trades(ticker: str, answer: Answer) -> list[dict[str, Any]]:
    rows = _data(answer, "/api/option-trades", ("ticker_symbol", ticker), _ALL_ROWS)
    return [_trade_as_streamed(row) for row in reversed(rows)]


def _trade_as_streamed(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in {"option_chain_id", "upstream_condition_detail"}}
    at = _milliseconds(row["executed_at"])
    return {**kept, "option_symbol": row["option_chain_id"], "executed_at": at, "created_at": at}


def _price(ticker: str, answer: Answer) -> list[dict[str, Any]]:
    (row,) = _data(answer, f"/api/stock/{ticker}/stock-state")
    return [{"ticker": ticker, "close": row["close"], "time": _milliseconds(row["tape_time"]), "vol": row["volume"]}]


def _net_flow(ticker: str, answer: Answer) -> list[dict[str, Any]]:
    """The session's totals at the end of its last whole minute."""
    rows = _data(answer, f"/api/stock/{ticker}/net-prem-ticks")
    if not rows:
        return []
    said: dict[str, Any] = {"ticker": ticker, "time": _milliseconds(rows[-1]["tape_time"]) + 60 * _MILLISECONDS}
    for side in ("call", "put"):
        said[f"net_{side}_prem"] = f"{sum(float(row[f'net_{side}_premium']) for row in rows):.4f}"
        said[f"net_{side}_vol"] = sum(int(row[f"net_{side}_volume"]) for row in rows)
    return [said]


def _market_tide(_: str, answer: Answer) -> list[dict[str, Any]]:
    return _data(answer, "/api/market/market-tide", ("interval_5m", "false"))[-1:]


def _shares(path: str, kind: str) -> Channel:
    def channel(_: str, answer: Answer) -> list[dict[str, Any]]:
        return [_share_as_streamed(row, kind) for row in reversed(_data(answer, path, ("limit", "200")))]

    return channel


def _share_as_streamed(row: Mapping[str, Any], kind: str) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in _REST_ALONE}
    return {**kept, "symbol": row["ticker"], "type": kind}


def _news(_: str, answer: Answer) -> list[dict[str, Any]]:
    return [
        {"headline": row["headline"], "timestamp": row["created_at"], "source": row["source"],
         "tickers": row["tickers"], "is_trump_ts": False}
        for row in reversed(_data(answer, "/api/news/headlines", ("limit", "100")))
    ]  # fmt: skip


def _term_structure(ticker: str, answer: Answer) -> list[dict[str, Any]]:
    rows = _data(answer, f"/api/stock/{ticker}/volatility/term-structure")
    return [{**{name: row[name] for name in row if name != "dte"}, "ticker": ticker} for row in rows]


def _milliseconds(written: str) -> int:
    return int(datetime.fromisoformat(written).timestamp() * _MILLISECONDS)


CHANNELS: Final[Mapping[str, Channel]] = {
    "gex": _gex,
    "flow-alerts": _flow_alerts,
    "gex_strike": _gex_strike,
    "gex_strike_expiry": _gex_strike_expiry,
    "option_trades": _option_trades,
    "price": _price,
    "net_flow": _net_flow,
    "market_tide": _market_tide,
    "lit_trades": _shares("/api/lit-flow/recent", "lit"),
    "off_lit_trades": _shares("/api/darkpool/recent", "off_lit"),
    "news": _news,
    "iv_term_structure": _term_structure,
}
"""By the name before the colon: the rows that are there now, oldest first."""


async def talk(request: web.Request, answer: Answer, is_cut: Callable[[], bool]) -> web.StreamResponse:
    """Serve one client until it leaves, or until the connection is cut."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    sent: dict[str, set[int]] = {}
    reading = asyncio.create_task(_read(socket, sent))
    try:
        while not reading.done() and not is_cut():
            began = time.monotonic()
            for channel, known in list(sent.items()):
                await _send_new(socket, channel, known, answer)
                await asyncio.sleep(0)
            await asyncio.sleep(max(LOOK_EVERY_WALL_S, _REST_OF_THE_TIME * (time.monotonic() - began)))
    except ConnectionError:
        pass
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await socket.close()
    return socket


async def _read(socket: web.WebSocketResponse, joined: dict[str, set[int]]) -> None:
    async for message in socket:
        said = json.loads(message.data)
        name = str(said.get("channel", ""))
        if said.get("msg_type") != "join" or name.partition(":")[0] not in CHANNELS:
            continue
        joined[name] = set()
        await socket.send_str(json.dumps([name, {"response": {}, "status": "ok"}]))


async def _send_new(socket: web.WebSocketResponse, channel: str, known: set[int], answer: Answer) -> None:
    name, _, ticker = channel.partition(":")
    for row in CHANNELS[name](ticker, answer):
        mark = hash(json.dumps(row, sort_keys=True))
        if mark not in known:
            known.add(mark)
            await socket.send_str(json.dumps([channel, row]))
