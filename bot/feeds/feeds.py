"""All sources together: a poller each, what is made of several of them, and new settings while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.domain.addresses import is_loopback
from bot.domain.events import Event
from bot.domain.events.feeds import DatumReceived, EndpointReported, FeedReported
from bot.domain.events.people import AlertRaised
from bot.engine.state.ports import Clock, Sink, TradingCalendar
from bot.feeds.combining import Combining
from bot.feeds.outcome import Outcome
from bot.feeds.poller import Poller
from bot.feeds.sources import AuthSettings, DataSources, EndpointSettings, SourceSettings, title_of
from bot.feeds.targets import FeedState
from bot.feeds.transport import AiohttpTransport, Transport

if TYPE_CHECKING:
    from bot.feeds.stream import VendorStream

Transports = Callable[[str, SourceSettings], Transport]
Secret = Callable[[str], str | None]
"""Gives what an environment variable holds."""
HasKey = Callable[[SourceSettings], bool]
Around = Callable[[str, Transport], Transport]
Frames = Callable[[str, str], None]
"""Hears a source's name and a message of its stream."""
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
        has_key: HasKey = lambda settings: True,
        secret: Secret = lambda variable: None,
    ) -> None:
        self._clock, self._calendar, self._sink = clock, calendar, sink
        self._transports, self._has_key = transports, has_key
        self._secret = secret
        self._told_off: set[str] = set()
        self.streams: dict[str, VendorStream] = {}
        self._around: Around = lambda source, transport: transport
        self._frames: Frames = lambda source, text: None
        self.sources = sources
        self._combining = Combining(sources, self._target_is_fresh)
        self.pollers: dict[str, Poller] = {name: self._poller(name, each) for name, each in self._asked().items()}
        self._is_running = False

    def ask_through(self, around: Around) -> None:
        """Put something around each source's transport that hears every answer as it comes, a recording for one."""
        self._around = around
        for name, poller in self.pollers.items():
            poller.ask_through(around(name, poller.transport))

    def listen_through(self, frames: Frames) -> None:
        """Let something hear every message of each source's stream as it comes, of streams that begin from now on."""
        self._frames = frames

    async def start(self) -> None:
        """Begin to poll; returns at once."""
        self._is_running = True
        self._tell_who_is_off()
        for name in self.pollers:
            await self._begin(name)

    async def stop(self) -> None:
        """Stop polling and close the connections; nothing is given to the sink afterwards."""
        self._is_running = False
        for name in [*self.streams]:
            await self.streams.pop(name).stop()
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
            self._transports, self._has_key, self._secret = over_http(secret), keys_of(secret), secret
        before = {name: poller.settings for name, poller in self.pollers.items()}
        self._tell_what_is_gone(self.sources, sources)
        self.sources = sources
        self._combining = Combining(sources, self._target_is_fresh, self._combining)
        wanted = self._asked()
        self._tell_who_is_off()
        for name in [each for each in self.pollers if each not in wanted or _moves(before[each], wanted[each])]:
            await self._leave(name)
        for name, settings in wanted.items():
            if name in self.pollers:
                changed = self.pollers[name].settings.stream != settings.stream
                self.pollers[name].take(settings)
                if self._is_running and (changed or name in self.streams):
                    await self._stream_anew(name)  # its channels may be others
                continue
            self.pollers[name] = self._poller(name, settings)
            if self._is_running:
                await self._begin(name)

    def _asked(self) -> dict[str, SourceSettings]:
        """Return the sources that are asked: enabled, at an address, and with the key that they need."""
        return {name: each for name, each in self.sources.enabled().items() if each.base_url and self._has_key(each)}

    def _tell_who_is_off(self) -> None:
        """Say once of each source without its key that it is off; that is no alarm."""
        now = self._clock.now()
        off = {name: each for name, each in self.sources.enabled().items() if not self._has_key(each)}
        for name in sorted(off.keys() - self._told_off):
            variable, title = off[name].auth.env, title_of(name, off[name])
            words = f"{title} is off: {variable} is not set"
            self._sink(AlertRaised("FEED_NO_KEY", words, {"feed": name, "variable": variable}, now))
            for endpoint in off[name].endpoints:
                self._sink(_off(name, endpoint, f"{variable} is not set", now))
        self._told_off = set(off)

    def _tell_what_is_gone(self, before: DataSources, now: DataSources) -> None:
        """Take the rows of sets off the page that are not made any more."""
        made = [
            {(name, each.name) for name, source in sources.enabled().items() for each in source.aggregates}
            for sources in (before, now)
        ]
        at = self._clock.now()
        for source, dataset in sorted(made[0] - made[1]):
            for key in self._combining.keys_of(source, dataset):
                self._sink(_removed(source, dataset, key, at))

    async def _begin(self, name: str) -> None:
        await self.pollers[name].start()
        await self._stream_anew(name)

    async def _stream_anew(self, name: str) -> None:
        """Begin the stream of a source that has one, or end it."""
        if (before := self.streams.pop(name, None)) is not None:
            await before.stop()
        poller = self.pollers[name]
        wanted = poller.settings.stream
        if wanted is None or not wanted.enabled:
            return
        from bot.feeds.stream import VendorStream

        secret = self._secret(poller.settings.auth.env) or ANY_BEARER
        frames = partial(self._frames, name)
        self.streams[name] = VendorStream(poller, wanted, secret, self._clock, self._calendar, self._hear, frames)
        self.streams[name].start()

    async def _leave(self, name: str) -> None:
        if (stream := self.streams.pop(name, None)) is not None:
            await stream.stop()
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
            self._tell_what_was_made()

    def _tell_what_was_made(self) -> None:
        made, self._combining.status = self._combining.status, {}
        for report in made.values():
            self._sink(report)

    def _note_stand_in(self, made: DatumReceived) -> None:
        for poller in self.pollers.values():
            if (target := poller.target_of(made.dataset, made.key)) is not None:
                target.stand_in = made.source

    def _target_is_fresh(self, source: str, dataset: str, key: str) -> bool:
        poller = self.pollers.get(source)
        target = poller.target_of(dataset, key) if poller else None
        return target is not None and target.is_fresh(self._clock.now())


