"""All shipped sets of Unusual Whales with the full universe, by the clock: what a minute's budget leaves of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.feeds.poller import Poller
from bot.feeds.sources import DataSources, Priority
from bot.feeds.transport import Params, Response
from bot.sim.uw.limits import Counter as Requests
from bot.sim.uw.limits import UwLimits
from tests.conftest import REPO_ROOT
from tests.feeds.uw_site import NOON, OneDay

SHIPPED = DataSources.model_validate(
    yaml.safe_load(Path(REPO_ROOT, "config", "data_sources.yaml").read_text(encoding="utf-8"))
).root["unusual_whales"]
STEP_S = 5
MINUTES = 25


@dataclass
class Refusing:
    """A vendor that counts as ours does, and has an empty answer for everything within its limits."""

    clock: ManualClock
    requests: Requests = field(default_factory=lambda: Requests(UwLimits()))
    refused: int = 0
    at: list[datetime] = field(default_factory=list)

    async def get(self, path: str, params: Params, most_bytes: int = 0) -> Response:
        now = self.clock.now()
        self.requests.count(now)
        self.at.append(now)
        self.refused += self.requests.minute_spent
        status, body = (429, b'{"message": "limit"}') if self.requests.minute_spent else (200, b'{"data": []}')
        return Response(status, self.requests.headers(now), body)

    async def close(self) -> None:
        """Nothing is open."""


def lived(per_minute: int) -> tuple[Refusing, Poller, dict[Priority, float]]:
    """Poll for some minutes; return the vendor, the feed and the greatest age of each class once all had their turn."""
    clock, events = ManualClock(NOON), list[Event]()
    vendor = Refusing(clock)
    settings = SHIPPED.model_copy(update={"per_minute": per_minute})
    feed = Poller("unusual_whales", settings, clock, OneDay(), events.append, vendor)
    oldest: dict[Priority, float] = dict.fromkeys(Priority, 0.0)

    async def live() -> None:
        for step in range(MINUTES * 60 // STEP_S):
            await feed.poll_once(clock.now())
            clock.advance(STEP_S)
            if step * STEP_S < 240:
                continue
            for endpoint in feed.endpoints.values():
                for target in endpoint.targets:
                    heard = target.last_success_at or NOON
                    age = (clock.now() - heard).total_seconds() / target.settings.max_age_s
                    priority = target.settings.priority
                    oldest[priority] = max(oldest[priority], age)

    asyncio.run(live())
    return vendor, feed, oldest


def calls_by_class(feed: Poller) -> Counter[Priority]:
    found: Counter[Priority] = Counter()
    for endpoint in feed.endpoints.values():
        found[endpoint.settings.priority] += sum(target.requests for target in endpoint.targets)
    return found


def most_in_a_minute(at: list[datetime]) -> int:
    by_step = Counter(at)
    spans = [timedelta(seconds=STEP_S * step) for step in range(60 // STEP_S)]
    return max(sum(by_step[first + span] for span in spans) for first in by_step)


def test_at_a_hundred_and_ten_a_minute_every_set_comes_in_time_and_nobody_is_refused() -> None:
    vendor, feed, oldest = lived(110)
    assert len(SHIPPED.symbols) == 13
    assert vendor.refused == 0
    assert most_in_a_minute(vendor.at) <= 110
    assert all(oldest[each] <= 1 for each in (Priority.CRITICAL, Priority.IMPORTANT, Priority.BACKGROUND)), oldest
    assert all(target.requests for endpoint in feed.endpoints.values() for target in endpoint.targets)


def test_at_thirty_a_minute_critical_sets_keep_their_ages_and_the_background_waits() -> None:
    vendor, feed, oldest = lived(30)
    calls = calls_by_class(feed)
    assert vendor.refused == 0
    assert most_in_a_minute(vendor.at) <= 30
    assert oldest[Priority.CRITICAL] <= 1
    assert calls[Priority.CRITICAL] > 0.9 * sum(calls.values())
    assert calls[Priority.BACKGROUND] == 0
    held = [t.last_error for e in feed.endpoints.values() for t in e.targets if t.settings.priority == "background"]
    assert set(held) == {"the minute's budget is kept for what is more important"} or all(held)
