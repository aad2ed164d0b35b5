"""How a day that runs many times as fast as the wall waits for who lives in it.

At 240 times the wall's speed a process that a busy machine leaves without its turn for one second misses four minutes
of its market: no trader, and no venue, is that slow. So a fast simulated day does not simply follow the wall.
One process, the bot, says in shared memory how far it has come, some thirty times a second, and its venue does so too;
time runs from there hardly further than to the next word and stands until it comes. It runs as fast as the wall until
the bot trades, so that starting up costs seconds of the day and not minutes.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from bot.clocks.clock import ScaledClock, wall_seconds

_FRAME: Final = struct.Struct("=qddd")  # turn (odd while it is written), seconds of the day, steady seconds, rate
_SEEN: Final = struct.Struct("=qdd")  # turn, seconds of the day, steady seconds
_SIZE: Final = _FRAME.size + _SEEN.size
_BEAT_WALL_S: Final = 0.03
_LEAD_BEATS: Final = 1.5
"""How far time runs from the leader's word, in beats: hardly further than to the next, for a process that is slow but
gets turns now and then is to be waited for as well."""
_SEEN_BEATS: Final = 3.0  # and from the other's, whose beats fall anywhere between
_GONE_AFTER_S: Final = 2.0
_TRIES: Final = 100


class Pace:
    """How far a simulated day has come, shared by the processes that were handed its file: seconds since its start.

    It stands at 0 until `begin`. `lead` is said by one process only, `seen` by one other: who has not said it for
    2 wall seconds is not waited for, it has ended or hangs, and then the day goes on without it as a real one would.
    """

    def __init__(self, fd: int, steady: Callable[[], float] = time.monotonic) -> None:
        self.fd = fd
        self._shared = mmap.mmap(fd, _SIZE)
        self._steady = steady  # of the machine, not of the process: all who share this file read the same

    @classmethod
    def new(cls, steady: Callable[[], float] = time.monotonic) -> Pace:
        """Return one with memory of its own, which goes with its last process."""
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("quanticity-pace")
        else:
            with tempfile.TemporaryFile() as file:
                fd = os.dup(file.fileno())
        os.write(fd, bytes(_SIZE))
        return cls(fd, steady)

    def begin(self) -> None:
        """Let time run, as fast as the wall's."""
        self._put(_FRAME, 0, 0.0, self._steady(), 1.0)

    def lead(self, rate: float) -> None:
        """Say that the leader has come as far as time is, and how fast it runs on: seconds of the day a wall second."""
        if self._taken(_FRAME, 0)[1]:
            self._put(_FRAME, 0, self.seconds(), self._steady(), rate)

    def seen(self) -> None:
        """Say that the other process has come as far as time is."""
        self._put(_SEEN, _FRAME.size, self.seconds(), self._steady())

    def seconds(self) -> float:
        """Return how many seconds of the day have passed."""
        at, since, rate = self._taken(_FRAME, 0)
        if not since:
            return 0.0
        now, beat = self._steady(), _BEAT_WALL_S * rate
        lead = _LEAD_BEATS * beat
        other_at, other_since = self._taken(_SEEN, _FRAME.size)
        if now - other_since < _GONE_AFTER_S:
            lead = min(lead, max(0.0, other_at + _SEEN_BEATS * beat - at))
        return at + min(max(0.0, now - since) * rate, lead)

    def _put(self, layout: struct.Struct, place: int, *values: float) -> None:
        """Write so that who reads meanwhile can tell: the turn is odd until all is there."""
        (turn,) = struct.unpack_from("=q", self._shared, place)
        struct.pack_into("=q", self._shared, place, turn + 1)
        layout.pack_into(self._shared, place, turn + 1, *values)
        struct.pack_into("=q", self._shared, place, turn + 2)

    def _taken(self, layout: struct.Struct, place: int) -> tuple[float, ...]:
        values: list[float] = []
        for _ in range(_TRIES):  # no more: a writer that was killed in the middle of a word never ends it
            turn, *values = layout.unpack_from(self._shared, place)
            (after,) = struct.unpack_from("=q", self._shared, place)
            if turn == after and turn % 2 == 0:
                break
            time.sleep(0)
        return tuple(values)


class PacedClock(ScaledClock):
    """A scaled clock whose time is a `Pace`'s; it stands at its start until that begins. It follows nobody else."""

    def __init__(self, start_at: datetime, speed: float, pace: Pace) -> None:
        super().__init__(start_at, speed, wall_seconds())
        self.pace = pace

    def now(self) -> datetime:
        self._not_before = max(self._running(), self._not_before)
        return self._not_before

    def steady_s(self) -> float:
        return self.pace.seconds() / self.speed

    def _running(self) -> datetime:
        return self.start_at + timedelta(seconds=self.pace.seconds())

    def align(self, to: datetime) -> bool:
        return False


async def keep_leading(pace: Pace, speed: float, ready: asyncio.Event, patience_wall_s: float) -> None:
    """Say how far this process has come as long as it gets its turns: at `speed` while it is `ready`; while it is not,
    as fast as the wall, for `patience_wall_s` at most."""
    since: float | None = None
    while True:
        now = time.monotonic()
        since = None if ready.is_set() else since or now
        pace.lead(1.0 if since and now - since < patience_wall_s else speed)
        await asyncio.sleep(_BEAT_WALL_S)


async def keep_seen(pace: Pace) -> None:
    """Say how far the other process has come as long as it gets its turns."""
    while True:
        pace.seen()
        await asyncio.sleep(_BEAT_WALL_S)


def told_of(clock: object) -> dict[str, Any] | None:
    """Return what a child process is told so that it lives in the time of this clock; None where that is its own
    machine's. JSON; `shared_with` says which files it needs beside it."""
    if isinstance(clock, PacedClock):
        return {"start_at": clock.start_at.isoformat(), "speed": clock.speed, "pace_fd": clock.pace.fd}
    if isinstance(clock, ScaledClock):
        return {"start_at": clock.now().isoformat(), "speed": clock.speed, "anchor": wall_seconds()}
    return None


def shared_with(clock: object) -> tuple[int, ...]:
    """Return the open files that a child needs under the same numbers to live in the time of this clock."""
    return (clock.pace.fd,) if isinstance(clock, PacedClock) else ()


def clock_as_told(
    start_at: str, speed: float, *, anchor: float | None = None, pace_fd: int | None = None
) -> ScaledClock:
    """Return the clock of what `told_of` said; without an anchor its time begins now."""
    at = datetime.fromisoformat(start_at)
    if pace_fd is not None:
        return PacedClock(at, speed, Pace(pace_fd))
    return ScaledClock(at, speed, wall_seconds() if anchor is None else anchor)
