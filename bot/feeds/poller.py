"""Asks one source for what is due, judges the answers, gives typed rows and its own health to the sink.

There is one way through: a target that is due takes a turn, and the turn says when the next one is. A retry is a turn
that comes sooner; a closed market, an empty quota, an open breaker are turns that are put off. Who goes when several
are due is said by `bot.feeds.schedule`. So the live feed (asleep until the next turn) and a replay (`poll_once`, one
after the other) run the same code.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.domain.events.feeds import EndpointReported
from bot.engine.state.ports import Clock, Sink, TradingCalendar
from bot.feeds.asked import AskedTargets, turns_of
from bot.feeds.breaker import CircuitState
from bot.feeds.endpoints import Endpoint
from bot.feeds.fetching import Fetcher, Unusable
from bot.feeds.gate import CallGate, NoCallNow
from bot.feeds.outcome import Outcome
from bot.feeds.outcomes import MIN_PAUSE_WALL_S, Outcomes
from bot.feeds.quota import Quota
from bot.feeds.rows import Parsed, number_of
from bot.feeds.sources import ChannelSettings, SourceSettings, title_of
from bot.feeds.targets import FeedState, Target
from bot.feeds.transport import Transport, TransportFailed
from bot.feeds.vendors import manners_of
from bot.feeds.verdicts import Judgement, Verdict

log: Final = logging.getLogger(__name__)

REPORT_WALL_S: Final = 0.5
LONGEST_NAP_S: Final = 30.0  # the clock may be moved on while we sleep


class Poller:
    """One source's; see the module. Events go to the sink in the event loop that called `start` or `poll_once`."""

    def __init__(
        self,
        source: str,
        settings: SourceSettings,
        clock: Clock,
        calendar: TradingCalendar,
        sink: Sink,
        transport: Transport,
    ) -> None:
        self.source, self.settings = source, settings
        self._clock, self._sink = clock, sink
        self._asked = AskedTargets(source, settings, sink)
        self.gate = CallGate(settings, calendar, self._asked.is_fresh)
        self._fetcher = Fetcher(manners_of(settings.manners), transport, self.gate, clock, calendar)
        self._outcomes = Outcomes(source, title_of(source, settings), self.gate, clock, sink, self._asked.targets)
        self._tasks: list[asyncio.Task[None]] = []
        self._turns: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        return self._asked.endpoints

    @property
    def transport(self) -> Transport:
        return self._fetcher.transport

    def ask_through(self, transport: Transport) -> None:
        """Ask by another transport from now on."""
        self._fetcher.transport = transport

    @property
    def quota(self) -> Quota:
        return self.gate.quota

    async def start(self) -> None:
        """Begin to poll; returns at once."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._run(), name=f"{self.source}-turns"),
                asyncio.create_task(self._keep_reporting(), name=f"{self.source}-report"),
            ]

    async def stop(self) -> None:
        """Stop polling and close the connection; nothing is given to the sink afterwards."""
        tasks, self._tasks = [*self._tasks, *self._turns], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.transport.close()

    async def poll_once(self, now: datetime) -> None:
        """Ask for everything that is due at `now`, one after the other by its priority, without jitter."""
        targets = list(self._asked)
        if any(target.is_due(now) for _, target in targets):
            room = replace(self.gate.room(self.endpoints, 0, now), max_in_flight=len(targets))
            for place in turns_of(targets, room, now).go:
                endpoint, target = targets[place]
                if target.is_due(now):  # not put off by the turn of another meanwhile
                    await self._turn(endpoint, target, now, paced=False)
        self._asked.tell_all(self.quota, self.settings.report_seconds, now)

    def remember(self, rows: Iterable[EndpointReported], now: datetime) -> None:
        """Go on where a run before this one was: breakers, what the day took, our own count of the period."""
        began, calls = self.gate.period_began(now), 0
        for row in rows:
            endpoint = self.endpoints.get(row.dataset)
            if endpoint is not None and row.day == endpoint.used_on(now).day:
                endpoint.remember(row)
            if began is not None and row.day >= began.date():
                calls += row.calls
        self.gate.remember_calls(calls, now)

    def take(self, settings: SourceSettings) -> None:
        """Go on with other settings of the same address and sign-in: endpoints are added, changed and removed, and what
        is fresh stays."""
        self.settings = self.gate.settings = settings
        self._asked.take(settings, self.quota, self._clock.now())
        self._moved.set()

    def ask_now(self, targets: Iterable[Target], now: datetime) -> None:
        """Have targets asked at the first opportunity."""
        for target in targets:
            target.next_due = now
        self._moved.set()

    def take_streamed(
        self, endpoint: Endpoint, target: Target, rows: Sequence[Any], now: datetime, rest_every: timedelta
    ) -> None:
        """Give on rows that the source's stream said; the target is asked by REST `rest_every` later."""
        if rows:
            parsed = _large_enough(endpoint.reads.parse_message(rows), endpoint.settings.stream)
            fetched = Fetcher.in_time(parsed, endpoint.reads, target, now)
            self._outcomes.on_streamed(endpoint, target, fetched, now, rest_every)

    def target_of(self, dataset: str, key: str) -> Target | None:
        """Return a target by name, None where there is none."""
        return self._asked.target_of(dataset, key)

    def breaker_state(self, dataset: str) -> CircuitState:
        """Return the breaker of a data set; raises KeyError for one that is not polled."""
        return self.endpoints[dataset].breaker.state

    # ---- the live feed

    async def _run(self) -> None:
        while True:
            now = self._clock.now()
            self._moved.clear()
            targets = [each for each in self._asked if not each[1].busy]
            plan = turns_of(targets, self.gate.room(self.endpoints, len(self._turns), now), now)
            for place in plan.go:
                endpoint, target = targets[place]
                target.busy = True
                name = f"{self.source}-{target.settings.name}"
                task = asyncio.create_task(self._live_turn(endpoint, target, now), name=name)
                self._turns.add(task)
                task.add_done_callback(self._turns.discard)
            await self._until(plan.wake_at)

    async def _live_turn(self, endpoint: Endpoint, target: Target, now: datetime) -> None:
        try:
            await self._turn(endpoint, target, now, paced=True)
        except Exception as error:  # the edge of the task: one bad turn must not end the data set
            log.exception("a turn of %s %s failed", target.settings.name, target.key)
            judged = Judgement(Verdict.TRANSIENT, f"internal: {error!r}", Outcome.UNREADABLE)
            self._outcomes.settle(endpoint, target, judged, self._clock.now(), paced=True)
        finally:
            target.busy = False
            self._moved.set()
        self._asked.tell(target, self.quota, self.settings.report_seconds, self._clock.now())

    async def _until(self, due: datetime | None) -> None:
        """Sleep until something is due, or a turn has come to its end."""
        moved = asyncio.create_task(self._moved.wait())
        nap = asyncio.create_task(_sleep_until(due, self._clock))
        try:
            await asyncio.wait({moved, nap}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            moved.cancel()
            nap.cancel()
            await asyncio.gather(moved, nap, return_exceptions=True)

    async def _keep_reporting(self) -> None:
        every_s = max(self.settings.report_seconds, REPORT_WALL_S * self._clock.speed)
        while True:
            self._asked.tell_all(self.quota, self.settings.report_seconds, self._clock.now())
            await self._clock.sleep(every_s)

    # ---- one turn

    async def _turn(self, endpoint: Endpoint, target: Target, now: datetime, *, paced: bool) -> None:
        try:
            self.gate.check(endpoint, target, now)
            fetched = await self._fetcher.fetch(endpoint, target, now, paced=paced)
        except NoCallNow as wait:
            target.put_off(wait.reason, wait.until, wait.state)
            target.outcome = wait.outcome or target.outcome
            endpoint.breaker.released(now)
        except TransportFailed as error:
            judged = Judgement(Verdict.TRANSIENT, str(error), error.outcome)
            self._outcomes.settle(endpoint, target, judged, max(now, self._clock.now()), paced=paced)
        except Unusable as answer:
            at = max(now, self._clock.now())
            self._outcomes.settle(endpoint, target, answer.judgement, at, paced=paced)
        else:
            self._outcomes.on_rows(endpoint, target, fetched, now)
        if paced:
            self._slow_down(target, now)

    def _slow_down(self, target: Target, started: datetime) -> None:
        """However fast the clock, one target is not asked more often than `min_wall_interval_s`."""
        floor = started + timedelta(seconds=self.settings.min_wall_interval_s * self._clock.speed)
        if target.next_due is not None and target.state is FeedState.OK:
            target.next_due = max(target.next_due, floor)


def _large_enough(parsed: Parsed[Any], channel: ChannelSettings | None) -> Parsed[Any]:
    """Leave out what REST is not asked for: a channel has every trade, however small."""
    if channel is None or not channel.at_least:
        return parsed
    least = channel.at_least.items()
    kept = tuple(row for row in parsed.rows if all((number_of(row, name) or 0) >= most for name, most in least))
    return replace(parsed, rows=kept)


async def _sleep_until(due: datetime | None, clock: Clock) -> None:
    longest = max(LONGEST_NAP_S, clock.speed * MIN_PAUSE_WALL_S)
    left = longest if due is None else (due - clock.now()).total_seconds()
    await clock.sleep(max(min(left, longest), 0.001))
