"""All sources together: a poller each, what is made of several of them, and new settings while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from bot.domain.events import DatumReceived, EndpointReported, Event
from bot.engine.state.ports import Clock, Sink, TradingCalendar
from bot.feeds.combining import Combining
from bot.feeds.poller import Poller
from bot.feeds.sources import AuthSettings, DataSources, SourceSettings
from bot.feeds.transport import AiohttpTransport, Transport

Transports = Callable[[str, SourceSettings], Transport]
Secret = Callable[[str], str | None]
"""Gives what an environment variable holds."""
Around = Callable[[str, Transport], Transport]
ANY_BEARER: Final = "simulated"
"""Our own simulator takes any secret; whether a real one is missing was checked before the start."""


def over_http(secret: Secret) -> Transports:
    """Return transports to the sources' own addresses."""

    def make(name: str, settings: SourceSettings) -> Transport:
        headers, params = signed(settings.auth, secret(settings.auth.env) or ANY_BEARER)
        timeout_s = settings.request_timeout_wall_s
        return AiohttpTransport(settings.base_url, {**settings.headers, **headers}, params, timeout_s=timeout_s)

    return make


def signed(auth: AuthSettings, secret: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the headers and parameters by which a source knows us."""
    if auth.by == "bearer":
        return {"Authorization": f"Bearer {secret}"}, []
    if auth.by == "header":
        return {auth.name: secret}, []
    return {}, [(auth.name, secret)] if auth.by == "query" else []


class Feeds:
    """The pollers of all enabled sources. Events go to the sink in the event loop that called `start` or
    `poll_once`."""

    def __init__(
        self,
        sources: DataSources,
        clock: Clock,
        calendar: TradingCalendar,
        sink: Sink,
        transports: Transports,
    ) -> None:
        self._clock, self._calendar, self._sink = clock, calendar, sink
        self._transports = transports
        self._around: Around = lambda source, transport: transport
        self.sources = sources
        self._combining = Combining(sources, self._target_is_fresh)
        self.pollers: dict[str, Poller] = {name: self._poller(name, each) for name, each in sources.enabled().items()}
        self._is_running = False

    def ask_through(self, around: Around) -> None:
        """Put something around each source's transport that hears every answer as it comes, a recording for one."""
        self._around = around
        for name, poller in self.pollers.items():
            poller.ask_through(around(name, poller.transport))

    async def start(self) -> None:
        """Begin to poll; returns at once."""
        self._is_running = True
        for poller in self.pollers.values():
            await poller.start()

    async def stop(self) -> None:
        """Stop polling and close the connections; nothing is given to the sink afterwards."""
        self._is_running = False
        for poller in self.pollers.values():
            await poller.stop()

    async def poll_once(self, now: datetime) -> None:
        """Ask for everything that is due at `now`, source by source."""
        for poller in list(self.pollers.values()):
            await poller.poll_once(now)

    def remember(self, rows: Iterable[EndpointReported]) -> None:
        """Go on where a run before this one was."""
        found: dict[str, list[EndpointReported]] = {}
        for row in rows:
            found.setdefault(row.feed, []).append(row)
        for name, poller in self.pollers.items():
            poller.remember(found.get(name, ()), self._clock.now())

    async def take(self, sources: DataSources, secret: Secret | None = None) -> None:
        """Go on with other settings: sources are added, changed and removed, and what is fresh stays. `secret`: where
        they come with other secrets."""
        if secret is not None:
            self._transports = over_http(secret)
        before, self.sources = self.sources.enabled(), sources
        self._combining = Combining(sources, self._target_is_fresh)
        wanted = sources.enabled()
        for name in [each for each in self.pollers if each not in wanted or _moves(before[each], wanted[each])]:
            await self._leave(name)
        for name, settings in wanted.items():
            if name in self.pollers:
                self.pollers[name].take(settings)
                continue
            self.pollers[name] = self._poller(name, settings)
            if self._is_running:
                await self.pollers[name].start()

    async def _leave(self, name: str) -> None:
        poller = self.pollers.pop(name)
        await poller.stop()
        poller.take(poller.settings.model_copy(update={"endpoints": (), "aggregates": ()}))

    def _poller(self, name: str, settings: SourceSettings) -> Poller:
        transport = self._around(name, self._transports(name, settings))
        return Poller(name, settings, self._clock, self._calendar, self._hear, transport)

    def _hear(self, event: Event) -> None:
        self._sink(event)
        if isinstance(event, DatumReceived):
            for made in self._combining.of(event, self._clock.now()):
                self._note_stand_in(made)
                self._sink(made)

    def _note_stand_in(self, made: DatumReceived) -> None:
        for poller in self.pollers.values():
            if (target := poller.target_of(made.dataset, made.key)) is not None:
                target.stand_in = made.source

    def _target_is_fresh(self, source: str, dataset: str, key: str) -> bool:
        poller = self.pollers.get(source)
        target = poller.target_of(dataset, key) if poller else None
        return target is not None and target.is_fresh(self._clock.now())


def _moves(before: SourceSettings, now: SourceSettings) -> bool:
    """Say whether another address or sign-in makes it another source."""
    return _reached(before) != _reached(now)


def _reached(settings: SourceSettings) -> tuple[object, ...]:
    return settings.base_url, settings.auth, settings.headers, settings.manners, settings.request_timeout_wall_s