def keys_of(secret: Secret) -> HasKey:
    """Return what says whether a source has the key that it needs; one on this machine needs none."""

    def has_key(settings: SourceSettings) -> bool:
        local = is_loopback(urlsplit(settings.base_url).hostname or "")
        return not settings.auth.env or local or bool(secret(settings.auth.env))

    return has_key


def _off(source: str, endpoint: EndpointSettings, words: str, now: datetime) -> FeedReported:
    return FeedReported(
        feed=source, dataset=endpoint.name, key="*", state=FeedState.DISABLED.value, last_success_at=None,
        last_error=words, requests=0, failures=0, dropped=0, max_age_s=endpoint.max_age_s, quota_used=None,
        quota_limit=None, at=now, outcome=Outcome.NO_KEY.value, source=source, priority=endpoint.priority.value,
    )  # fmt: skip


def _removed(source: str, dataset: str, key: str, now: datetime) -> FeedReported:
    return FeedReported(
        feed=source, dataset=dataset, key=key, state=FeedState.REMOVED.value, last_success_at=None,
        last_error="taken out of the settings", requests=0, failures=0, dropped=0, max_age_s=0, quota_used=None,
        quota_limit=None, at=now, source=source,
    )  # fmt: skip


def _moves(before: SourceSettings, now: SourceSettings) -> bool:
    """Say whether another address or sign-in makes it another source."""
    return _reached(before) != _reached(now)


def _reached(settings: SourceSettings) -> tuple[object, ...]:
    return settings.base_url, settings.auth, settings.headers, settings.manners, settings.request_timeout_wall_s
