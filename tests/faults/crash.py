"""Death at a chosen step: before or after a commit, a send, an acknowledgement or a fill, wherever the bot stands."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain.events import Event, ExecutionReported, OrderReported
from bot.engine.records import TickBatch
from bot.feeds.clock import ManualClock

POINTS = (
    "before commit", "after commit", "before submit", "after submit", "before amend", "after amend",
    "before cancel", "after cancel", "before fill", "after fill", "before status", "after status",
)  # fmt: skip


_PATIENCE = timedelta(seconds=20)


class Killed(BaseException):
    """SIGKILL, as far as one process can play it: nothing may catch it."""


@dataclass(frozen=True)
class Crash:
    """Die at the `nth` time (from 0) that `point` is reached after `after`, and stay dead for `down_s` seconds."""

    after: datetime
    point: str
    nth: int
    down_s: float

    def __str__(self) -> str:
        return f"{self.point} number {self.nth + 1} after {self.after:%H:%M:%S} UTC, down for {self.down_s:g} s"


def random_crashes(seed: int, begin: datetime, end: datetime) -> tuple[Crash, ...]:
    chance = random.Random(f"crashes {seed}")
    seconds = int((end - begin).total_seconds())
    times = sorted(chance.randint(0, seconds - 5) for _ in range(chance.choice((1, 1, 1, 2, 2, 3))))
    return tuple(_crash(chance, begin + timedelta(seconds=t)) for t in times)


def _crash(chance: random.Random, after: datetime) -> Crash:
    return Crash(after, chance.choice(POINTS), chance.choice((0, 0, 1, 2)), chance.choice((0, 2, 15)))


class Reaper:
    """Counts the steps and kills at the right one; when that does not come, at any other after a while."""

    def __init__(self, clock: ManualClock, crashes: tuple[Crash, ...]) -> None:
        self._clock = clock
        self.waiting = list(crashes)
        self._seen = 0
        self.reached: list[str] = []

    def reach(self, point: str) -> None:
        crash = self.waiting[0] if self.waiting else None
        if crash is None or self._clock.now() < crash.after:
            return
        if point != crash.point and self._clock.now() < crash.after + _PATIENCE:
            return
        self._seen += 1
        if self._seen > crash.nth:
            self._seen = 0
            self.reached.append(point)
            raise Killed(point)


class MortalStore:
    """A store around whose commits one can die."""

    def __init__(self, store: Any, reaper: Reaper) -> None:
        self._store, self._reaper = store, reaper

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, batch: TickBatch) -> None:
        self._reaper.reach("before commit")
        await self._store.commit(batch)
        self._reaper.reach("after commit")


class MortalBroker:
    """A broker before and after whose sends one can die."""

    def __init__(self, broker: Any, reaper: Reaper) -> None:
        self._broker, self._reaper = broker, reaper

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._broker, name)
        if name not in {"submit", "amend", "cancel"}:
            return call

        def mortal(*arguments: Any) -> Any:
            self._reaper.reach(f"before {name}")
            answer = call(*arguments)
            self._reaper.reach(f"after {name}")
            return answer

        return mortal


class MortalSink:
    """An inbox before and after whose facts one can die."""

    def __init__(self, put: Any, reaper: Reaper) -> None:
        self._put, self._reaper = put, reaper

    def __call__(self, event: Event) -> None:
        words = {ExecutionReported: "fill", OrderReported: "status"}.get(type(event))
        if words:
            self._reaper.reach(f"before {words}")
        self._put(event)
        if words:
            self._reaper.reach(f"after {words}")
