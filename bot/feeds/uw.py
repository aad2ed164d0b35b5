"""The Unusual Whales feed: asks for what is due, judges the answer, gives typed rows and its own health to the sink.

There is one way through: a target that is due takes a turn, and the turn says when the next one is. A retry is a turn
that comes sooner; a closed market, an empty quota, an open breaker are turns that are put off. So the live feed (a task
a dataset, asleep until the next turn) and a replay (`poll_once`, in a fixed order) run the same code.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from bot.domain.calendar import TradingSession
from bot.domain.errors import BotError
from bot.domain.events import AlertRaised, DatumReceived
from bot.engine.state.ports import Clock, Sink, TradingCalendar
from bot.feeds.breaker import CircuitBreaker, CircuitState
from bot.feeds.quota import MinuteBudget, Quota, next_daily_reset
from bot.feeds.sources import DatasetSettings, Priority, UwSettings
from bot.feeds.targets import FeedState, Target, targets_of
from bot.feeds.tolerant import Malformed, refuse_too_much, rows_of
from bot.feeds.transport import AiohttpTransport, Response, Transport, TransportFailed
from bot.feeds.uw_parsers import PARSERS, Parsed
from bot.feeds.verdicts import Judgement, Verdict, judge

log: Final = logging.getLogger(__name__)

FEED: Final = "unusual_whales"
CROWDED_WALL_S: Final = (0.25, 0.5)
MIN_PAUSE_WALL_S: Final = 0.05
REPORT_WALL_S: Final = 0.5
LONGEST_NAP_S: Final = 30.0  # the clock may be moved on while we sleep
LARGE_BODY_BYTES: Final = 65_536
MANY_ROWS: Final = 200
"""What is parsed beside the loop."""
PROBE_AFTER: Final = timedelta(minutes=30)
"""What the vendor refused is asked for again so seldom: a plan that was renewed needs nobody to start us anew."""
MINUTE: Final = timedelta(seconds=60)


class _NotNow(BotError):
    """A request that may not be made yet."""

    def __init__(self, until: datetime, reason: str, state: FeedState = FeedState.WAITING) -> None:
        super().__init__(reason)
        self.until, self.reason, self.state = until, reason, state


class _Unusable(BotError):
    """An answer that gives no rows."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.reason)
        self.judgement = judgement


@dataclass(slots=True)
class _Group:
    """A dataset with its targets and its breaker."""

    dataset: DatasetSettings
    targets: list[Target]
    breaker: CircuitBreaker
    fault: str = ""

    def next_target(self) -> Target:
        """Return the target whose turn comes first."""
        return min(self.targets, key=lambda t: (t.next_due is not None, t.next_due.timestamp() if t.next_due else 0.0))


