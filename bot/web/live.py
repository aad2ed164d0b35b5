"""Live parts: server-sent events, and the same parts once for browsers and proxies that cannot hold a stream.

Context: waitress gives each stream a thread for as long as it lives. Decision: at most STREAMS_MAX streams, each ends
after STREAM_S and the browser comes back by itself; who finds no free stream polls `/parts`. Consequence: a room full
of open tabs cannot take the page from the operator who wants to press a button.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from threading import BoundedSemaphore, Event
from typing import Any, Final
from zlib import crc32

from flask import Blueprint, Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from bot.domain.errors import StoreError
from bot.engine.state.ports import Clock
from bot.web.access import visit
from bot.web.logins import Visit
from bot.web.pages import parts
from bot.web.patches import patch

blueprint = Blueprint("live", __name__)

STREAMS_MAX: Final = 9
STREAM_S: Final = 240.0
EVERY_S: Final = 1.0
BEATS_EVERY: Final = 4
RETRY_MS: Final = 1500


class Streams:
    """How many streams are open, and the bell that ends them all."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.free = BoundedSemaphore(STREAMS_MAX)
        self.closing = Event()


def streams() -> Streams:
    found: Streams = current_app.extensions["streams"]
    return found


@blueprint.get("/parts")
def once() -> dict[str, str]:
    """Return the live parts of a view as JSON: {name: HTML}, and under `have` a mark of each. Who sends those marks
    back (`have=name:mark,...`) gets only what changed since."""
    known = set(request.args.get("have", "").split(","))
    found = parts()
    marks = {name: f"{name}:{crc32(html.encode()):08x}" for name, html in found.items()}
    news = {name: html for name, html in found.items() if marks[name] not in known}
    return {**news, "have": ",".join(marks.values())}


@blueprint.get("/events")
def events() -> Response:
    """Stream a view: `parts`, data {name: HTML}, for what is new; then `patch`, data {name: steps} (see patches.py),
    for what changed of it; `beat`, every fourth time, when nothing did."""
    limits = streams()
    if not limits.free.acquire(blocking=False):
        words = "every stream is taken; poll /parts\n"
        return Response(words, 503, mimetype="text/plain", headers={"Retry-After": "10"})
    beats = _Beats(current_app._get_current_object(), request.environ, visit())  # type: ignore[attr-defined]
    answer = Response(_stream(limits, beats), mimetype="text/event-stream")
    answer.call_on_close(limits.free.release)
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


class _Beats:
    """Renders the parts again and again; each beat has a request context of its own and holds none between beats."""

    def __init__(self, app: Flask, environ: dict[str, Any], here: Visit) -> None:
        self._app, self._environ, self._here = app, environ, here
        self._shown: dict[str, str] = {}
        self._still = 0

    def next(self) -> str:
        try:
            with self._app.request_context(self._environ):
                g.visit = self._here
                found = parts()
        except (StoreError, HTTPException):
            return "event: quiet\ndata: {}\n\n"  # the reader is told that the page hears nothing new
        changed = {name: html for name, html in found.items() if self._shown.get(name) != html}
        whole = {name: html for name, html in changed.items() if name not in self._shown}
        steps = {name: patch(self._shown[name], html) for name, html in changed.items() if name in self._shown}
        self._shown.update(changed)
        return _event("parts", whole) + _event("patch", steps) if changed else self._beat()

    def _beat(self) -> str:
        self._still += 1
        return _event("beat", {}) if self._still % BEATS_EVERY == 0 else ""


def _event(kind: str, data: Mapping[str, Any]) -> str:
    if not data and kind != "beat":
        return ""
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _stream(limits: Streams, beats: _Beats) -> Iterator[str]:
    clock = limits.clock
    ends = clock.monotonic() + STREAM_S
    yield f"retry: {RETRY_MS}\n\n"
    while not limits.closing.is_set() and clock.monotonic() < ends:
        if said := beats.next():
            yield said
        limits.closing.wait(EVERY_S)
