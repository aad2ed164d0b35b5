"""Death at a chosen step: before or after every one of decide, commit, send, acknowledge, fill, protect, compare.

What lies between two steps is named from both sides: after the commit is before the send of whatever it sends, after
the send is before the acknowledgement, after the fill is before the stop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.orders import CommissionReported, ExecutionReported, OrderErred, OrderReported, WhatIfAnswered
from bot.domain.order import OrderSide, OrderTicket, OrderType
from bot.engine.state.records import LoadedState, TickBatch
from tests.faults.clock import BotClock
from tests.faults.outages import StoreOutage

STEPS: Final = (
    "commit",  # of what was decided
    "enter",  # the send of an entry
    "protect",  # the send of a stop
    "exit",  # the send of a sale
    "amend",
    "cancel",
    "status",  # what the broker says reaches us
    "error",
    "fill",
    "commission",
    "book",  # the broker's book is asked, to be compared
)
POINTS: Final = (*(f"{when} {step}" for step in STEPS for when in ("before", "after")), "inside commit")

_TOLD_BY: Final[Mapping[type, str]] = MappingProxyType(
    {
        ExecutionReported: "fill",
        OrderReported: "status",
        OrderErred: "error",
        CommissionReported: "commission",
    }
)
_PATIENCE = timedelta(seconds=45)


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
    """Return one to three deaths; the points take turns by the seed, so that none is left out for long."""
    chance = random.Random(f"crashes {seed}")
    seconds = int((end - begin).total_seconds())
    times = sorted(chance.randint(0, seconds - 5) for _ in range(chance.choice((1, 1, 1, 2, 2, 3))))
    return tuple(_crash(chance, begin + timedelta(seconds=t), seed * 5 + n) for n, t in enumerate(times))


def _crash(chance: random.Random, after: datetime, turn: int) -> Crash:
    return Crash(after, POINTS[turn % len(POINTS)], chance.choice((0, 0, 1, 2)), chance.choice((0, 2, 15)))


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
    """A store around whose commits one can die, and whose disk may take nothing for a while (`outage`). What dies
    inside a commit is in `MortalLane`."""

    def __init__(self, store: Any, reaper: Reaper, outage: Callable[[], StoreOutage | None] = lambda: None) -> None:
        self._store, self._reaper, self._outage = store, reaper, outage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, batch: TickBatch) -> None:
        self._reaper.reach("before commit")
        if (outage := self._outage()) is not None:
            raise outage.error
        await self._store.commit(batch)
        self._reaper.reach("after commit")

    async def load(self) -> LoadedState:
        if (outage := self._outage()) is not None and not outage.readable:
            raise outage.error
        loaded: LoadedState = await self._store.load()
        return loaded


def step_of(ticket: OrderTicket) -> str:
    """Return what the sending of an order is called."""
    if ticket.side is OrderSide.BUY:
        return "enter"
    return "protect" if ticket.order_type is OrderType.STOP else "exit"


class MortalBroker:
    """A broker before and after whose sends one can die; its answers bear the time of the bot's clock."""

    def __init__(self, broker: Any, reaper: Reaper, clock: BotClock) -> None:
        self._broker, self._reaper, self._clock = broker, reaper, clock

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._broker, name)
        if name == "snapshot":
            return self._look
        if name == "what_if":
            return self._ask
        if name not in {"submit", "amend", "cancel"}:
            return call

        def mortal(*arguments: Any) -> Any:
            step = step_of(arguments[0]) if name == "submit" else name
            self._reaper.reach(f"before {step}")
            answer = call(*arguments)
            self._reaper.reach(f"after {step}")
            return answer

        return mortal

    async def _look(self) -> BrokerSnapshot:
        self._reaper.reach("before book")
        book: BrokerSnapshot = await self._broker.snapshot()
        self._reaper.reach("after book")
        return self._clock.stamped(book)

    async def _ask(self, *arguments: Any) -> WhatIfAnswered:
        answer: WhatIfAnswered = await self._broker.what_if(*arguments)
        return self._clock.stamped(answer)


class MortalSink:
    """An inbox before and after whose facts one can die; they bear the time of the bot's clock."""

    def __init__(self, put: Any, reaper: Reaper, clock: BotClock) -> None:
        self._put, self._reaper, self._clock = put, reaper, clock

    def __call__(self, event: Event) -> None:
        step = _TOLD_BY.get(type(event))
        if step:
            self._reaper.reach(f"before {step}")
        self._put(self._clock.stamped(event))
        if step:
            self._reaper.reach(f"after {step}")
