"""Clocks: two processes agree, time never goes back, sleepers wake in order."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clocks.clock import ClockWatch, ManualClock, ScaledClock, SteadyTime, SystemClock, wall_seconds

START = datetime(2026, 11, 20, 14, 25, tzinfo=UTC)


def test_the_system_clock_is_aware_and_runs_at_one_second_a_second() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.speed == 1.0
    assert clock.monotonic() <= clock.monotonic()


def test_two_scaled_clocks_of_one_anchor_agree() -> None:
    anchor = wall_seconds() - 10
    one, two = ScaledClock(START, 60, anchor), ScaledClock(START, 60, anchor)
    first, between, last = one.now(), two.now(), one.now()
    assert first <= between <= last
    assert one.now() >= START + timedelta(seconds=600)


def test_aligning_moves_a_scaled_clock_forward_and_never_back() -> None:
    clock = ScaledClock(START, 30, wall_seconds())
    assert clock.align(START + timedelta(hours=1))
    assert clock.now() >= START + timedelta(hours=1)
    assert not clock.align(clock.now() + timedelta(seconds=15))  # half a wall second ahead: not worth a jump
    assert clock.now() >= START + timedelta(hours=1)


def test_a_scaled_clock_that_is_ahead_stands_still_until_the_simulator_has_come_as_far() -> None:
    clock = ScaledClock(START, 1000, wall_seconds() - 36)
    ahead = clock.now()
    assert clock.align(ahead - timedelta(seconds=11_000))
    first, second = clock.now(), clock.now()
    assert ahead <= first == second
    assert clock.align(ahead + timedelta(seconds=11_000)), "the simulator went on"
    assert clock.now() >= ahead + timedelta(seconds=11_000)


async def test_sleeping_on_a_fast_clock_takes_that_clocks_seconds() -> None:
    clock = ScaledClock(START, 1000, wall_seconds())
    before = clock.now()
    await clock.sleep(5)
    assert clock.now() - before >= timedelta(seconds=5)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_not_positive_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(START, speed, 0)


def test_a_naive_start_is_refused() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        ScaledClock(naive, 1, 0)
    with pytest.raises(ValueError, match="time zone"):
        ManualClock(naive)


@given(st.lists(st.floats(0, 10_000), max_size=20))
def test_a_manual_clock_adds_up_what_it_is_told(steps: list[float]) -> None:
    clock = ManualClock(START)
    seen = [clock.now()]
    for step in steps:
        clock.advance(step)
        seen.append(clock.now())
    assert seen == sorted(seen)
    assert clock.monotonic() == pytest.approx(sum(steps), abs=1e-4)


def test_a_manual_clock_does_not_go_back() -> None:
    clock = ManualClock(START)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="back"):
        clock.advance_to(START - timedelta(seconds=1))


async def test_sleepers_wake_earliest_first_and_then_in_the_order_they_lay_down() -> None:
    clock = ManualClock(START)
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, seconds in (("late", 3.0), ("first", 1.0), ("second", 1.0)):
            tasks.create_task(sleeper(name, seconds))
        await asyncio.sleep(0)
        assert clock.sleepers == 3
        clock.advance(2)
        await asyncio.sleep(0)
        assert woken == ["first", "second"]
        clock.advance(1)
    assert woken == ["first", "second", "late"]


async def test_running_for_a_while_lets_a_loop_sleep_again_and_again() -> None:
    clock = ManualClock(START)
    ticks: list[float] = []

    async def every_two_seconds() -> None:
        while True:
            await clock.sleep(2)
            ticks.append(clock.monotonic())

    task = asyncio.create_task(every_two_seconds())
    await clock.run_for(7)
    task.cancel()
    assert ticks == [2, 4, 6]
    assert clock.monotonic() == 7


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock(START)
    task = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert clock.sleepers == 0
    clock.advance(5)


class Machine:
    """A machine whose wall clock can be set."""

    def __init__(self) -> None:
        self.steady = 0
        self.ahead = 0

    def wait(self, seconds: float) -> None:
        self.steady += int(seconds * 1e9)

    def set_wall(self, by_seconds: float) -> None:
        self.ahead += int(by_seconds * 1e9)

    def time(self) -> SteadyTime:
        return SteadyTime(lambda: 1_000_000_000_000_000_000 + self.steady + self.ahead, lambda: self.steady)


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(-90_000, 90_000)), max_size=30))
def test_time_never_goes_back_whatever_is_done_to_the_wall(moves: list[tuple[float, float]]) -> None:
    machine = Machine()
    time = machine.time()
    last = time.read_ns()
    for waited, by in moves:
        machine.set_wall(by)
        machine.wait(waited)
        now = time.read_ns()
        assert now >= last
        last = now


def test_a_wall_that_is_set_back_by_hours_is_not_followed_and_told() -> None:
    machine = Machine()
    time = machine.time()
    before = time.read_ns()
    machine.set_wall(-7200)
    machine.wait(10)
    assert 8.9e9 < time.read_ns() - before < 9.1e9, "a tenth slower, and nothing else"
    assert time.apart_s() == pytest.approx(-7199)


def test_a_small_step_is_made_up_for_little_by_little() -> None:
    machine = Machine()
    time = machine.time()
    machine.set_wall(-0.5)
    machine.wait(4)
    assert time.apart_s() == pytest.approx(-0.1)
    machine.wait(2)
    assert time.apart_s() == 0


def test_a_wall_that_stays_ahead_for_a_minute_is_believed() -> None:
    machine = Machine()
    time = machine.time()
    before = time.read_ns()
    machine.set_wall(3600)
    for _ in range(59):
        machine.wait(1)
        time.read_ns()
    assert time.read_ns() - before < 70e9
    machine.wait(2)
    time.read_ns()
    machine.wait(1)
    assert time.apart_s() == 0
    assert time.read_ns() - before == 3662e9


def test_a_wall_that_is_right_again_within_the_minute_changes_nothing() -> None:
    machine = Machine()
    time = machine.time()
    before = time.read_ns()
    machine.set_wall(3600)
    machine.wait(30)
    time.read_ns()
    machine.set_wall(-3600)
    machine.wait(60)
    assert time.apart_s() == 0
    assert time.read_ns() - before == 90e9


def test_a_process_that_was_held_up_between_two_readings_sees_no_jump() -> None:
    machine = Machine()
    held = [0, 0, 5_000_000_000]  # the third reading of the wall comes five seconds after that of steady time

    def wall() -> int:
        machine.steady += held.pop(0) if held else 0
        return machine.steady

    time = SteadyTime(wall, lambda: machine.steady)
    time.read_ns()
    assert time.apart_s() == 0


class Kept:
    """A clock that is as far from the wall as it is told."""

    def __init__(self) -> None:
        self.apart = 0.0

    def now(self) -> datetime:
        return START

    def apart_s(self) -> float:
        return self.apart


def test_the_watch_tells_of_a_jump_once_and_of_its_end() -> None:
    clock = Kept()
    watch = ClockWatch(clock, 1.0)
    told = []
    for clock.apart in (0.0, 0.4, 7200.0, 7190.0, 7000.0, 3000.0, 2990.0, 0.9, 0.0):
        told.append(watch.look())
    assert [t.ahead_s for t in told if t is not None] == [7200.0, 3000.0, 0.0]


async def test_sleeping_on_the_system_clock_is_sleeping() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.01)
    assert clock.now() > before
    assert clock.apart_s() == pytest.approx(0, abs=0.5)
