"""Clocks: two processes agree, time never goes back, sleepers wake in order."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.feeds.clock import ManualClock, ScaledClock, SystemClock, wall_seconds

START = datetime(2026, 11, 20, 14, 25, tzinfo=UTC)


def test_the_system_clock_is_aware_and_runs_at_one_second_a_second() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.speed == 1.0
    assert clock.monotonic() <= clock.monotonic()


def test_two_scaled_clocks_of_one_anchor_agree() -> None:
    anchor = wall_seconds() - 10
    one, two = ScaledClock(START, 60, anchor), ScaledClock(START, 60, anchor)
    assert abs(one.now() - two.now()) < timedelta(seconds=6)  # a tenth of a wall second at this speed
    assert one.now() >= START + timedelta(seconds=600)


def test_aligning_moves_a_scaled_clock_forward_and_never_back() -> None:
    clock = ScaledClock(START, 30, wall_seconds())
    assert clock.align(START + timedelta(hours=1))
    assert clock.now() >= START + timedelta(hours=1)
    assert not clock.align(START)
    assert not clock.align(clock.now() + timedelta(seconds=15))  # half a wall second ahead: not worth a jump
    assert clock.now() >= START + timedelta(hours=1)


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


def test_the_machines_clock_set_back_neither_goes_back_nor_stands_still() -> None:
    wall, counted = [1_000_000.0], [0.0]
    clock = SystemClock(lambda: wall[0], lambda: counted[0])

    def pass_by(seconds: float) -> float:
        wall[0] += seconds
        counted[0] += seconds
        return clock.now().timestamp()

    assert pass_by(10) == 1_000_010
    wall[0] -= 3600  # a person, or a time server
    assert pass_by(0) == 1_000_010
    assert [pass_by(10), pass_by(10)] == [1_000_015, 1_000_020]
    assert pass_by(7200) == wall[0], "it has caught up"
    wall[0] += 3600
    assert pass_by(1) == wall[0], "a step forward is taken at once"


def test_jitter_between_the_machines_two_clocks_is_not_seen() -> None:
    wall, counted = [1_000_000.0], [0.0]
    clock = SystemClock(lambda: wall[0], lambda: counted[0])
    for _ in range(100):
        wall[0] += 0.999
        counted[0] += 1.0
        assert clock.now().timestamp() == pytest.approx(wall[0], abs=1e-6)
