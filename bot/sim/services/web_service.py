"""What every simulated service that speaks HTTP has: a port, the book's count of its requests, and its faults.

A service says how a request is called, what it answers when all is well, and how its errors look; when a fault meets a
request is the same for all: before the storing, or after it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Book, Service
from bot.sim.services.faults import BEFORE, Bend, FaultBoard, ServiceFault

log: Final = logging.getLogger(__name__)

HTML: Final = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>Just a moment</body></html>"
LARGEST_BODY: Final = 52 * 1024 * 1024
_LOOK_S: Final = 0.05
_DRIP_EVERY_S: Final = 1.0
_PATIENCE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a service sees it: what it is called, whom it is for, its fields and files."""

    method: str
    target: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    raw: web.Request | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON and headers. `bare` is what is left of a success without what is optional."""

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"

    def octets(self) -> bytes:
        return json.dumps(self.content).encode() if self.body is None else self.body


class WebService:
    """A service behind one port of 127.0.0.1."""

    service: Service

    def __init__(self, book: Book, board: FaultBoard) -> None:
        self.book, self.board = book, board
        self._runner: web.AppRunner | None = None
        self._cut = asyncio.Event()

    # ---- what each service says for itself

    async def read(self, raw: web.Request) -> Request:
        """Return what is asked."""
        raise NotImplementedError

    async def perform(self, request: Request) -> Answer:
        """Do what is asked, and store what has to be stored."""
        raise NotImplementedError

    def problem(self, fault: ServiceFault, request: Request) -> Answer:
        """Return how this service words a fault that has an answer."""
        raise NotImplementedError

    def refusal(self, request: Request) -> Answer | None:
        """Return what is answered to a wrong credential, None to the right one."""
        return None

    def bare(self, answer: Answer) -> Answer:
        """Return a success without its optional headers and fields."""
        return Answer(answer.status, answer.content, {}, answer.body, answer.content_type)

    def forgetting(self, request: Request) -> None:
        """Forget what would let this request be known as a repetition."""

    # ---- the same for all

    async def serve(self, listening: socket.socket) -> None:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        self._runner = runner
        await web.SockSite(runner, listening).start()

    async def stop(self) -> None:
        self._cut.set()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _handle(self, raw: web.Request) -> web.StreamResponse:
        request = await self.read(raw)
        refused = self.refusal(request)
        if refused is not None:
            self.book.count(self.service, request.method, "", refused.status)
            return self._send(refused)
        fault = self.board.meet(self.service, request.method, request.target)
        status, response = await self._through(raw, request, fault)
        self.book.count(self.service, request.method, fault.fault if fault else "", status)
        return response

    async def _through(
        self, raw: web.Request, request: Request, fault: ServiceFault | None
    ) -> tuple[int, web.StreamResponse]:
        """Return the status that is answered, 0 for none, and the response."""
        if fault is None:
            return self._with_status(await self.perform(request))
        if fault.fault in BEFORE:
            return await self._instead(raw, request, fault)
        if fault.fault is Bend.FORGETS:
            self.forgetting(request)
        answer = await self.perform(request)
        if answer.status >= web.HTTPBadRequest.status_code:
            return self._with_status(answer)  # it refused this by itself: nothing was stored
        return await self._afterwards(raw, request, fault, answer)

    async def _instead(self, raw: web.Request, request: Request, fault: ServiceFault) -> tuple[int, web.StreamResponse]:
        if fault.fault is Bend.HANG:
            return 0, await self._never(raw)
        if fault.fault is Bend.RESET:
            return 0, _reset(raw)
        if fault.fault is Bend.HTML:
            return fault.status, web.Response(status=fault.status, body=HTML, content_type="text/html")
        return self._with_status(self.problem(fault, request))

    async def _afterwards(
        self, raw: web.Request, request: Request, fault: ServiceFault, answer: Answer
    ) -> tuple[int, web.StreamResponse]:
        if fault.fault is Bend.ACCEPT_HANG:
            return 0, await self._never(raw)
        if fault.fault is Bend.ACCEPT_RESET:
            return 0, _reset(raw)
        if fault.fault is Bend.DRIP:
            return 0, await self._drip(raw, answer)
        if fault.fault is Bend.ERROR_AFTER:
            return self._with_status(self.problem(fault, request))
        return self._with_status(self.bare(answer) if fault.fault is Bend.BARE else answer)

    def _with_status(self, answer: Answer) -> tuple[int, web.StreamResponse]:
        return answer.status, self._send(answer)

    @staticmethod
    def _send(answer: Answer) -> web.Response:
        # Content-Type as a header, for with a charset some clients take JSON for text.
        headers = {"Content-Type": answer.content_type, **answer.headers}
        return web.Response(status=answer.status, body=answer.octets(), headers=headers)

    async def until_left(self, raw: web.Request | None, seconds: float) -> bool:
        """Wait so long, or until the client or the service goes; says whether somebody is still there."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            transport = raw.transport if raw is not None else None
            if self._cut.is_set() or transport is None or transport.is_closing():
                return False
            await asyncio.sleep(min(_LOOK_S, left))
        return True

    async def _never(self, raw: web.Request) -> web.StreamResponse:
        await self.until_left(raw, _PATIENCE_S)
        return _reset(raw)

    async def _drip(self, raw: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
        body = answer.octets()
        response.content_length = len(body)
        try:
            await response.prepare(raw)
            for octet in body:
                await response.write(bytes([octet]))
                if not await self.until_left(raw, _DRIP_EVERY_S):
                    break
        except ConnectionError:
            log.debug("the client left in the middle of a slow answer")
        return response


def _reset(raw: web.Request) -> web.StreamResponse:
    """Cut the connection; what is returned is never sent."""
    if raw.transport is not None:
        raw.transport.abort()
    return web.Response()
