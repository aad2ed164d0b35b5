"""Bad answers over a socket, one named outcome each, for a declared reader and a typed one alike: no bad value is given
on, what was sound stays, the data set beside it is asked as ever, and the next sound answer is taken."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from aiohttp import web

from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, FeedReported
from bot.feeds.feeds import over_http
from bot.feeds.poller import Poller
from bot.feeds.sources import SourceSettings
from tests.feeds.uw_site import NOON, OneDay

Kind = Callable[["Vendor", web.Request], Awaitable[web.StreamResponse]]
BLANKS: Final = b" " * 1_048_576
READER: Final = {
    "rows": "rates", "time": "at", "identity": ["tenor"],
    "fields": {
        "tenor": {"path": "tenor", "needed": True},
        "rate": {"path": "mid", "type": "number", "needed": True},
        "at": {"path": "at", "type": "time", "needed": True},
    },
}  # fmt: skip
COMMON: Final = {
    "interval_s": 60, "max_age_s": 300, "oldest_s": 86_400, "params": {"limit": 2},
    "paging": {"by": "page", "most": 3}, "priority": "critical",
}  # fmt: skip
DECLARED: Final = {"name": "rates", "path": "/rates", "reader": READER, **COMMON}
TYPED: Final = {"name": "spot_gex", "path": "/typed", "parser": "spot_gex", **COMMON}
BESIDE: Final = {
    "name": "beside", "path": "/beside", "reader": READER, "interval_s": 60, "max_age_s": 300, "priority": "critical",
}  # fmt: skip


def a_declared(at: datetime, value: Any = 4.25) -> dict[str, Any]:
    return {"tenor": "10Y", "mid": value, "at": at.isoformat()}


def a_typed(at: datetime, value: Any = "590.1") -> dict[str, Any]:
    return {"time": at.isoformat(), "price": value, "gamma_per_one_percent_move_oi": "1000"}


class Vendor:
    """Two data sets: one that says what the test wants, and a sound one beside it."""

    def __init__(self) -> None:
        self.says: Kind | None = None
        self.is_typed = False
        self.elsewhere: list[str] = []
        self.address = ""

    def row(self, at: datetime, *value: Any) -> dict[str, Any]:
        return a_typed(at, *value) if self.is_typed else a_declared(at, *value)

    def rows(self, *rows: Any) -> web.Response:
        return web.json_response({"data" if self.is_typed else "rates": list(rows)})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/beside":
            return web.json_response({"rates": [a_declared(NOON)]})
        if request.path == "/elsewhere":
            self.elsewhere.append(request.headers.get("X-Key", ""))
            return web.json_response({})
        return await self.says(self, request) if self.says else self.rows(self.row(NOON))


def plainly(status: int, body: bytes, **more: Any) -> Kind:
    async def say(vendor: Vendor, request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, **more)

    return say


def of_rows(*makes: Callable[[Vendor], Any]) -> Kind:
    async def say(vendor: Vendor, request: web.Request) -> web.StreamResponse:
        return vendor.rows(*(make(vendor) for make in makes))

    return say


async def endless(vendor: Vendor, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    try:
        while True:
            await response.write(BLANKS)
    except (ConnectionError, asyncio.CancelledError):
        return response


async def two_hundred_megabytes(vendor: Vendor, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-length": str(200 * len(BLANKS))})
    await response.prepare(request)
    try:
        for _ in range(200):
            await response.write(BLANKS)
    except (ConnectionError, asyncio.CancelledError):
        pass
    return response


async def another_host(vendor: Vendor, request: web.Request) -> web.StreamResponse:
    elsewhere = vendor.address.replace("127.0.0.1", "localhost")
    return web.Response(status=302, headers={"location": f"{elsewhere}/elsewhere"})


async def cut_off(vendor: Vendor, request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def the_same_page(vendor: Vendor, request: web.Request) -> web.StreamResponse:
    return vendor.rows(vendor.row(NOON), {**vendor.row(NOON - timedelta(minutes=1)), "tenor": "2Y"})


BOMB: Final = gzip.compress(b'{"data": [' + b" " * (64 * len(BLANKS)) + b"]}", 9, mtime=0)
JSON: Final = {"content_type": "application/json"}
KINDS: Final[dict[str, tuple[Kind, str]]] = {
    "malformed": (plainly(200, b'{"rates": [{"tenor": "10', **JSON), "not_json"),
    "html": (plainly(200, b"<!DOCTYPE html><html>Just a moment...</html>", content_type="text/html"), "not_json"),
    "nothing": (plainly(200, b""), "not_json"),
    "a text": (plainly(200, b'"upstream connect error"', **JSON), "not_json"),
    "no rows": (plainly(200, b'{"status": "fine"}', **JSON), "no_rows"),
    "200 MB": (two_hundred_megabytes, "too_large"),
    "endless": (endless, "too_large"),
    "a bomb": (plainly(200, BOMB, headers={"content-encoding": "gzip"}), "too_large"),
    "many rows": (plainly(200, b'{"rates": [' + b",".join([b"{}"] * 50_000) + b"]}", **JSON), "too_large"),
    "another host": (another_host, "redirected"),
    "null rows": (of_rows(lambda v: None), "unreadable"),
    "rows that are texts": (of_rows(lambda v: "row"), "unreadable"),
    "wrong types": (of_rows(lambda v: {**v.row(NOON), "mid": [4.25], "price": {"of": 590}}), "unreadable"),
    "no number": (of_rows(lambda v: v.row(NOON, "1e999999999")), "unreadable"),
    "of tomorrow": (of_rows(lambda v: v.row(NOON + timedelta(days=1))), "future"),
    "of the year 1": (of_rows(lambda v: v.row(datetime(1, 1, 2, tzinfo=NOON.tzinfo))), "ancient"),
    "of last week": (of_rows(lambda v: v.row(NOON - timedelta(days=7))), "ancient"),
    "a page twice": (the_same_page, "duplicate_page"),
    "an unknown ticker": (plainly(404, b"{}"), "unknown_ticker"),
    "not in the plan": (plainly(403, b"{}"), "not_in_plan"),
    "a wrong question": (plainly(422, b"{}"), "not_in_plan"),
    "a spent minute": (plainly(429, b"{}"), "minute_spent"),
    "a spent quota": (plainly(429, b'{"code": "daily_request_limit_hit"}'), "quota_spent"),
    "a revoked token": (plainly(401, b"{}"), "refused"),
    "an error of theirs": (plainly(503, b"busy"), "http_error"),
    "a cut line": (cut_off, "no_answer"),
}  # fmt: skip
OF_THE_SOURCE: Final = {"minute_spent", "quota_spent", "refused"}
"""What is said of all that a source has."""


@asynccontextmanager
async def asked(*, is_typed: bool) -> AsyncIterator[tuple[Vendor, Poller, ManualClock, list[Event]]]:
    vendor, app = Vendor(), web.Application()
    vendor.is_typed = is_typed
    app.router.add_get("/{path:.*}", vendor.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vendor.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = SourceSettings.model_validate(
        {
            "base_url": vendor.address, "manners": "unusual_whales", "quota": {"period": "day", "reset_at": "20:00"},
            "auth": {"by": "header", "name": "X-Key", "env": "A_KEY"},
            "endpoints": [TYPED if is_typed else DECLARED, BESIDE], "retry": {"base_seconds": 1},
        }
    )  # fmt: skip
    clock, events = ManualClock(NOON), list[Event]()
    transport = over_http(lambda variable: "a-secret")("acme", settings)
    poller = Poller("acme", settings, clock, OneDay(), events.append, transport)
    try:
        yield vendor, poller, clock, events
    finally:
        await poller.stop()
        await runner.cleanup()


def data(events: list[Event], name: str) -> list[DatumReceived]:
    return [each for each in events if isinstance(each, DatumReceived) and each.dataset == name]


def report(events: list[Event], name: str) -> FeedReported:
    return [each for each in events if isinstance(each, FeedReported) and each.dataset == name][-1]


@pytest.mark.parametrize("is_typed", [False, True], ids=["declared", "typed"])
@pytest.mark.parametrize("kind", KINDS)
async def test_it_has_a_name_and_harms_nothing(kind: str, is_typed: bool) -> None:
    says, outcome = KINDS[kind]
    name = "spot_gex" if is_typed else "rates"
    async with asked(is_typed=is_typed) as (vendor, poller, clock, events):
        await poller.poll_once(clock.now())
        assert report(events, name).outcome == "ok"
        good, beside = len(data(events, name)), len(data(events, "beside"))

        vendor.says = says
        clock.advance(61)
        await poller.poll_once(clock.now())
        told = report(events, name)
        assert (told.outcome, told.state) != ("ok", "ok")
        assert told.outcome == outcome
        assert len(told.last_error) <= 600
        assert "a-secret" not in json.dumps([str(each) for each in events])
        assert vendor.elsewhere == [], "nobody else is told who we are"
        given = data(events, name)[good:]
        sound = [row for datum in given for row in datum.value]
        assert kind == "a page twice" or sound == []
        if outcome not in OF_THE_SOURCE:
            assert len(data(events, "beside")) == beside + 1

        vendor.says = None
        clock.advance(1801)  # what is refused is asked for again so seldom
        await poller.poll_once(clock.now())
        if outcome != "quota_spent":  # that is until the evening
            assert report(events, name).state == "ok"
