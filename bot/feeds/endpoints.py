"""An endpoint as it is asked: its targets, its breaker, what makes rows of its answers, what it took today."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from bot.domain.calendar import new_york_day
from bot.domain.events.feeds import EndpointReported
from bot.feeds.breaker import CircuitBreaker
from bot.feeds.rows import Reads
from bot.feeds.sources import EndpointSettings, SourceSettings
from bot.feeds.targets import Target, targets_of


@dataclass(slots=True)
class DayUse:
    """Calls, errors and dollars of one New York day."""

    day: date
    calls: int = 0
    errors: int = 0
    cost: Decimal = Decimal(0)


@dataclass(slots=True)
class Endpoint:
    """See the module."""

    settings: EndpointSettings
    reads: Reads
    targets: list[Target]
    breaker: CircuitBreaker
    fault: str = ""
    use: DayUse = field(default_factory=lambda: DayUse(date.min))
    _told: tuple[object, ...] = ()

    @classmethod
    def of(cls, settings: EndpointSettings, source: SourceSettings) -> Endpoint:
        """Return a fresh endpoint of a source."""
        breaker = CircuitBreaker(source.breaker.failures, source.breaker.open_seconds)
        return cls(settings, source.reads(settings), targets_of(settings, source), breaker)

    def used_on(self, now: datetime) -> DayUse:
        """Return what it took today, from nothing where the day is a new one."""
        day = new_york_day(now)
        if self.use.day != day:
            self.use = DayUse(day)
        return self.use

    def called(self, now: datetime) -> None:
        use = self.used_on(now)
        use.calls += 1
        use.cost += self.settings.cost_per_call

    def erred(self, now: datetime) -> None:
        self.used_on(now).errors += 1

    def is_over_its_cap(self, now: datetime) -> bool:
        """Say whether one more call would cost more than a day may."""
        cap = self.settings.daily_cost_cap
        return bool(cap) and self.used_on(now).cost + self.settings.cost_per_call > cap

    def take_over(self, before: Endpoint) -> None:
        """Go on where the endpoint of the same name was: what it took, its breaker, and of each target that is asked in
        the same way its rows and its turn."""
        self.use, self.breaker, self.fault = before.use, before.breaker, before.fault
        if _asked_of(self.settings) != _asked_of(before.settings):
            return
        known = {target.key: target for target in before.targets}
        for place, target in enumerate(self.targets):
            if (old := known.get(target.key)) is not None:
                due_sooner = self.settings.interval_s < old.settings.interval_s
                old.settings, old.place, old.of = self.settings, target.place, target.of
                old.next_due = None if due_sooner else old.next_due
                self.targets[place] = old

    def report(self, feed: str, now: datetime) -> EndpointReported | None:
        """Return what is news of the endpoint, None where nothing is."""
        use = self.used_on(now)
        news = (use.day, use.calls, use.errors, self.breaker.state, self.breaker.retry_at)
        if news == self._told:
            return None
        self._told = news
        return EndpointReported(
            feed=feed,
            dataset=self.settings.name,
            day=use.day,
            calls=use.calls,
            errors=use.errors,
            cost=use.cost,
            breaker=self.breaker.state.value,
            breaker_failures=self.breaker.failures,
            breaker_retry_at=self.breaker.retry_at,
            at=now,
        )

    def remember(self, row: EndpointReported) -> None:
        """Go on where a run before this one was."""
        self.use = DayUse(row.day, row.calls, row.errors, row.cost)
        self.breaker.restore(row.breaker, row.breaker_failures, row.breaker_retry_at)


def _asked_of(settings: EndpointSettings) -> tuple[object, ...]:
    """Return what makes answers the same: where something else is asked or read, the old rows do not stand for it."""
    return settings.path, tuple(settings.params.items()), settings.parser, settings.reader, settings.cursor
