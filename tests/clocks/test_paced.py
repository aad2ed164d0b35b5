"""A fast day waits for who lives in it, and for nobody who is gone."""

from __future__ import annotations

import asyncio
import os
import struct
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.clocks.paced import Pace, PacedClock, clock_as_told, keep_leading, keep_seen, shared_with, told_of
from tests.patience import until

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SPEED = 240.0
BEAT = 0.03
AHEAD = SPEED * BEAT * 1.5
"""How far time runs from the leader's last word."""
OF_OTHER = SPEED * BEAT * 3


class Steady:
    """The machine's steady seconds, moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def a_pace(steady: Steady, speed: float = SPEED) -> Pace:
    pace = Pace.new(steady)
    pace.begin()
    pace.lead(speed)
    return pace


def test_it_stands_until_it_begins_whoever_says_what() -> None:
    steady = Steady()
    pace = Pace.new(steady)
    pace.lead(SPEED)
    pace.seen()
    steady.at += 100
    assert pace.seconds() == 0.0


def test_with_words_in_time_it_runs_as_fast_as_it_was_told() -> None:
    steady = Steady()
    pace = a_pace(steady)
    for _ in range(50):
        steady.at += 0.02
        pace.seen()
        pace.lead(SPEED)
    assert round(pace.seconds(), 6) == SPEED


def test_a_leader_that_gets_no_turn_is_waited_for_and_no_time_is_made_up() -> None:
    steady = Steady()
    pace = a_pace(steady)
    steady.at += 60
    assert pace.seconds() == AHEAD
    pace.lead(SPEED)
    assert pace.seconds() == AHEAD
    steady.at += BEAT
    assert round(pace.seconds(), 6) == round(AHEAD + BEAT * SPEED, 6)


def test_the_other_is_waited_for_until_it_is_gone() -> None:
    steady = Steady()
    pace = a_pace(steady)
    pace.seen()
    for _ in range(95):  # 1.9 s: it may be back
        steady.at += 0.02
        pace.lead(SPEED)
    assert pace.seconds() == OF_OTHER
    for _ in range(25):
        steady.at += 0.02
        pace.lead(SPEED)
    assert pace.seconds() > OF_OTHER + 0.3 * SPEED, "it ended or hangs: the market does not wait for it"


def test_before_it_is_told_to_hurry_it_runs_as_fast_as_the_wall() -> None:
    steady = Steady()
    pace = Pace.new(steady)
    pace.begin()
    for _ in range(100):
        steady.at += 0.02
        pace.lead(1.0)
    assert round(pace.seconds(), 6) == 2.0


@given(st.lists(st.tuples(st.sampled_from(["lead", "seen", "slow"]), st.floats(0, 3)), max_size=60))
def test_whoever_speaks_when_it_never_goes_back_nor_faster_than_told(words: list[tuple[str, float]]) -> None:
    steady = Steady()
    clock = PacedClock(START, SPEED, a_pace(steady))
    last = clock.now()
    for word, after in words:
        steady.at += after
        assert last <= clock.now() <= last + timedelta(seconds=after * SPEED + 1e-5)
        match word:
            case "lead":
                clock.pace.lead(SPEED)
            case "slow":
                clock.pace.lead(1.0)
            case _:
                clock.pace.seen()
        last = clock.now()


def test_who_is_told_of_the_clock_lives_in_its_time() -> None:
    steady = Steady()
    clock = PacedClock(START, SPEED, a_pace(steady))
    told = told_of(clock)
    assert told is not None
    assert shared_with(clock) == (told["pace_fd"],)
    other = clock_as_told(**told)
    assert isinstance(other, PacedClock)
    other.pace._steady = steady
    steady.at += BEAT
    assert other.now() == clock.now() == START + timedelta(seconds=BEAT * SPEED)


def test_a_word_that_its_writer_died_in_keeps_nobody() -> None:
    pace = a_pace(Steady())
    os.pwrite(pace.fd, struct.pack("=q", 7), 0)
    assert pace.seconds() >= 0.0


async def test_it_is_led_as_fast_as_the_wall_until_the_start_is_over() -> None:
    pace, ready = Pace.new(), asyncio.Event()
    pace.begin()
    tasks = [asyncio.create_task(keep_leading(pace, SPEED, ready, 3600.0)), asyncio.create_task(keep_seen(pace))]
    await asyncio.sleep(0)
    assert pace.seconds() < 1.0
    ready.set()
    await until(lambda: pace.seconds() > SPEED / 2)
    for task in tasks:
        task.cancel()
