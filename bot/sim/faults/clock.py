"""A machine whose wall clock is set by the script: what a bot on it takes for the time.

The bot keeps its time with the same `SteadyTime` as on a real machine; only the wall that it follows is scripted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.clocks.clock import ScaledClock, SteadyTime
from bot.sim.faults.catalogue import ClockJump
from bot.sim.faults.script import FaultScript

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class ScriptedTime:
    """The time that a bot keeps. `true_now` is the venue's, by which the script goes too."""

    def __init__(self, true_now: Callable[[], datetime], script: FaultScript) -> None:
        self.script = script
        self._true_now = true_now
        self._true = true_now()
        self._kept = SteadyTime(self._wall_ns, self._steady_ns)

    def _steady_ns(self) -> int:
        self._true = self._true_now()
        return _nanoseconds(self._true)

    def _wall_ns(self) -> int:
        """Return what the wall shows at the moment that was last taken for steady time."""
        jump = self.script.active(ClockJump, self._true)
        return _nanoseconds(self._true if jump is None else self._true + timedelta(seconds=jump.by_seconds))

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._kept.read_ns() // 1000)

    def apart_s(self) -> float:
        return self._kept.apart_s()


class JumpingClock(ScaledClock):
    """A scaled clock, kept beside a true one by a machine whose wall clock is set by a script."""

    def __init__(self, true: ScaledClock, script: FaultScript) -> None:
        super().__init__(true.start_at, true.speed, true.anchor_epoch)
        self._true = true
        self._scripted = ScriptedTime(true.now, script)

    def now(self) -> datetime:
        return self._scripted.now()

    def steady_s(self) -> float:
        return self._true.steady_s()

    def apart_s(self) -> float:
        return self._scripted.apart_s()


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND * 1000
