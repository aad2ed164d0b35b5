"""Time, in the three ways that Quanticity lives in it. The only module that reads the wall clock.

- `SystemClock` is the machine's, kept steady: trading.
- `ScaledClock` runs a simulated day fast. Processes given the same start, speed and anchor agree on the time, because
  each computes it from the wall clock and never counts for itself.
- `ManualClock` stands still until it is told: replay and tests.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from bot.domain.events.host import ClockParted

SETTLE_ROUNDS: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def wall_seconds() -> float:
    """Return the machine's own time in epoch seconds: for anchors and log stamps, never for decisions."""
    return time.time()


def _steady_ns() -> int:
    """Return nanoseconds that never jump; where the system can tell, they count on while the machine sleeps."""
    clock_id = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if clock_id is None else time.clock_gettime_ns(clock_id)


class SteadyTime:
    """The wall clock's time, without its jumps. All nanoseconds; safe to ask from several threads.

    Context: the wall clock is set by NTP, by a hypervisor, by a person, by seconds or by hours; deadlines, ages and the
    audit trail cannot live with that. Decision: the wall is read once and steady time counts from there. Where the two
    part, ours runs a tenth faster or slower until they meet; a wall that stays ahead for a minute is believed, and
    ours goes forward to it. Ours never goes back: a wall that was set back by hours is followed by a restart. How far
    the two are apart is told (`apart_s`), so that nothing is entered meanwhile. Consequence: an age is never negative
    and never hours too long because somebody set a clock.
    """

    _TENTH: Final = 10
    _JUMP_NS: Final = 1_000_000_000  # from here on it is a jump, below it a drift
    _ONE_MOMENT_NS: Final = 10_000_000
    _BELIEVED_AFTER_NS: Final = 60 * 1_000_000_000

    def __init__(self, wall_ns: Callable[[], int], steady_ns: Callable[[], int]) -> None:
        self._wall_ns, self._steady_ns = wall_ns, steady_ns
        self._since, self._at = self._both()
        self._ahead_since: int | None = None  # since when the wall is ahead by a jump, in steady time
        self._apart = 0
        self._turn = threading.Lock()

    def read_ns(self) -> int:
        """Return the present time as nanoseconds since the epoch."""
        with self._turn:
            steady, wall = self._both()
            passed, self._since = steady - self._since, steady
            apart = wall - (self._at + passed)
            room = passed // self._TENTH
            step = max(-room, min(apart, room))
            if self._is_believed(apart, steady):
                step = apart
            self._at += passed + step
            self._apart = apart - step
            return self._at

    def _both(self) -> tuple[int, int]:
        """Return steady and wall time of one moment: read again when the process was held up between the two."""
        for _ in range(3):
            steady, wall = self._steady_ns(), self._wall_ns()
            if self._steady_ns() - steady < self._ONE_MOMENT_NS:
                break
        return steady, wall

    def _is_believed(self, apart: int, steady: int) -> bool:
        if apart < self._JUMP_NS:
            self._ahead_since = None
            return False
        self._ahead_since = steady if self._ahead_since is None else self._ahead_since
        return steady - self._ahead_since >= self._BELIEVED_AFTER_NS

    def apart_s(self) -> float:
        """Return how many seconds the wall clock is ahead of this time; negative when it is behind."""
        self.read_ns()
        return self._apart / 1e9


