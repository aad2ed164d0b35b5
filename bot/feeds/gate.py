"""What keeps a source, or one of its endpoints, from being asked now: hours, quota, cost, refusals, breakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.calendar import midnight_after
from bot.domain.errors import BotError
from bot.engine.state.ports import TradingCalendar
from bot.feeds.endpoints import Endpoint
from bot.feeds.outcome import Outcome
from bot.feeds.phases import Every, MarketState, Phases, due_after
from bot.feeds.quota import MinuteOfCalls, Quota, next_reset, period_began
from bot.feeds.schedule import RANKS, Room
from bot.feeds.sources import EndpointSettings, Priority, QuotaSettings, SourceSettings
from bot.feeds.targets import FeedState, Target

PROBE_AFTER: Final = timedelta(minutes=30)
"""What a source refused is asked for again so seldom: a plan that was renewed needs nobody to start us anew."""
MINUTE: Final = timedelta(seconds=60)
DEPENDS_AGAIN_S: Final = 5.0


class NoCallNow(BotError):
    """A request that may not be made yet."""

    def __init__(
        self, until: datetime, reason: str, state: FeedState = FeedState.WAITING, outcome: Outcome | None = None
    ) -> None:
        super().__init__(reason)
        self.until, self.reason, self.state, self.outcome = until, reason, state, outcome


class CallGate:
    """One source's. `fresh` says whether all targets of an endpoint of this source are fresh."""

    def __init__(
        self, settings: SourceSettings, calendar: TradingCalendar, fresh: Callable[[str, datetime], bool]
    ) -> None:
        self.settings, self._calendar, self._fresh = settings, calendar, fresh
        self._phases = Phases(calendar)
        self.minute = MinuteOfCalls()
        self.quota = Quota()
        self.refused = ""
        self.probe_at: datetime | None = None  # when one request may see whether we are still refused
        self.day_spent_until: datetime | None = None
        self.minute_spent_until: datetime | None = None
        self._quota_of: datetime | None = None  # the reset before which the quota was heard

    # ---- when

    def next_due(
        self, endpoint: EndpointSettings, last: datetime | None, now: datetime, share: float = 1.0
    ) -> datetime:
        """Return when a target that was asked at `last` (None: never) is next due by interval, phase and conditions."""
        return due_after(last, now, self._every(endpoint), self._phases, endpoint.conditions.time_range, share)

    def demand(self, endpoints: Mapping[str, Endpoint], now: datetime) -> dict[Priority, float]:
        """Return the calls a minute that each class needs in the present phase."""
        state, needed = self._phases.now(now), dict.fromkeys(RANKS, 0.0)
        for endpoint in endpoints.values():
            every = self._every(endpoint.settings)(state)
            if every is not None:
                calls = sum(target.pages for target in endpoint.targets if not target.given_up)
                needed[endpoint.settings.priority] += calls * 60 / every
        return needed

    def _every(self, endpoint: EndpointSettings) -> Every:
        pace, states = self.settings.priorities.of(endpoint.priority), endpoint.conditions.market_state

        def every(state: MarketState) -> float | None:
            if not states:
                return pace.every_s(state, endpoint.interval_s)
            return endpoint.interval_s if state in states else None

        return every

    def room(self, endpoints: Mapping[str, Endpoint], in_flight: int, now: datetime) -> Room:
        """Return how much may be asked now."""
        priorities = self.settings.priorities
        return Room(
            per_minute=self.settings.per_minute,
            shares={each: priorities.of(each).share for each in RANKS},
            demand=self.demand(endpoints, now),
            asked=self.minute.recent(now),
            left=self.quota.minute_remaining,
            left_until=self.quota.minute_reset_at,
            in_flight=in_flight,
            max_in_flight=self.settings.max_in_flight,
        )

    # ---- whether

    def check(self, endpoint: Endpoint, target: Target, now: datetime) -> None:
        """Raise `NotNow` with the first reason that forbids a request; the breaker is asked last, for it may probe."""
        if self.probe_at is not None and now < self.probe_at:
            raise NoCallNow(self.probe_at, self.refused, FeedState.REFUSED)
        self._check_hours(endpoint.settings, now)
        self._check_quota(endpoint.settings, now)
        _check_cost(endpoint, now)
        self._check_dependencies(endpoint.settings, now)
        if not endpoint.breaker.admits(now):
            raise NoCallNow(endpoint.breaker.retry_at or now + MINUTE, f"left alone: {endpoint.fault}", FeedState.OPEN)
        if self.probe_at is not None:
            self.probe_at = now + PROBE_AFTER  # this one asks for all

    def check_page(self, now: datetime) -> None:
        """Raise `NotNow` where not one more call fits into the minute."""
        free_at = max(self.minute.free_at(self.settings.per_minute, now), self.quota.spent_until(now) or now)
        if free_at > now:
            raise NoCallNow(free_at, "the minute's budget is spent")

    def _check_hours(self, endpoint: EndpointSettings, now: datetime) -> None:
        opens = self.next_due(endpoint, None, now)
        if opens <= now:
            return
        state = self._phases.now(now)
        if state is not MarketState.CLOSED:
            raise NoCallNow(opens, f"not asked now ({state.value.replace('_', ' ')})")
        today = self._calendar.today(now)
        session = self._calendar.session_on(today)
        coming = session if session and now < session.open_at else self._calendar.next_session(today)
        raise NoCallNow(opens, f"the market is closed; next session {coming.day}")

    def _check_quota(self, endpoint: EndpointSettings, now: datetime) -> None:
        if self.day_spent_until is not None and now < self.day_spent_until:
            words = f"the quota is spent until {_reset_in_words(self.day_spent_until, self.settings.quota)}"
            raise NoCallNow(self.day_spent_until, words, FeedState.REFUSED, Outcome.QUOTA_SPENT)
        if self.minute_spent_until is not None and now < self.minute_spent_until:
            raise NoCallNow(self.minute_spent_until, "the vendor's minute is spent")
        used = self.quota.used_fraction() if self._quota_is_current(now) else None
        if used is None:
            return
        until = next_reset(self.settings.quota, now)
        if used >= 1 and self.settings.quota.limit:
            raise NoCallNow(
                until, f"our {self.settings.quota.limit} calls are spent", FeedState.REFUSED, Outcome.QUOTA_SPENT
            )
        if endpoint.priority is not Priority.CRITICAL and used >= float(self.settings.quota.stop_nonessential_at):
            words = f"quota {used:.0%} used: only critical data until {_reset_in_words(until, self.settings.quota)}"
            raise NoCallNow(until, words, outcome=Outcome.QUOTA_SPENT)

    def _check_dependencies(self, endpoint: EndpointSettings, now: datetime) -> None:
        for name in endpoint.depends_on:
            if not self._fresh(name, now):
                raise NoCallNow(now + timedelta(seconds=DEPENDS_AGAIN_S), f"waits for {name} to be fresh")

    # ---- what was heard

    def asked(self, priority: Priority, now: datetime) -> None:
        """Count a call."""
        self.minute.take(now, priority)
        if self.settings.quota.limit:
            self._count_own(1, now)

    def remember_calls(self, calls: int, now: datetime) -> None:
        """Go on with the count that a run before this one had in the present period."""
        if self.settings.quota.limit:
            self._count_own(calls, now)

    def heard(self, headers: Mapping[str, str], now: datetime) -> None:
        """Take what the headers of an answer say of our use."""
        self.quota = self.quota.heard(headers, self.settings.quota.headers, now)
        if not self.settings.quota.limit:
            self._quota_of = next_reset(self.settings.quota, now)

    def is_regular(self, at: datetime) -> bool:
        """Say whether a moment is of a regular session."""
        return self._phases.now(at) is MarketState.REGULAR

    def minute_is_spent(self, now: datetime) -> datetime:
        """Note that the source refuses for this minute; return when it is over."""
        reset = self.quota.minute_reset_at
        self.minute_spent_until = reset if reset is not None and reset > now else now + MINUTE
        return self.minute_spent_until

    def day_is_spent(self, now: datetime) -> datetime:
        """Note that the quota is spent; return when it is renewed."""
        self.day_spent_until = next_reset(self.settings.quota, now)
        return self.day_spent_until

    def is_refused(self, reason: str, now: datetime) -> datetime:
        """Note that we are not accepted as a whole; return when one request may see whether that is over."""
        self.refused, self.probe_at = reason, now + PROBE_AFTER
        return self.probe_at

    def is_accepted(self) -> None:
        self.refused, self.probe_at = "", None

    def period_began(self, now: datetime) -> datetime | None:
        return period_began(self.settings.quota, now)

    def _count_own(self, calls: int, now: datetime) -> None:
        reset, before = next_reset(self.settings.quota, now), self.quota.used or 0
        used = calls + (before if self._quota_of == reset else 0)
        self._quota_of = reset
        self.quota = Quota(used, self.settings.quota.limit, self.quota.minute_remaining, self.quota.minute_reset_at)

    def _quota_is_current(self, now: datetime) -> bool:
        """After the reset the count that we last heard is the old period's."""
        return self._quota_of == next_reset(self.settings.quota, now)


def _check_cost(endpoint: Endpoint, now: datetime) -> None:
    if endpoint.is_over_its_cap(now):
        cap = endpoint.settings.daily_cost_cap
        raise NoCallNow(midnight_after(now), f"the day's {cap} dollars are spent", FeedState.REFUSED, Outcome.COST_CAP)


def _reset_in_words(at: datetime, quota: QuotaSettings) -> str:
    from bot.domain.wording import clock_time

    return f"{clock_time(at)} New York" if quota.period != "month" else f"{at:%Y-%m-%d}"
