"""What every simulated service that speaks HTTP has: a port, the book's count of its requests, and its faults.

A service says how a request is called, what it answers when all is well, and how its errors look; when a fault meets a
request is the same for all: before the storing, or after it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Service, ServiceBook
from bot.sim.services.faults import BEFORE, Bend, FaultBoard, ServiceFault

log: Final = logging.getLogger(__name__)

HTML: Final = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>Just a moment</body></html>"
LARGEST_BODY: Final = 52 * 1024 * 1024
_LOOK_S: Final = 0.05
_DRIP_EVERY_S: Final = 5.0
_PATIENCE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """One request as a service sees it: what it is called, whom it is for, its fields and files."""

    method: str
    target: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    raw: web.Request | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """Status, JSON and headers. `bare` is what is left of a success without what is optional."""

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"

    def octets(self) -> bytes:
        return json.dumps(self.content).encode() if self.body is None else self.body


class WebService(ABC):
    """A service behind one port of 127.0.0.1."""

    service: Service

    def __init__(self, book: ServiceBook, board: FaultBoard) -> None:
        self.book, self.board = book, board
        self._runner: web.AppRunner | None = None
        self._cut = asyncio.Event()

    # ---- what each service says for itself

    @abstractmethod
    async def read(self, raw: web.Request) -> ServiceRequest:
        """Return what is asked."""

    @abstractmethod
    async def perform(self, request: ServiceRequest) -> ServiceAnswer:
        """Do what is asked, and store what has to be stored."""

    @abstractmethod
    def problem(self, fault: ServiceFault, request: ServiceRequest) -> ServiceAnswer:
        """Return how this service words a fault that has an answer."""

    def refusal(self, request: ServiceRequest) -> ServiceAnswer | None:
        """Return what is answered to a wrong credential, None to the right one."""
        return None

    def bare(self, answer: ServiceAnswer) -> ServiceAnswer:
        """Return a success without its optional headers and fields."""
        return ServiceAnswer(answer.status, answer.content, {}, answer.body, answer.content_type)

    def forgetting(self, request: ServiceRequest) -> None:  # noqa: B027 - where no repetition is known, nothing is forgotten
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
            return self._counted(request, None, refused)
        fault = self.board.meet(self.service, request.method, request.target)
        return await self._through(raw, request, fault)

    async def _through(
        self, raw: web.Request, request: ServiceRequest, fault: ServiceFault | None
    ) -> web.StreamResponse:
        if fault is None:
            return self._counted(request, None, await self.perform(request))
        if fault.fault in BEFORE:
            return await self._instead(raw, request, fault)
        if fault.fault is Bend.FORGETS:
            self.forgetting(request)
        answer = await self.perform(request)
        if answer.status >= web.HTTPBadRequest.status_code:
            return self._counted(request, fault, answer)  # it refused this by itself: nothing was stored
        return await self._afterwards(raw, request, fault, answer)

    async def _instead(self, raw: web.Request, request: ServiceRequest, fault: ServiceFault) -> web.StreamResponse:
        if fault.fault in {Bend.HANG, Bend.RESET}:
            return await self._unanswered(raw, request, fault, None)
        if fault.fault is Bend.HTML:
            return self._counted(request, fault, ServiceAnswer(fault.status, body=HTML, content_type="text/html"))
        return self._counted(request, fault, self.problem(fault, request))

    async def _afterwards(
        self, raw: web.Request, request: ServiceRequest, fault: ServiceFault, answer: ServiceAnswer
    ) -> web.StreamResponse:
        if fault.fault in {Bend.ACCEPT_HANG, Bend.ACCEPT_RESET, Bend.DRIP}:
            return await self._unanswered(raw, request, fault, answer)
        if fault.fault is Bend.ERROR_AFTER:
            return self._counted(request, fault, self.problem(fault, request))
        return self._counted(request, fault, self.bare(answer) if fault.fault is Bend.BARE else answer)

    async def _unanswered(
        self, raw: web.Request, request: ServiceRequest, fault: ServiceFault, answer: ServiceAnswer | None
    ) -> web.StreamResponse:
        """Count a request that is never answered, at once, and let the client learn it its own way."""
        self.book.count(self.service, request.method, fault.fault, 0)
        if fault.fault is Bend.DRIP and answer is not None:
            return await self._drip(raw, answer)
        if fault.fault not in {Bend.RESET, Bend.ACCEPT_RESET}:
            await self.until_left(raw, _PATIENCE_S)
        return _reset(raw)

    def _counted(
        self, request: ServiceRequest, fault: ServiceFault | None, answer: ServiceAnswer
    ) -> web.StreamResponse:
        self.book.count(self.service, request.method, fault.fault if fault else "", answer.status)
        return self._send(answer)

    @staticmethod
    def _send(answer: ServiceAnswer) -> web.Response:
        # Content-Type as a header, for with a charset some clients take JSON for text.
        body = answer.octets()
        headers = {"Content-Type": answer.content_type, **answer.headers} if body else dict(answer.headers)
        return web.Response(status=answer.status, body=body, headers=headers)

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

    async def _drip(self, raw: web.Request, answer: ServiceAnswer) -> web.StreamResponse:
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
