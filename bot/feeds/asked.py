"""What is asked of one source: its endpoints with their targets, in the order of the settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.engine.state.ports import Sink
from bot.feeds.endpoints import Endpoint
from bot.feeds.quota import Quota
from bot.feeds.schedule import Claim, Room, Turns, turns
from bot.feeds.sources import SourceSettings
from bot.feeds.targets import FeedState, Target

AskedTarget = tuple[Endpoint, Target]
NEVER_ASKED: Final = datetime.min.replace(tzinfo=UTC)
"""What was never asked waits the longest: it goes before what is overdue, however little there is room for."""
REPORTS_A_TURN: Final = 4
"""Of what is asked seldom, the row is renewed seldom too: there are hundreds of such targets."""


class AskedTargets:
    """Of one source; what is news of it goes to the sink."""

    def __init__(self, source: str, settings: SourceSettings, sink: Sink) -> None:
        self._source, self._sink = source, sink
        self.endpoints = _endpoints_of(settings)

    def __iter__(self) -> Iterator[AskedTarget]:
        return ((endpoint, target) for endpoint in self.endpoints.values() for target in endpoint.targets)

    def targets(self) -> list[Target]:
        """Return what is asked at all."""
        return [target for _, target in self if target.state is not FeedState.DISABLED]

    def target_of(self, dataset: str, key: str) -> Target | None:
        """Return a target by name, None where there is none."""
        endpoint = self.endpoints.get(dataset)
        return next((each for each in endpoint.targets if each.key == key), None) if endpoint else None

    def is_fresh(self, dataset: str, now: datetime) -> bool:
        endpoint = self.endpoints.get(dataset)
        return endpoint is not None and all(target.is_fresh(now) for target in endpoint.targets)

    def take(self, settings: SourceSettings, quota: Quota, now: datetime) -> None:
        """Go on with other settings: endpoints are added, changed and removed, and what is fresh stays."""
        before = self.endpoints
        self.endpoints = _endpoints_of(settings)
        for name, endpoint in self.endpoints.items():
            if name in before:
                endpoint.take_over(before[name])
        kept = {id(target) for _, target in self}
        for endpoint in before.values():
            for target in endpoint.targets:
                if id(target) not in kept and (target.settings.name, target.key) not in self._names():
                    target.put_off("taken out of the settings", now, FeedState.REMOVED)
                    self._sink(target.report(self._source, quota, now))

    def _names(self) -> set[tuple[str, str]]:
        return {(target.settings.name, target.key) for _, target in self}

    def tell_all(self, quota: Quota, every_s: float, now: datetime) -> None:
        """Tell how targets and endpoints do, where that is due."""
        for _, target in self:
            self.tell(target, quota, every_s, now)
        for endpoint in self.endpoints.values():
            if (news := endpoint.report(self._source, now)) is not None:
                self._sink(news)

    def tell(self, target: Target, quota: Quota, every_s: float, now: datetime) -> None:
        if target.report_due(now, max(every_s, target.settings.interval_s / REPORTS_A_TURN)):
            self._sink(target.report(self._source, quota, now))


def turns_of(targets: Sequence[AskedTarget], room: Room, now: datetime) -> Turns:
    """Say who goes now, by the place in `targets`; who is due and has to wait is told why."""
    claims = (
        Claim(place, target.settings.priority, target.next_due or NEVER_ASKED, target.pages)
        for place, (_, target) in enumerate(targets)
    )
    plan = turns(claims, room, now)
    for place, reason in plan.held.items():
        targets[place][1].held(reason)
    return plan


def _endpoints_of(settings: SourceSettings) -> dict[str, Endpoint]:
    return {each.name: Endpoint.of(each, settings) for each in settings.endpoints if each.enabled}
