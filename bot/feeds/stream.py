"""A vendor's WebSocket: rows of some data sets as they happen, with REST beside it for what the stream has not said.

One connection a source carries all channels. While a channel is heard, its data set is asked by REST only as often as
`rest_every_s` says; when the connection is lost, or says nothing for `quiet_wall_s`, REST goes on at once as it would
without a stream, and fills what was missed: a series comes whole, a set with a cursor from its newest row on. After
each new beginning REST is asked once, too. The reading loop only collects: a vendor drops what a slow reader does not
take.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from bot.domain.events.people import AlertRaised
from bot.domain.outside import outside
from bot.engine.state.ports import Clock, Sink, TradingCalendar
from bot.feeds.endpoints import Endpoint
from bot.feeds.poller import Poller
from bot.feeds.sources import StreamSettings, title_of
from bot.feeds.targets import Target
from bot.feeds.transport import USER_AGENT

if TYPE_CHECKING:
    import aiohttp

log: Final = logging.getLogger(__name__)

MOST_MESSAGE_BYTES: Final = 1024 * 1024
MOST_WAITING: Final = 20_000
"""Rows that wait to be given on; beyond, the oldest are left to REST."""
GIVE_EVERY_WALL_S: Final = 0.2
REFUSED_FOR_WALL_S: Final = 1800.0
"""A plan without streams is asked again so seldom."""
_REFUSALS: Final = frozenset({401, 403, 404})
_JOIN: Final = "join"

Place = tuple[Endpoint, Target]


class VendorStream:
    """One source's. `secret` opens the socket, and is in nothing that is said of it; `frames` hears each message as it
    came, before anything is made of it."""

    def __init__(
        self,
        poller: Poller,
        settings: StreamSettings,
        secret: str,
        clock: Clock,
        calendar: TradingCalendar,
        sink: Sink,
        frames: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._poller, self._settings, self._secret = poller, settings, secret
        self._frames = frames
        self._clock, self._calendar, self._sink = clock, calendar, sink
        self._jitter = random.Random()
        self._waiting: dict[str, list[Any]] = {}
        self._attempts = 0
        self._told_refused = False
        self._tasks: list[asyncio.Task[None]] = []

    # ---- life

    def start(self) -> None:
        if not self._tasks:
            name = self._poller.source
            self._tasks = [
                asyncio.create_task(self._run(), name=f"{name}-stream"),
                asyncio.create_task(self._keep_giving(), name=f"{name}-stream-rows"),
            ]

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                pause_s = await self._once()
            except Exception as error:  # the edge of the task: one bad connection must not end the stream
                log.exception("the stream of %s failed", self._poller.source)
                pause_s = self._back_off(f"internal: {outside(error)}")
            self._lost()
            await asyncio.sleep(pause_s)

    async def _once(self) -> float:
        """Connect, join and listen until the connection is over; return the wall seconds until the next try."""
        import aiohttp

        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(_no_redirect)
        try:
            async with (
                aiohttp.ClientSession(headers={"User-Agent": USER_AGENT}, trace_configs=[trace]) as session,
                session.ws_connect(self._address(), max_msg_size=MOST_MESSAGE_BYTES) as socket,
            ):
                await self._listen(socket)
        except aiohttp.WSServerHandshakeError as error:
            if error.status in _REFUSALS:
                return self._refused(error.status)
            return self._back_off(f"HTTP {error.status}")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return self._back_off(type(error).__name__)
        return self._back_off("the connection is over")

    def _address(self) -> str:
        parts = urlsplit(self._poller.settings.base_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + self._settings.path, self._query(), ""))

    def _query(self) -> str:
        return f"{self._settings.signs_as}={self._secret}" if self._settings.signs_as else ""

    # ---- what is heard

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        import aiohttp

        for channel in self._channels():
            await socket.send_str(json.dumps({"channel": channel, "msg_type": _JOIN}))
        while True:
            message = await asyncio.wait_for(socket.receive(), self._settings.quiet_wall_s)
            if message.type is aiohttp.WSMsgType.TEXT:
                self._heard(message.data)
            elif message.type not in {aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG}:
                return

    def _channels(self) -> dict[str, list[Place]]:
        """Return what is joined: each channel's name with the targets that it is about."""
        now, found = self._clock.now(), dict[str, list[Place]]()
        for endpoint in self._poller.endpoints.values():
            told = endpoint.settings.stream
            for target in endpoint.targets if told is not None else ():
                assert told is not None
                for channel in target.channels(told.channel, self._calendar, now):
                    found.setdefault(channel, []).append((endpoint, target))
        return found

    def _heard(self, text: str) -> None:
        """Keep a message's row; what is no message of a channel is nothing."""
        self._frames(text)
        try:
            channel, payload = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            return
        if not isinstance(channel, str) or not isinstance(payload, dict):
            return
        if "response" in payload:
            self._joined(channel, payload)
            return
        waiting = self._waiting.setdefault(channel, [])
        waiting.append(payload)
        del waiting[:-MOST_WAITING]

    def _joined(self, channel: str, payload: dict[str, Any]) -> None:
        """A channel begins, or begins anew: what it has not said is asked for once by REST."""
        places = self._channels().get(channel, ())
        if places and payload.get("status") == "ok":
            self._attempts = 0
            self._poller.ask_now([target for _, target in places], self._clock.now())

    # ---- what is given on

    async def _keep_giving(self) -> None:
        while True:
            await asyncio.sleep(GIVE_EVERY_WALL_S)
            self.give()

    def give(self) -> None:
        """Give on what was heard since the last time, once for each data set and key."""
        if not self._waiting:
            return
        heard, self._waiting = self._waiting, {}
        places, now = self._channels(), self._clock.now()
        said: dict[int, tuple[Endpoint, Target, list[Any]]] = {}
        for channel, rows in heard.items():
            for endpoint, target in places.get(channel, ()):
                ours = said.setdefault(id(target), (endpoint, target, []))[2]
                ours += self._ours(endpoint, target, rows, now)
        for endpoint, target, rows in said.values():
            self._poller.take_streamed(endpoint, target, rows, now, self._rest_every())

    def _ours(self, endpoint: Endpoint, target: Target, rows: Iterable[Any], now: datetime) -> list[Any]:
        """Return the rows that are about a target, where a channel has others' too."""
        told = endpoint.settings.stream
        assert told is not None
        same = {name: target.filled(template, self._calendar, now) for name, template in told.same.items()}
        return [
            row
            for row in rows
            if (not told.ticker_field or row.get(told.ticker_field) in target.tickers)
            and all(str(row.get(name)) == wanted for name, wanted in same.items())
        ]

    def _rest_every(self) -> timedelta:
        return timedelta(seconds=self._settings.rest_every_s)

    # ---- what goes wrong

    def _lost(self) -> None:
        """REST goes on at once with what the stream was heard of."""
        places = {id(target): target for each in self._channels().values() for _, target in each}
        streamed = [target for target in places.values() if target.rest_every is not None]
        for target in streamed:
            target.rest_every = None
        self._poller.ask_now(streamed, self._clock.now())

    def _back_off(self, reason: str) -> float:
        self._attempts += 1
        log.info("the stream of %s: %s; REST goes on", self._poller.source, reason)
        pause_s = self._settings.retry_base_wall_s * float(2 ** min(self._attempts - 1, 10))
        return min(pause_s, self._settings.retry_most_wall_s) * self._jitter.uniform(0.5, 1.5)

    def _refused(self, status: int) -> float:
        if not self._told_refused:
            self._told_refused = True
            title = title_of(self._poller.source, self._poller.settings)
            words = f"{title}: no stream is given (HTTP {status}); everything is asked by REST"
            facts = {"feed": self._poller.source, "status": status}
            self._sink(AlertRaised("FEED_NO_STREAM", words, facts, self._clock.now()))
        return REFUSED_FOR_WALL_S


async def _no_redirect(*_: object) -> None:
    """What identifies us is for the one host."""
    raise ConnectionError("redirected")
