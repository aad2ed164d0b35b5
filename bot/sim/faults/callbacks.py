"""What callbacks suffer on their way to the bot: lost, late, twice, out of order, the commission before its fill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bot.domain.events import Event
from bot.engine.state.ports import Clock, Sink
from bot.sim.faults.catalogue import OF_ORDERS, Callback, CommissionFirst, Delay, Drop, Duplicate, Reorder
from bot.sim.faults.script import FaultScript

_PATIENCE_S: Final = 10.0  # an answer that takes longer did not come; the adapter's ibkr.request_timeout_s


class CallbackFaults:
    """Passes events on to the sink, or does to them what the script says. What is held back waits for `release`."""

    def __init__(self, script: FaultScript, clock: Clock, sink: Sink) -> None:
        self.script, self._clock, self._sink = script, clock, sink
        self._held: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = 0
        self._before_executions: list[Event] = []

    def of_an_order(self, kind: Callback, event: Event, now: datetime) -> None:
        """Pass on what concerns orders; where commissions come first, executions wait for the next one."""
        if kind not in OF_ORDERS or self.script.active(CommissionFirst, now) is None:
            self.bend(kind, event, now)
        elif kind is Callback.EXECUTION:
            self._before_executions.append(event)
        else:
            self.bend(kind, event, now)
            if kind is Callback.COMMISSION:
                waiting, self._before_executions = self._before_executions, []
                for execution in waiting:
                    self.bend(Callback.EXECUTION, execution, now)

    def bend(self, kind: Callback, event: Event, now: datetime) -> None:
        """Pass a callback on, or do to it what the script says."""
        chance = self.script.chance
        for fault in self.script.touching(now):
            if not fault.bends(kind) or chance.random() >= fault.share:
                continue
            if isinstance(fault, Drop):
                return
            if isinstance(fault, Delay):
                self.later(fault.delay_seconds, lambda: self._sink(event))
                return
            if isinstance(fault, Reorder):
                self.later(chance.uniform(0, fault.delay_seconds), lambda: self._sink(event))
                return
            if isinstance(fault, Duplicate):
                self.later(chance.uniform(0, fault.delay_seconds), lambda: self._sink(event))
        self._sink(event)

    def is_missed(self, kind: Callback, now: datetime) -> bool:
        """Say whether an answer to a question does not come, or too late for who asked."""
        for fault in self.script.touching(now):
            if not fault.bends(kind) or self.script.chance.random() >= fault.share:
                continue
            if isinstance(fault, Drop) or (isinstance(fault, Delay) and fault.delay_seconds > _PATIENCE_S):
                return True
        return False

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Hold an action back."""
        self._number += 1
        self._held.append((self._clock.now() + timedelta(seconds=seconds), self._number, action))

    def forget(self) -> None:
        """Lose what was on its way: it was on a socket that is gone."""
        self._held.clear()

    def release(self, now: datetime) -> None:
        """Let go of what was held back for long enough, the earliest first."""
        due = sorted((each for each in self._held if each[0] <= now), key=lambda each: each[:2])
        self._held = [each for each in self._held if each[0] > now]
        for _, _, action in due:
            action()
