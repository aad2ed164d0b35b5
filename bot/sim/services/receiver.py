"""The receiver of signed webhooks on loopback: each path is a place of the book, each POST an entry with its headers.

A receiver that knows the secret of a path (`secrets`) says of each delivery whether its signature holds: the header
`SIGNATURE_HEADER` as `t=UNIX,v1=HEX`, HEX being HMAC-SHA256 of `t.rawbody`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Service, ServiceBook
from bot.sim.services.faults import Bend, FaultBoard, ServiceFault
from bot.sim.services.web_service import ServiceAnswer, ServiceRequest, WebService

SIGNATURE_HEADER: Final = "X-Quanticity-Signature"
_MOST_SHOWN: Final = 8192
_SHOWN_HEADERS: Final = ("content-type", "user-agent", "idempotency-key")


class ReceiverService(WebService):
    """Takes what it is sent; a path whose place is gone answers 410."""

    service = Service.RECEIVER

    def __init__(self, book: ServiceBook, board: FaultBoard, secrets: Mapping[str, str] | None = None) -> None:
        super().__init__(book, board)
        self.secrets = dict(secrets or {})

    async def read(self, raw: web.Request) -> ServiceRequest:
        return ServiceRequest("post", raw.path.strip("/") or "hook", {}, {}, raw, await raw.read())

    async def perform(self, request: ServiceRequest) -> ServiceAnswer:
        raw = request.raw
        if raw is None or raw.method != "POST":
            return ServiceAnswer(405, {"error": "POST only"})
        place = self.book.place(self.service, request.target, name=f"/{request.target}", kind="webhook")
        if place.gone:
            return ServiceAnswer(410, {"error": place.gone})
        headers = {n: v for n, v in raw.headers.items() if n.lower().startswith("x-") or n.lower() in _SHOWN_HEADERS}
        extra = {"headers": headers, "signed": self._is_signed(request.target, raw.headers, request.body)}
        self.book.store(place, _shown(request.body), title=_title(request.body), extra=extra)
        return ServiceAnswer(200, {"ok": True})

    def problem(self, fault: ServiceFault, request: ServiceRequest) -> ServiceAnswer:
        wait = fault.retry_after_s
        hint = {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
        table = {
            Bend.LIMITED: ServiceAnswer(429, {"error": "too many requests"}, hint),
            Bend.REVOKED: ServiceAnswer(401, {"error": "unauthorized"}),
            Bend.REFUSED: ServiceAnswer(410, {"error": "gone"}),
            Bend.NOT_FOUND: ServiceAnswer(404, {"error": "not found"}),
            Bend.TOO_LONG: ServiceAnswer(413, {"error": "too large"}),
        }
        return table.get(fault.fault, ServiceAnswer(500, {"error": "internal server error"}))

    def bare(self, answer: ServiceAnswer) -> ServiceAnswer:
        return ServiceAnswer(200, body=b"")

    def _is_signed(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """Return yes, no, or that nobody here knows the secret."""
        secret, given = self.secrets.get(path), headers.get(SIGNATURE_HEADER, "")
        if secret is None:
            return "not checked"
        parts = dict(each.split("=", 1) for each in given.split(",") if "=" in each)
        wanted = signature(secret, parts.get("t", ""), body)
        return "yes" if hmac.compare_digest(wanted, parts.get("v1", "")) else "no"


def signature(secret: str, moment: str, body: bytes) -> str:
    """Return the hexadecimal signature of a body that was sent at an epoch second."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _object(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _shown(body: bytes) -> str:
    found = _object(body)
    text = json.dumps(found, indent=2, ensure_ascii=False) if found is not None else body.decode(errors="replace")
    return text[:_MOST_SHOWN]


def _title(body: bytes) -> str:
    found = _object(body)
    return str(found.get("code") or found.get("kind") or "") if isinstance(found, dict) else ""
