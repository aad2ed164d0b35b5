"""What `bot.engine.state.ports.Clock` promises, asked of every clock that the bot, its venue and the tests live by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.app.venue_process import HeldClock
from bot.clocks.clock import ManualClock, ScaledClock, StandingClock, SystemClock, wall_seconds
from bot.clocks.paced import Pace, PacedClock
from bot.engine.state.ports import Clock
from bot.sim.faults.clock import JumpingClock
from bot.sim.faults.script import FaultScript
from tests.faults.clock import BotClock
from tests.patience import PATIENCE_S
from tests.store.builders import FixedClock

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SPEED = 50.0
NO_FAULTS = FaultScript([])


def a_held_clock(start: datetime) -> HeldClock:
    """Return the venue's clock once it was let go."""
    clock = HeldClock(start, SPEED)
    clock.release(wall_seconds())
    return clock


def a_paced_clock(start: datetime) -> PacedClock:
    """Return one whose day goes on as fast as it is told, as far as it is led."""
    pace = Pace.new()
    pace.begin()
    pace.lead(SPEED)
    return PacedClock(start, SPEED, pace)


CLOCKS: dict[str, Callable[[datetime], Clock]] = {
    "system": lambda _: SystemClock(),
    "scaled": lambda start: ScaledClock(start, SPEED, wall_seconds()),
    "held and let go": a_held_clock,
    "held": lambda start: HeldClock(start, SPEED),
    "standing": StandingClock,
    "manual": ManualClock,
    "on a wall that jumps": lambda start: JumpingClock(ScaledClock(start, SPEED, wall_seconds()), NO_FAULTS),
    "at a pace that begins": lambda start: PacedClock(start, SPEED, Pace.new()),
    "at a pace": a_paced_clock,
    "of a fault day": lambda start: BotClock(ManualClock(start), FaultScript([])),
    "fixed by a test": FixedClock,
}
STARTED = [name for name in CLOCKS if name != "system"]
"""Clocks that are told where to begin."""


@pytest.fixture(params=CLOCKS)
def clock(request: pytest.FixtureRequest) -> Clock:
    return CLOCKS[request.param](START)


async def goes_by(clock: Clock, seconds: float) -> None:
    """Sleep so long, with whoever moves the clock moving it."""
    sleeping = asyncio.create_task(clock.sleep(seconds))
    await asyncio.sleep(0)
    moved = clock if isinstance(clock, ManualClock) else getattr(clock, "_true", None)
    if isinstance(moved, ManualClock) and not sleeping.done():
        assert moved.sleepers == 1, "nothing but this clock's own time wakes a sleeper"
        moved.advance(seconds / 2)
        await asyncio.sleep(0)
        assert not sleeping.done(), "half of it is not all of it"
        moved.advance(seconds / 2)
    await asyncio.wait_for(sleeping, PATIENCE_S)


async def test_the_time_is_aware_and_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    await goes_by(clock, 0.5)
    assert clock.now().tzinfo is UTC


async def test_neither_time_nor_the_steady_seconds_go_back(clock: Clock) -> None:
    seen = []
    for _ in range(4):
        seen += [(clock.now(), clock.monotonic()) for _ in range(50)]
        await goes_by(clock, 0.1)
    times, steady = [at for at, _ in seen], [seconds for _, seconds in seen]
    assert times == sorted(times)
    assert steady == sorted(steady)


async def test_a_sleep_lasts_so_many_seconds_of_this_clock(clock: Clock) -> None:
    assert clock.speed > 0
    before = clock.monotonic()
    await goes_by(clock, 0.5)
    assert clock.monotonic() - before >= 0.5 / clock.speed - 0.001


async def test_its_steady_seconds_times_its_speed_are_the_time_that_passed(clock: Clock) -> None:
    if isinstance(clock, StandingClock | HeldClock):
        return  # their time stands or is put, and is compared with nobody's
    before, steady = clock.now(), clock.steady_s()
    await goes_by(clock, 0.5)
    between = clock.now() - before
    passed = timedelta(seconds=(clock.steady_s() - steady) * clock.speed)
    after = clock.now() - before
    assert between - timedelta(milliseconds=1) <= passed <= after + timedelta(milliseconds=1)


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_sleep_of_nothing_lets_the_others_run_and_moves_no_time_back(clock: Clock, seconds: float) -> None:
    ran, before = [], (clock.now(), clock.monotonic())

    async def other() -> None:
        ran.append(True)

    waiting = asyncio.create_task(other())
    await asyncio.wait_for(clock.sleep(seconds), PATIENCE_S)
    assert ran
    await waiting
    assert clock.now() >= before[0]
    assert clock.monotonic() >= before[1]


@pytest.mark.parametrize("name", STARTED)
def test_a_start_in_another_zone_is_the_same_moment(name: str) -> None:
    there = START.astimezone(timezone(-timedelta(hours=5)))
    clock = CLOCKS[name](there)
    assert clock.now().tzinfo is UTC
    assert timedelta(0) <= clock.now() - START < timedelta(minutes=1)


@pytest.mark.parametrize("name", STARTED)
def test_a_start_without_a_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="zone"):
        CLOCKS[name](START.replace(tzinfo=None))


def test_a_clock_that_is_put_is_put_to_a_moment_of_a_zone() -> None:
    clock = StandingClock(START)
    clock.put(START.astimezone(timezone(timedelta(hours=2))) + timedelta(hours=1))
    assert (clock.now(), clock.now().tzinfo) == (START + timedelta(hours=1), UTC)
    with pytest.raises(ValueError, match="zone"):
        clock.put(START.replace(tzinfo=None))


async def test_a_held_clock_goes_on_from_where_it_stood() -> None:
    clock = HeldClock(START, SPEED)
    await clock.sleep(0.5)
    assert clock.now() == START
    clock.release(wall_seconds() + 5)  # its time is yet to come
    assert clock.now() == START
    clock.release(wall_seconds())
    await clock.sleep(1)
    assert clock.now() >= START + timedelta(seconds=1) - timedelta(milliseconds=50)
