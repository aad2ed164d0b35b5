"""Time, in the three ways that Quanticity lives in it. The only module that reads the wall clock.

- `SystemClock` is the machine's: trading.
- `ScaledClock` runs a simulated day fast. Processes given the same start, speed and anchor agree on the time, because
  each computes it from the wall clock and never counts for itself.
- `ManualClock` stands still until it is told: replay and tests.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

SETTLE_ROUNDS: Final = 8


def wall_seconds() -> float:
    """Return the machine's own time in epoch seconds: for anchors and log stamps, never for decisions."""
    return time.time()


class SystemClock:
    """The machine's time, but for one thing: it never goes back.

    Deadlines are differences of this clock. Were it set back by an hour, each of them would wait an hour longer: no
    answer would be missed, no stop placed again. So it goes on at half speed until the machine's time has caught up.
    """

    speed: float = 1.0

    def __init__(
        self, wall: Callable[[], float] = wall_seconds, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._shown, self._shown_at = wall(), monotonic()

    def now(self) -> datetime:
        at = self._monotonic()
        self._shown = max(self._wall(), self._shown + (at - self._shown_at) / 2)
        self._shown_at = at
        return datetime.fromtimestamp(self._shown, UTC)

    def monotonic(self) -> float:
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ScaledClock:
    """Time that starts at `start_at` when the wall clock shows `anchor_epoch`, and runs `speed` times as fast.

    The wall clock is read once, at construction; from there the machine's monotonic clock counts, so that a step of
    the wall clock (NTP, a person) is not multiplied by the speed. Raises ValueError for a naive start or a speed that
    is not positive.
    """

    def __init__(self, start_at: datetime, speed: float, anchor_epoch: float) -> None:
        if start_at.tzinfo is None:
            raise ValueError(f"start_at {start_at.isoformat()} has no time zone")
        if not speed > 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self.start_at = start_at.astimezone(UTC)
        self.anchor_epoch = anchor_epoch
        self._shift = timedelta(0)
        self._elapsed_at_birth = wall_seconds() - anchor_epoch
        self._birth = time.monotonic()

    def now(self) -> datetime:
        wall_elapsed = self._elapsed_at_birth + (time.monotonic() - self._birth)
        return self.start_at + timedelta(seconds=wall_elapsed * self.speed) + self._shift

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    def align(self, to: datetime) -> bool:
        """Jump forward to `to` when that is more than a wall second's worth ahead; say whether it jumped.

        For a bot whose simulator says what time it is. Time never goes back: an earlier `to` changes nothing.
        """
        ahead = to - self.now()
        if ahead <= timedelta(seconds=self.speed):
            return False
        self._shift += ahead
        return True


class ManualClock:
    """Time that moves only by `advance`; `monotonic` counts the seconds advanced so far."""

    speed: float = 1.0

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start {start.isoformat()} has no time zone")
        self._start = start.astimezone(UTC)
        self._elapsed = timedelta(0)
        self._sleepers: list[tuple[timedelta, int, asyncio.Future[None]]] = []
        self._slept = 0

    def now(self) -> datetime:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed.total_seconds()

    @property
    def sleepers(self) -> int:
        """How many tasks wait for this clock."""
        return sum(1 for _, _, woken in self._sleepers if not woken.done())

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._slept += 1
        heapq.heappush(self._sleepers, (self._elapsed + timedelta(seconds=seconds), self._slept, woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move time on and wake who is due, earliest first and then in the order in which they lay down.

        The woken tasks run when the caller next yields; all of them see the new time.
        """
        if seconds < 0:
            raise ValueError("time does not go back")
        self._elapsed += timedelta(seconds=seconds)
        self._wake_due()

    def advance_to(self, when: datetime) -> None:
        """Move time on to `when`; raises ValueError when that is in the past."""
        self.advance((when - self.now()).total_seconds())

    async def run_for(self, seconds: float) -> None:
        """Move time on, stopping at each sleeper's moment so that it runs then and may sleep again."""
        end = self._elapsed + timedelta(seconds=seconds)
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._elapsed = max(self._elapsed, self._sleepers[0][0])
            self._wake_due()
            await self._settle()
        self._elapsed = end

    def _wake_due(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():  # the sleeper may have been cancelled
                woken.set_result(None)

    @staticmethod
    async def _settle() -> None:
        for _ in range(SETTLE_ROUNDS):
            await asyncio.sleep(0)
