"""Live parts: server-sent events, and the same parts once for browsers and proxies that cannot hold a stream.

Context: waitress gives each stream a thread for as long as it lives. Decision: at most STREAMS_MAX streams, each ends after
STREAM_S and the browser comes back by itself; who finds no free stream polls `/parts`. Consequence: a room full of open tabs
cannot take the page from the operator who wants to press a button.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import BoundedSemaphore, Event
from typing import Final

from flask import Blueprint, Response, current_app, stream_with_context
from werkzeug.exceptions import HTTPException

from bot.domain.errors import StoreError
from bot.web.pages import parts
from bot.web.window import window

blueprint = Blueprint("live", __name__)

STREAMS_MAX: Final = 9
STREAM_S: Final = 240.0
EVERY_S: Final = 1.0
RETRY_MS: Final = 1500


class Streams:
    """How many streams are open, and the bell that ends them all."""

    def __init__(self) -> None:
        self.free = BoundedSemaphore(STREAMS_MAX)
        self.closing = Event()


def streams() -> Streams:
    found: Streams = current_app.extensions["streams"]
    return found


@blueprint.get("/parts")
def once() -> dict[str, str]:
    """Return every live part of a view as JSON: {name: HTML}."""
    return parts()


@blueprint.get("/events")
def events() -> Response:
    """Stream the parts of a view that changed: `event: parts`, data {name: HTML}; `beat` when nothing did."""
    limits = streams()
    if not limits.free.acquire(blocking=False):
        return Response("every stream is taken; poll /parts\n", 503, mimetype="text/plain", headers={"Retry-After": "10"})
    answer = Response(stream_with_context(_stream(limits)), mimetype="text/event-stream")
    answer.call_on_close(limits.free.release)
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _stream(limits: Streams) -> Iterator[str]:
    clock = window().clock
    ends = clock.monotonic() + STREAM_S
    shown: dict[str, str] = {}
    yield f"retry: {RETRY_MS}\n\n"
    while not limits.closing.is_set() and clock.monotonic() < ends:
        yield _news(shown)
        limits.closing.wait(EVERY_S)


def _news(shown: dict[str, str]) -> str:
    try:
        found = parts()
    except (StoreError, HTTPException):
        return "event: quiet\ndata: {}\n\n"  # the reader is told that the page hears nothing new
    changed = {name: html for name, html in found.items() if shown.get(name) != html}
    shown.update(changed)
    if not changed:
        return "event: beat\ndata: {}\n\n"
    return f"event: parts\ndata: {json.dumps(changed, ensure_ascii=False)}\n\n"
