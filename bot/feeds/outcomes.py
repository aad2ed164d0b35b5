"""What an answer leads to: a table by verdict, from a refusal to the next call, a breaker, an alert."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from bot.domain.events.feeds import DatumReceived
from bot.domain.events.people import AlertRaised
from bot.engine.state.ports import Clock, Sink
from bot.feeds.breaker import CircuitState
from bot.feeds.endpoints import Endpoint
from bot.feeds.fetching import Fetched
from bot.feeds.gate import MINUTE, PROBE_AFTER, CallGate
from bot.feeds.outcome import Outcome
from bot.feeds.rows import Parsed
from bot.feeds.targets import FeedState, Target
from bot.feeds.verdicts import Judgement, Verdict

CROWDED_WALL_S: Final = (0.25, 0.5)
MIN_PAUSE_WALL_S: Final = 0.05


class Outcomes:
    """One source's. `others` gives every target of it that is not given up."""

    def __init__(
        self, source: str, title: str, gate: CallGate, clock: Clock, sink: Sink, others: Callable[[], Iterable[Target]]
    ) -> None:
        self._source, self._title, self._gate = source, title, gate
        self._clock, self._sink, self._others = clock, sink, others
        self._jitter = random.Random()
        self._settle: Final[Mapping[Verdict, Callable[[Endpoint, Target, Judgement, datetime, bool], None]]] = (
            MappingProxyType(
                {
                    Verdict.TRANSIENT: self.on_transient,
                    Verdict.CROWDED: self._on_crowded,
                    Verdict.MINUTE_SPENT: self._on_minute_spent,
                    Verdict.DAY_SPENT: self._on_day_spent,
                    Verdict.REFUSED: self._on_refused,
                    Verdict.DISABLED: self._on_disabled,
                    Verdict.DEMO: self._on_disabled,
                    Verdict.UNKNOWN_SYMBOL: self._on_unknown_symbol,
                    Verdict.SKIPPED: self._on_skipped,
                }
            )
        )

    def settle(self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, *, paced: bool) -> None:
        """Do what a judgement that is not OK asks for."""
        endpoint.erred(now)
        self._settle[judged.verdict](endpoint, target, judged, now, paced)

    def on_rows(self, endpoint: Endpoint, target: Target, fetched: Fetched, now: datetime) -> None:
        """Give rows on, or say why there are none."""
        parsed = fetched.parsed
        target.dropped += parsed.dropped
        if parsed.dropped and not parsed.rows:
            outcome = Outcome.UNREADABLE if fetched.outcome is Outcome.OK else fetched.outcome
            reason = f"no row could be read: {parsed.first_fault}"
            self.settle(endpoint, target, Judgement(Verdict.TRANSIENT, reason, outcome), now, paced=False)
            return
        endpoint.breaker.succeeded()
        self._given_again(target, now)
        fault = f"{parsed.dropped} rows dropped: {parsed.first_fault}" if parsed.dropped else fetched.remark
        received_at = max(now, self._clock.now())
        first = target.last_success_at is None
        share = (target.place + 1) / target.of if first else 1.0  # all are asked at once, then staggered
        target.succeeded(received_at, fault, self._gate.next_due(target.settings, received_at, received_at, share))
        if fetched.outcome is not Outcome.OK:
            target.outcome = fetched.outcome
        target.rows_are_of(parsed.source_at)
        if not parsed.rows and not target.settings.cursor:
            target.put_off("an empty answer", self._regular(target, now))
            target.outcome = Outcome.EMPTY
            return
        if target.rest_every is not None:  # this was only to close gaps
            target.outcome, target.next_due = Outcome.STREAMED, received_at + target.rest_every
        self._name_old_rows(target, received_at)
        self._sink(self._datum(target, parsed, received_at, target.keep(parsed, endpoint.reads, received_at)))

    def on_streamed(
        self, endpoint: Endpoint, target: Target, fetched: Fetched, now: datetime, rest_every: timedelta
    ) -> None:
        """Give on what the stream said; REST, where it is not due already, has so much time."""
        parsed = fetched.parsed
        target.dropped += parsed.dropped
        if not parsed.rows:
            return
        endpoint.breaker.succeeded()
        fault = f"{parsed.dropped} rows dropped: {parsed.first_fault}" if parsed.dropped else ""
        due = target.next_due
        target.succeeded(now, fault, due if due is not None and due <= now else now + rest_every)
        target.rows_are_of(parsed.source_at)
        target.outcome, target.rest_every = Outcome.STREAMED, rest_every
        self._sink(self._datum(target, parsed, now, target.add(parsed, endpoint.reads, now)))

    def _name_old_rows(self, target: Target, now: datetime) -> None:
        """An answer in time whose newest row is too old is named; at the open yesterday's rows are on their way out."""
        trades_since = now - timedelta(seconds=target.settings.max_age_s)
        if target.outcome is not Outcome.OK or not target.rows_are_old(now):
            return
        if self._gate.is_regular(trades_since) and self._gate.is_regular(now):
            target.outcome = Outcome.OLD_ROWS
            target.last_error = f"the newest row is {target.row_age_s(now):.0f} s old"

    def _datum(
        self, target: Target, parsed: Parsed[Any], received_at: datetime, value: tuple[Any, ...]
    ) -> DatumReceived:
        return DatumReceived(
            dataset=target.settings.name,
            key=target.key,
            value=value,
            source_at=parsed.source_at,
            received_at=received_at,
            ttl_s=target.settings.max_age_s,
            source=self._source,
            shown=target.settings.rows_shown,
        )

    def _given_again(self, target: Target, now: datetime) -> None:
        """What was refused is given: tell it, and wake who waited for that."""
        if not (target.given_up or self._gate.refused):
            return
        self._alert("FEED_BACK", f"{target.settings.name} is given again", target, now)
        for other in self._others() if self._gate.refused else ():
            if other is not target:
                other.put_off("", now)
        self._gate.is_accepted()

    def on_transient(self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool) -> None:
        """Try again after a while, or leave the endpoint alone."""
        reason, was = judged.reason, endpoint.breaker.state
        endpoint.fault = reason
        if endpoint.breaker.failed(now):
            if was is CircuitState.CLOSED:
                self._alert("FEED_BREAKER_OPEN", f"{endpoint.settings.name} keeps failing: {reason}", target, now)
            target.failed(reason, endpoint.breaker.retry_at or now + MINUTE, FeedState.OPEN, judged.outcome)
            return
        target.attempts += 1
        if target.attempts >= self._gate.settings.priorities.of(target.settings.priority).attempts:
            target.attempts = 0
            target.failed(reason, self._regular(target, now), outcome=judged.outcome)
            return
        target.failed(reason, now + self._back_off(target.attempts, paced), outcome=judged.outcome)

    def _back_off(self, attempts: int, paced: bool) -> timedelta:
        retry = self._gate.settings.retry
        pause_s = min(retry.base_seconds * 2 ** (attempts - 1), retry.max_seconds)
        if not paced:
            return timedelta(seconds=pause_s)
        jittered = pause_s * self._jitter.uniform(0.5, 1.5)
        return timedelta(seconds=max(jittered, MIN_PAUSE_WALL_S * self._clock.speed))

    def _on_crowded(self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool) -> None:
        endpoint.breaker.released(now)
        wall_s = self._jitter.uniform(*CROWDED_WALL_S) if paced else CROWDED_WALL_S[0]
        again_at = now + timedelta(seconds=wall_s * self._clock.speed)
        target.failed(judged.reason, again_at, outcome=judged.outcome)

    def _on_minute_spent(
        self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool
    ) -> None:
        endpoint.breaker.released(now)
        target.failed(judged.reason, self._gate.minute_is_spent(now), outcome=judged.outcome)

    def _on_day_spent(self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool) -> None:
        endpoint.breaker.released(now)
        self._alert("FEED_QUOTA_SPENT", f"the daily quota is spent: {judged.reason}", target, now)
        target.failed(judged.reason, self._gate.day_is_spent(now), FeedState.REFUSED, judged.outcome)

    def _on_refused(self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool) -> None:
        if not self._gate.refused:
            self._alert("FEED_REFUSED", f"the vendor refuses us: {judged.reason}", target, now)
        probe_at = self._gate.is_refused(judged.reason, now)
        target.failed(judged.reason, probe_at, FeedState.REFUSED, judged.outcome)
        for other in self._others():  # every other turn would only find the same out
            other.put_off(judged.reason, probe_at, FeedState.REFUSED)
            other.outcome = judged.outcome

    def _on_disabled(self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool) -> None:
        endpoint.breaker.released(now)
        if not target.given_up:
            self._alert("FEED_DISABLED", f"{endpoint.settings.name} is not to be had: {judged.reason}", target, now)
        target.failures += 1
        for each in endpoint.targets:
            each.give_up(judged.reason, now + PROBE_AFTER, judged.outcome)

    def _on_unknown_symbol(
        self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool
    ) -> None:
        endpoint.breaker.succeeded()  # the endpoint works
        if not target.given_up:
            text = f"{endpoint.settings.name} does not know {target.key}: {judged.reason}"
            self._alert("FEED_UNKNOWN_SYMBOL", text, target, now)
        target.failures += 1
        target.give_up(judged.reason, now + PROBE_AFTER, judged.outcome)

    def _on_skipped(self, endpoint: Endpoint, target: Target, judged: Judgement, now: datetime, paced: bool) -> None:
        endpoint.breaker.succeeded()
        target.failed(judged.reason, self._regular(target, now), FeedState.WAITING, judged.outcome)

    def _regular(self, target: Target, now: datetime) -> datetime:
        return self._gate.next_due(target.settings, now, now)

    def _alert(self, code: str, text: str, target: Target, now: datetime) -> None:
        facts = {"feed": self._source, "dataset": target.settings.name, "key": target.key}
        self._sink(AlertRaised(code, f"{self._title}: {text}", facts, now))