class UwFeed:
    """See the module. Events go to the sink in the event loop that called `start` or `poll_once`."""

    def __init__(
        self, settings: UwSettings, clock: Clock, calendar: TradingCalendar, sink: Sink, transport: Transport
    ) -> None:
        self._settings, self._clock, self._calendar = settings, clock, calendar
        self._sink, self._transport = sink, transport
        self._groups = [
            _Group(dataset, targets, CircuitBreaker(settings.breaker.failures, settings.breaker.open_seconds))
            for dataset in settings.datasets
            if (targets := targets_of(dataset, settings.symbols))
        ]
        self._in_flight = asyncio.Semaphore(settings.max_in_flight)
        self._budget = MinuteBudget(settings.per_minute)
        self._jitter = random.Random()
        self._tasks: list[asyncio.Task[None]] = []
        self._refused = ""
        self._probe_at: datetime | None = None  # when one request may see whether we are still refused
        self._day_spent_until: datetime | None = None
        self._minute_spent_until: datetime | None = None
        self._quota_day: datetime | None = None  # the daily reset before which the quota was heard
        self.quota = Quota()
        self._settle: Final[Mapping[Verdict, Callable[[_Group, Target, str, datetime, bool], None]]] = MappingProxyType(
            {
                Verdict.TRANSIENT: self._on_transient,
                Verdict.CROWDED: self._on_crowded,
                Verdict.MINUTE_SPENT: self._on_minute_spent,
                Verdict.DAY_SPENT: self._on_day_spent,
                Verdict.REFUSED: self._on_refused,
                Verdict.DISABLED: self._on_disabled,
                Verdict.UNKNOWN_SYMBOL: self._on_unknown_symbol,
                Verdict.SKIPPED: self._on_skipped,
            }
        )

    @classmethod
    def over_http(cls, settings: UwSettings, clock: Clock, calendar: TradingCalendar, sink: Sink, token: str) -> UwFeed:
        """Return the feed on its real transport."""
        transport = AiohttpTransport(settings.base_url, token, timeout_s=settings.request_timeout_wall_s)
        return cls(settings, clock, calendar, sink, transport)

    def ask_through(self, around: Callable[[Transport], Transport]) -> None:
        """Put something around the transport that hears every answer as it comes, a recording for one."""
        self._transport = around(self._transport)

    async def start(self) -> None:
        """Begin to poll, a task a dataset; returns at once."""
        if self._tasks:
            return
        runs = [asyncio.create_task(self._run(group), name=f"uw-{group.dataset.name}") for group in self._groups]
        self._tasks = [*runs, asyncio.create_task(self._keep_reporting(), name="uw-report")]

    async def stop(self) -> None:
        """Stop polling and close the connection; nothing is given to the sink afterwards."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.close()

    async def poll_once(self, now: datetime) -> None:
        """Ask for everything that is due at `now`, one after the other in the order of the settings, without jitter."""
        for group in self._groups:
            for target in group.targets:
                if target.is_due(now):
                    await self._turn(group, target, now, paced=False)
                self._report(target, now)

    # ---- the live feed

    async def _run(self, group: _Group) -> None:
        while True:
            target = group.next_target()
            await self._sleep_until(target.next_due)
            now = self._clock.now()
            if not target.is_due(now):
                continue  # put off meanwhile
            try:
                await self._turn(group, target, now, paced=True)
            except Exception as error:  # the edge of the task: one bad turn must not end the dataset
                log.exception("a turn of %s %s failed", group.dataset.name, target.key)
                self._on_transient(group, target, f"internal: {error!r}", self._clock.now(), True)
            self._report(target, self._clock.now())
            await asyncio.sleep(0)

    async def _sleep_until(self, due: datetime | None) -> None:
        while due is not None and (left := (due - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left, max(LONGEST_NAP_S, self._clock.speed * MIN_PAUSE_WALL_S)))

    async def _keep_reporting(self) -> None:
        every_s = max(self._settings.report_seconds, REPORT_WALL_S * self._clock.speed)
        while True:
            now = self._clock.now()
            for group in self._groups:
                for target in group.targets:
                    self._report(target, now)
            await self._clock.sleep(every_s)

    # ---- one turn

    async def _turn(self, group: _Group, target: Target, now: datetime, *, paced: bool) -> None:
        try:
            self._check_may_ask(group, target, now)
            parsed = await self._fetch(target, now, paced=paced)
        except _NotNow as wait:
            target.put_off(wait.reason, wait.until, wait.state)
            group.breaker.released(now)
        except TransportFailed as error:
            self._on_transient(group, target, str(error), max(now, self._clock.now()), paced)
        except _Unusable as answer:
            judged_at = max(now, self._clock.now())
            self._settle[answer.judgement.verdict](group, target, answer.judgement.reason, judged_at, paced)
        else:
            self._on_rows(group, target, parsed, now)
        if paced:
            self._slow_down(target, now)

    def _check_may_ask(self, group: _Group, target: Target, now: datetime) -> None:
        """Raise `_NotNow` with the first reason that forbids a request; the breaker is asked last, for it may probe."""
        if self._probe_at is not None and now < self._probe_at:
            raise _NotNow(self._probe_at, self._refused, FeedState.REFUSED)
        self._check_hours(now)
        self._check_quota(target, now)
        if not group.breaker.admits(now):
            raise _NotNow(group.breaker.retry_at or now + MINUTE, f"left alone: {group.fault}", FeedState.OPEN)
        if self._probe_at is not None:
            self._probe_at = now + PROBE_AFTER  # this one asks for all

    def _check_hours(self, now: datetime) -> None:
        before = timedelta(seconds=self._settings.before_open_seconds)
        after = timedelta(seconds=self._settings.after_close_seconds)
        today = self._calendar.today(now)
        session = self._calendar.session_on(today)
        if session is not None and now <= session.close_at + after:
            if now >= session.open_at - before:
                return
            raise _closed(session, before)
        raise _closed(self._calendar.next_session(today), before)

    def _check_quota(self, target: Target, now: datetime) -> None:
        if self._day_spent_until is not None and now < self._day_spent_until:
            raise _NotNow(self._day_spent_until, "the daily quota is spent until 20:00 New York", FeedState.REFUSED)
        if self._minute_spent_until is not None and now < self._minute_spent_until:
            raise _NotNow(self._minute_spent_until, "the vendor's minute is spent")
        used = self.quota.used_fraction()
        if target.dataset.priority is not Priority.ESSENTIAL and used is not None:
            limit = float(self._settings.stop_nonessential_at)
            if used >= limit and self._quota_is_of_today(now):
                reason = f"daily quota {used:.0%} used: only essential data until 20:00 New York"
                raise _NotNow(next_daily_reset(now), reason)

    def _quota_is_of_today(self, now: datetime) -> bool:
        """After the daily reset the count that we last heard is yesterday's."""
        return self._quota_day == next_daily_reset(now)

    async def _fetch(self, target: Target, now: datetime, *, paced: bool) -> Parsed[Any]:
        """Return the rows of all pages; raises `_NotNow`, `_Unusable` or TransportFailed, and then nothing is kept. A
        live feed parses what is large in a thread, so that the tick goes on meanwhile."""
        rows: list[Any] = []
        full = target.dataset.params.get("limit")
        for page in range(target.dataset.max_pages):
            response = await self._ask(target, page, now if page == 0 else max(now, self._clock.now()))
            judgement = judge(response)
            if judgement.verdict is not Verdict.OK:
                raise _Unusable(judgement)
            try:
                more = await self._rows(target, response.body, paced=paced)
            except Malformed as fault:
                raise _Unusable(Judgement(Verdict.TRANSIENT, str(fault))) from fault
            rows += more
            if len(more) != full:
                break
        parse = PARSERS[target.dataset.parser].parse
        if paced and len(rows) > MANY_ROWS:
            return await asyncio.to_thread(parse, rows, target.memory)
        return parse(rows, target.memory)

    @staticmethod
    async def _rows(target: Target, body: bytes, *, paced: bool) -> list[Any]:
        most_rows = target.dataset.rows_of_a_page
        refuse_too_much(body, target.dataset.max_body_bytes, most_rows)
        if paced and len(body) > LARGE_BODY_BYTES:
            return await asyncio.to_thread(rows_of, body, most_rows)
        return rows_of(body, most_rows)

    async def _ask(self, target: Target, page: int, now: datetime) -> Response:
        free_at = max(self._budget.free_at(now), self.quota.spent_until(now) or now)
        if free_at > now:
            raise _NotNow(free_at, "the minute's budget is spent")
        self._budget.take(now)
        today = self._calendar.today(now)
        async with self._in_flight:
            target.requests += 1
            response = await self._transport.get(
                target.path(today), target.params(today, page), target.dataset.max_body_bytes
            )
        heard_at = max(now, self._clock.now())
        self.quota = self.quota.heard(response.headers, heard_at)
        self._quota_day = next_daily_reset(heard_at)
        return response

    def _slow_down(self, target: Target, started: datetime) -> None:
        """However fast the clock, one target is not asked more often than `min_wall_interval_s`."""
        floor = started + timedelta(seconds=self._settings.min_wall_interval_s * self._clock.speed)
        if target.next_due is not None and target.state is FeedState.OK:
            target.next_due = max(target.next_due, floor)

    # ---- what an answer leads to

    def _on_rows(self, group: _Group, target: Target, parsed: Parsed[Any], now: datetime) -> None:
        target.dropped += parsed.dropped
        if parsed.dropped and not parsed.rows:
            self._on_transient(group, target, f"no row could be read: {parsed.first_fault}", now, False)
            return
        group.breaker.succeeded()
        self._given_again(target, now)
        fault = f"{parsed.dropped} rows dropped: {parsed.first_fault}" if parsed.dropped else ""
        received_at = max(now, self._clock.now())
        target.succeeded(received_at, fault)
        if not parsed.rows and not target.dataset.cursor:
            target.put_off("an empty answer", target.next_regular(now))
            return
        value = target.keep(parsed, received_at)
        self._sink(
            DatumReceived(
                dataset=target.dataset.name,
                key=target.key,
                value=value,
                source_at=parsed.source_at,
                received_at=received_at,
                ttl_s=target.dataset.max_age_seconds,
            )
        )

    def _given_again(self, target: Target, now: datetime) -> None:
        """What was refused is given: tell it, and wake who waited for that."""
        if not (target.given_up or self._refused):
            return
        self._alert("FEED_BACK", f"{target.dataset.name} is given again", target, now)
        for other in self._all_targets() if self._refused else ():
            if other is not target:
                other.put_off("", now)
        self._refused, self._probe_at = "", None

    def _on_transient(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        group.fault, was = reason, group.breaker.state
        if group.breaker.failed(now):
            if was is CircuitState.CLOSED:
                text = f"{group.dataset.name} keeps failing: {reason}"
                self._alert("FEED_BREAKER_OPEN", text, target, now)
            target.failed(reason, group.breaker.retry_at or now + MINUTE, FeedState.OPEN)
            return
        target.attempts += 1
        if target.attempts >= self._settings.retry.attempts:
            target.attempts = 0
            target.failed(reason, target.next_regular(now))
            return
        target.failed(reason, now + self._back_off(target.attempts, paced))

    def _back_off(self, attempts: int, paced: bool) -> timedelta:
        retry = self._settings.retry
        pause_s = min(retry.base_seconds * 2 ** (attempts - 1), retry.max_seconds)
        if not paced:
            return timedelta(seconds=pause_s)
        jittered = pause_s * self._jitter.uniform(0.5, 1.5)
        return timedelta(seconds=max(jittered, MIN_PAUSE_WALL_S * self._clock.speed))

    def _on_crowded(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        group.breaker.released(now)
        wall_s = self._jitter.uniform(*CROWDED_WALL_S) if paced else CROWDED_WALL_S[0]
        target.failed(reason, now + timedelta(seconds=wall_s * self._clock.speed))

    def _on_minute_spent(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        group.breaker.released(now)
        reset = self.quota.minute_reset_at
        self._minute_spent_until = reset if reset is not None and reset > now else now + MINUTE
        target.failed(reason, self._minute_spent_until)

    def _on_day_spent(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        group.breaker.released(now)
        self._day_spent_until = next_daily_reset(now)
        self._alert("FEED_QUOTA_SPENT", f"the daily quota is spent: {reason}", target, now)
        target.failed(reason, self._day_spent_until, FeedState.REFUSED)

    def _on_refused(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        if not self._refused:
            self._alert("FEED_REFUSED", f"the vendor refuses us: {reason}", target, now)
        self._refused, self._probe_at = reason, now + PROBE_AFTER
        target.failed(reason, self._probe_at, FeedState.REFUSED)
        for other in self._all_targets():  # every other turn would only find the same out
            other.put_off(reason, self._probe_at, FeedState.REFUSED)
            self._report(other, now)

    def _on_disabled(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        group.breaker.released(now)
        if not target.given_up:
            self._alert("FEED_DISABLED", f"{group.dataset.name} is not to be had: {reason}", target, now)
        target.failures += 1
        for each in group.targets:
            each.give_up(reason, now + PROBE_AFTER)
            self._report(each, now)

    def _on_unknown_symbol(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        group.breaker.succeeded()  # the endpoint works
        text = f"{group.dataset.name} does not know {target.key}: {reason}"
        if not target.given_up:
            self._alert("FEED_UNKNOWN_SYMBOL", text, target, now)
        target.failures += 1
        target.give_up(reason, now + PROBE_AFTER)

    def _on_skipped(self, group: _Group, target: Target, reason: str, now: datetime, paced: bool) -> None:
        group.breaker.succeeded()
        target.failed(reason, target.next_regular(now), FeedState.WAITING)

    # ---- words to the sink

    def _all_targets(self) -> list[Target]:
        return [t for group in self._groups for t in group.targets if t.state is not FeedState.DISABLED]

    def _report(self, target: Target, now: datetime) -> None:
        if target.report_due(now, self._settings.report_seconds):
            self._sink(target.report(FEED, self.quota, now))

    def _alert(self, code: str, text: str, target: Target, now: datetime) -> None:
        facts = {"feed": FEED, "dataset": target.dataset.name, "key": target.key}
        self._sink(AlertRaised(code, f"Unusual Whales: {text}", facts, now))

    def breaker_state(self, dataset: str) -> CircuitState:
        """Return the breaker of a dataset; raises KeyError for one that is not polled."""
        return {group.dataset.name: group.breaker.state for group in self._groups}[dataset]


def _closed(session: TradingSession, before: timedelta) -> _NotNow:
    return _NotNow(session.open_at - before, f"the market is closed; next session {session.day}")