def _moment(epoch_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=epoch_ns // 1000)


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone")
    return at.astimezone(UTC)


class SystemClock:
    """The machine's time, without the jumps of its wall clock: see `SteadyTime`."""

    speed: float = 1.0

    def __init__(self) -> None:
        self._time = SteadyTime(time.time_ns, _steady_ns)

    def now(self) -> datetime:
        return _moment(self._time.read_ns())

    def monotonic(self) -> float:
        return time.monotonic()

    def steady_s(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def apart_s(self) -> float:
        return self._time.apart_s()


class ScaledClock:
    """Time that starts at `start_at` when the wall clock shows `anchor_epoch`, and runs `speed` times as fast.

    The wall clock is read once, at construction; from there the machine's monotonic clock counts, so that a step of
    the wall clock (NTP, a person) is not multiplied by the speed. Raises ValueError for a naive start or a speed that
    is not positive.
    """

    def __init__(self, start_at: datetime, speed: float, anchor_epoch: float) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self.start_at = _in_utc(start_at)
        self.anchor_epoch = anchor_epoch
        self._shift = timedelta(0)
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self._elapsed_at_birth = wall_seconds() - anchor_epoch
        self._birth = time.monotonic()

    def now(self) -> datetime:
        return max(self._running(), self._not_before)

    def _running(self) -> datetime:
        wall_elapsed = self._elapsed_at_birth + (time.monotonic() - self._birth)
        return self.start_at + timedelta(seconds=wall_elapsed * self.speed) + self._shift

    def apart_s(self) -> float:
        """The wall is not followed: 0."""
        return 0.0

    def monotonic(self) -> float:
        return time.monotonic()

    def steady_s(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    def align(self, to: datetime) -> bool:
        """Follow `to` when that is more than a wall second's worth away; say whether it was.

        For a bot whose simulator says what time it is. Time jumps forward and never goes back: ahead of `to` it stands
        still until the simulator has come as far.
        """
        ahead = to - self._running()
        if abs(ahead) <= timedelta(seconds=self.speed):
            return False
        self._not_before = self.now()
        self._shift += ahead
        return True


class StandingClock:
    """Time as a store that nobody writes any more left it: it stands where it is put, and goes nowhere by itself.
    Raises ValueError for a moment without a zone."""

    speed: float = 1.0

    def __init__(self, at: datetime) -> None:
        self._at = _in_utc(at)

    def now(self) -> datetime:
        return self._at

    def put(self, at: datetime) -> None:
        self._at = _in_utc(at)

    def monotonic(self) -> float:
        return time.monotonic()

    def steady_s(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """Time that moves only by `advance`; `monotonic` counts the seconds advanced so far."""

    speed: float = 1.0

    def __init__(self, start: datetime) -> None:
        self._start = self._now = _in_utc(start)
        self._elapsed, self._elapsed_s = timedelta(0), 0.0
        self._sleepers: list[tuple[timedelta, int, asyncio.Future[None]]] = []
        self._slept = 0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed_s

    def steady_s(self) -> float:
        return self._elapsed_s

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
        self._go_to(self._elapsed + timedelta(seconds=seconds))
        self._wake_due()

    def advance_to(self, when: datetime) -> None:
        """Move time on to `when`; raises ValueError when that is in the past."""
        self.advance((when - self.now()).total_seconds())

    async def run_for(self, seconds: float) -> None:
        """Move time on, stopping at each sleeper's moment so that it runs then and may sleep again."""
        end = self._elapsed + timedelta(seconds=seconds)
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._go_to(max(self._elapsed, self._sleepers[0][0]))
            self._wake_due()
            await self._settle()
        self._go_to(end)

    def _go_to(self, elapsed: timedelta) -> None:
        """Have so much passed: worked out once a move, for a tick asks many times."""
        self._elapsed, self._elapsed_s, self._now = elapsed, elapsed.total_seconds(), self._start + elapsed

    def _wake_due(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():  # the sleeper may have been cancelled
                woken.set_result(None)

    @staticmethod
    async def _settle() -> None:
        for _ in range(SETTLE_ROUNDS):
            await asyncio.sleep(0)


class WallKeeper(Protocol):
    """A clock that knows how far the machine's wall clock is ahead of it."""

    def now(self) -> datetime: ...

    def apart_s(self) -> float:
        """Return seconds; negative when the wall is behind, 0 where this clock does not follow it."""
        ...


class ClockWatch:
    """Tells when the machine's wall clock and the time that the bot keeps part, and when they meet again.

    `tolerance_s`: what is no jump. While it lasts another word comes only when the distance has changed by half, so
    that a gap that closes slowly is not told all the time.
    """

    def __init__(self, clock: WallKeeper, tolerance_s: float) -> None:
        self._clock, self._tolerance_s = clock, tolerance_s
        self._told_s = 0.0

    def look(self) -> ClockParted | None:
        """Return what there is to tell now, None when nothing is new."""
        apart_s = self._clock.apart_s()
        if abs(apart_s) <= self._tolerance_s:
            apart_s = 0.0
        news = abs(apart_s - self._told_s) > self._tolerance_s + abs(self._told_s) / 2
        if not news and (apart_s != 0.0 or self._told_s == 0.0):
            return None
        self._told_s = apart_s
        return ClockParted(round(apart_s, 3), self._clock.now())
