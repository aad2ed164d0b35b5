"""Which jobs of the clock are asked: those whose moment has come, and those whose world has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.engine.day.rest import ClockJob, Rest, World

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


class Tick:
    """What resting asks of a tick."""

    def __init__(self, now: datetime, *, hour_is_known: bool = True) -> None:
        self.now, self.hour_is_known = now, hour_is_known


def jobs() -> list[ClockJob]:
    return [
        ClockJob("sees all", lambda ctx, journal: None, lambda ctx: LATER),
        ClockJob("blind", lambda ctx, journal: None, lambda ctx: LATER, blind=True),
    ]


@pytest.mark.parametrize(
    "after_s, world, asked",
    [
        (1, (7, "the rest"), []),
        (60, (7, "the rest"), ["sees all", "blind"]),
        (1, (8, "the rest"), ["sees all"]),  # entities have changed: who looks at none of them sleeps on
        (60, (8, "the rest"), ["sees all", "blind"]),
        (1, (7, "another"), ["sees all", "blind"]),
        (-1, (7, "the rest"), ["sees all", "blind"]),  # a clock that was set back
    ],
)
def test_who_is_asked_after_a_time_in_a_world(after_s: float, world: World, asked: list[str]) -> None:
    rest, all_jobs = Rest(), jobs()
    assert [job.name for job in rest.due(Tick(NOW), all_jobs, (7, "the rest"))] == ["sees all", "blind"]  # type: ignore[arg-type]
    rest.begin(Tick(NOW), all_jobs, (7, "the rest"))  # type: ignore[arg-type]
    due = rest.due(Tick(NOW + timedelta(seconds=after_s)), all_jobs, world)  # type: ignore[arg-type]
    assert [job.name for job in due] == asked


def test_nobody_rests_by_a_clock_that_is_not_known() -> None:
    rest, all_jobs = Rest(), jobs()
    rest.begin(Tick(NOW, hour_is_known=False), all_jobs, (7, ""))  # type: ignore[arg-type]
    assert rest.due(Tick(NOW), all_jobs, (7, "")) is all_jobs  # type: ignore[arg-type]
    assert rest.due(Tick(NOW), all_jobs, (8, "")) is all_jobs  # type: ignore[arg-type]
