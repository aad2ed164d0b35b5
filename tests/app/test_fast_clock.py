"""Limits under a fast simulated clock: none is shorter than the answers that it waits for."""

from __future__ import annotations

import inspect

import pytest

from bot.app.fast_clock import PROTECTION_WALL_S, paced
from bot.config.schema import Settings
from bot.store.invariants import check_invariants


@pytest.mark.parametrize("speed", [30.0, 300.0, 1000.0])
def test_a_stop_may_take_as_long_as_the_brokers_answer_to_it_may(speed: float) -> None:
    settings = paced(Settings(), speed)
    assert settings.execution.protection_limit_s >= settings.engine.ack_seconds


@pytest.mark.parametrize("speed", [30.0, 300.0])
def test_the_overseer_calls_nothing_late_that_this_clock_cannot_bring_sooner(speed: float) -> None:
    before, watch = Settings().overseer.watch, paced(Settings(), speed).overseer.watch
    assert watch.unprotected_s >= paced(Settings(), speed).execution.protection_limit_s
    assert all(age >= before.ages[name] + speed for name, age in watch.ages.items())  # an interval, then an answer
    assert min(watch.heartbeat_s, watch.doubt_s, watch.differs_s) >= speed


def test_real_time_is_left_as_it_is() -> None:
    assert paced(Settings(), 1.0) == Settings()


def test_the_invariant_allows_what_the_bot_allows_itself() -> None:
    assert inspect.signature(check_invariants).parameters["wall_grace_s"].default == PROTECTION_WALL_S
