"""The UW face: the vendor's HTTP server over the market model, with its token check, quotas and refusals.

`answer` is the whole face without a socket; `start` puts aiohttp in front of it. A replay calls the former
(`bot.sim.uw.in_process`).
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from aiohttp import web

from bot.sim.kept_day import KeptDay
from bot.sim.market import MarketModel
from bot.sim.uw import socket
from bot.sim.uw.limits import Counter, UwLimits
from bot.sim.uw.model_source import ModelSource
from bot.sim.uw.query import Params
from bot.sim.uw.routes import Repeated, Routes, VendorAnswer
from bot.sim.uw.sets import VendorDay
from bot.sim.uw.source import UwSource
from bot.sim.vendors.behind import OtherVendors

UNAUTHORIZED: Final = VendorAnswer(401, b'{"error": "Invalid or missing token"}')
CROWDED: Final = VendorAnswer(429, b'{"message": "Too many concurrent requests. Your plan allows 3 at a time."}')
DAY_SPENT: Final = VendorAnswer(
    429, b'{"code": "daily_request_limit_hit", "message": "You have hit your daily limit."}'
)
MINUTE_SPENT: Final = VendorAnswer(429, b'{"message": "Rate limit of requests per minute reached."}')

Fault = Callable[[str, datetime], VendorAnswer | datetime | None]
Bend = Callable[[str, bytes, datetime], bytes]
"""What becomes of the body of an answer before it is sent."""
"""Something that answers in the vendor's place, for a path at a time: outages, HTML, garbage; an earlier time has old
data answered; None: nothing wrong."""


class FaceClock(Protocol):
    """What the face needs of a clock."""

    def now(self) -> datetime: ...


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class UwFace:
    """One vendor over a market model (or over anything that answers as `UwSource`).

    `token` None accepts any token that is not empty. `fault` may answer in the vendor's place; `latency` holds every
    answer back, which is what makes requests overlap; rows that are in `kept` are not written again.
    """

    def __init__(
        self,
        market: MarketModel | UwSource,
        clock: FaceClock,
        *,
        limits: UwLimits | None = None,
        token: str | None = None,
        fault: Fault | None = None,
        bend: Bend | None = None,
        latency: Callable[[], Awaitable[None]] | None = None,
        kept: KeptDay | None = None,
    ) -> None:
        self._clock, self._token, self._fault, self._bend = clock, token, fault, bend
        self.limits = limits or UwLimits()
        self._latency = latency or self._sleep_latency
        self._routes = _routes(market, self.limits.history_days, kept or KeptDay())
        self._others = OtherVendors(self._routes.source, fault)
        self._counter = Counter(self.limits)
        self._runner: web.AppRunner | None = None
        self._in_flight = 0
        self.most_in_flight = 0

    def answer_of_any(self, path: str, params: Params, headers: Mapping[str, str]) -> Reply:
        """Return what this vendor answers, or one of the others that are behind the same server."""
        other = self._others.answer(path, params, headers, self._clock.now())
        if other is not None:
            return _reply(other, {})
        return self.answer(path, params, headers.get("Authorization", ""))

    def answer(self, path: str, params: Params, authorization: str) -> Reply:
        """Return status, headers and body of one GET. `authorization` is the header as sent."""
        if not self._accepts(authorization):
            return _reply(UNAUTHORIZED, {})
        now = self._clock.now()
        self._counter.count(now)
        return _reply(self._judge(path, params, now), self._counter.headers(now))

    def _judge(self, path: str, params: Params, now: datetime) -> VendorAnswer:
        if self._in_flight > self.limits.max_in_flight:
            return CROWDED
        if self._counter.day_spent:
            return DAY_SPENT
        if self._counter.minute_spent:
            return MINUTE_SPENT
        fault = self._fault(path, now) if self._fault else None
        if isinstance(fault, datetime):
            return self._routes.answer(path, params, fault)
        answer = fault or self._routes.answer(path, params, now)
        return answer if self._bend is None else replace(answer, body=self._bend(path, answer.body, now))

    def _accepts(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return False
        return self._token is None or token.strip() == self._token

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port (0 asks for any free one). Raises OSError when it is taken."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == socket.PATH:
            return await self._talk(request)
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            params = [(name, value) for name, value in request.query.items()]
            reply = self.answer_of_any(request.path, params, request.headers)
            await self._latency()
        finally:
            self._in_flight -= 1
        if isinstance(reply.body, Repeated):
            return await _sent_repeated(request, reply, reply.body)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        """The stream takes its token as a parameter."""
        if not self._accepts(f"Bearer {request.query.get('token', '')}"):
            return web.Response(status=401, text="the token lacks the websocket scope")
        fault = self._wrong_with_the_stream()
        if fault is not None:
            return web.Response(status=fault.status, body=fault.body)
        return await socket.talk(request, self._body, lambda: self._wrong_with_the_stream() is not None)

    def _wrong_with_the_stream(self) -> VendorAnswer | None:
        fault = self._fault(socket.PATH, self._clock.now()) if self._fault else None
        return fault if isinstance(fault, VendorAnswer) else None

    def _body(self, path: str, params: list[tuple[str, str]]) -> bytes:
        return self._routes.answer(path, params, self._clock.now()).body

    async def _sleep_latency(self) -> None:
        await asyncio.sleep(self.limits.latency_wall_s)


def _routes(market: MarketModel | UwSource, history_days: int, kept: KeptDay) -> Routes:
    """A whole model gives every set; anything else those that a source alone can give."""
    if not isinstance(market, MarketModel):
        return Routes(market, history_days, None, kept)
    day = VendorDay(market)
    return Routes(ModelSource(day), history_days, day, kept)


def _reply(answer: VendorAnswer, headers: Mapping[str, str]) -> Reply:
    told = {"content-encoding": answer.encoding, "location": answer.location}
    said = {name: value for name, value in told.items() if value}
    return Reply(answer.status, {"content-type": answer.content_type, **said, **headers}, answer.body)


async def _sent_repeated(request: web.Request, reply: Reply, body: Repeated) -> web.StreamResponse:
    """Send the body as often as is wanted, or until the client has had enough."""
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    await response.prepare(request)
    with contextlib.suppress(OSError):
        for _ in itertools.repeat(None, body.times) if body.times else itertools.repeat(None):
            await response.write(bytes(body))
    return response


def garbage(kind: str) -> VendorAnswer:
    """Return an answer that is not data: `html`, `empty`, `cut` (JSON that ends midway), `text`, `null_rows`,
    `wrong_types`, rows of the `future` or `ancient` ones; or too
    much of it: `words`, `huge_field`, `huge_number`, `many_rows`, `deep`, `large`, `bomb`, `field_20mb`,
    `rows_31mb`, `200mb`, `endless`; or a `redirect` to another host."""
    if kind in _TOO_MUCH:
        return _TOO_MUCH[kind]()
    bodies = {
        "html": b"<!DOCTYPE html><html><body>Just a moment...</body></html>",
        "empty": b"",
        "cut": b'{"data": [{"price": "59',
        "text": json.dumps("upstream connect error").encode(),
        "null_rows": b'{"data": [null, null]}',
        "wrong_types": b'{"data": [{"time": {"at": 1}, "price": [590], "gamma_per_one_percent_move_oi": true}]}',
        "future": _row(time="2099-01-01T15:00:00Z", gamma_per_one_percent_move_oi="1"),
        "ancient": _row(time=0, gamma_per_one_percent_move_oi="1"),
    }
    return VendorAnswer(200, bodies[kind], "text/html" if kind == "html" else "application/json")


_MEGABYTE: Final = 1024 * 1024


def _row(**fields: object) -> bytes:
    return json.dumps({"data": [{"time": "2026-11-20T15:00:00Z", "price": "590.1", **fields}]}).encode()


def _bomb() -> VendorAnswer:
    """Sixteen megabytes of blanks in some sixteen kilobytes."""
    return VendorAnswer(
        200, gzip.compress(b'{"data": [' + b" " * (16 * _MEGABYTE) + b"]}", 9, mtime=0), encoding="gzip"
    )


_ONE_ROW: Final = json.dumps({f"field_{n}": str(n * 1.5) for n in range(20)}).encode()
_TOO_MUCH: Final[Mapping[str, Callable[[], VendorAnswer]]] = {
    "words": lambda: VendorAnswer(500, ("\x1b[2J\u202epassword=hunter2hunter2 a_" * 4000).encode()),
    "huge_field": lambda: VendorAnswer(200, _row(price="9" * _MEGABYTE)),
    "huge_number": lambda: VendorAnswer(200, _row(price="1e999999999")),
    "many_rows": lambda: VendorAnswer(200, b'{"data": [' + b",".join([b"{}"] * 100_000) + b"]}"),
    "deep": lambda: VendorAnswer(200, b"[" * 100_000),
    "large": lambda: VendorAnswer(200, b'{"data": [' + b" " * (4 * _MEGABYTE) + b"]}"),
    "bomb": _bomb,
    "200mb": lambda: VendorAnswer(200, Repeated.of(b" " * _MEGABYTE, 200)),
    "endless": lambda: VendorAnswer(200, Repeated.of(b" " * _MEGABYTE, 0)),
    "redirect": lambda: VendorAnswer(302, b"", location="http://elsewhere.invalid/api"),
    "field_20mb": lambda: VendorAnswer(200, _row(price="9" * (20 * _MEGABYTE))),
    "rows_31mb": lambda: VendorAnswer(
        200, b'{"data": [' + b",".join([_ONE_ROW] * (31_000_000 // len(_ONE_ROW))) + b"]}"
    ),
}
