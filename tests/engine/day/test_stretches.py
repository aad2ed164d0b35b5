"""Stretches of time in which no restart window begins or ends: what holds at their begin holds to their end."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.config.schema import IbkrSettings, RestartWindow, Weekday
from bot.domain.calendar import NEW_YORK, new_york_day
from bot.engine.day.restart_windows import Stretches, last_login_window, stretch_at, window_at

DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WALL = st.times().map(lambda at: at.replace(microsecond=0))
WINDOWS = st.builds(
    lambda walls, days, login: RestartWindow(
        name="w", begins=walls[0], ends=walls[1], days=tuple(sorted(days, key=DAYS.index)), needs_login=login
    ),
    st.lists(WALL, min_size=2, max_size=2, unique=True),
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.booleans(),
)
SPRING, AUTUMN = datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)
MOMENTS = st.one_of(
    st.integers(0, 5 * 3600).map(lambda s: SPRING + timedelta(seconds=s)),
    st.integers(0, 5 * 3600).map(lambda s: AUTUMN + timedelta(seconds=s)),
    st.integers(0, 365 * 24 * 3600).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
)
NIGHT = RestartWindow(name="w", begins=time(2, 30), ends=time(3, 30), days=DAYS, needs_login=True)


@given(st.lists(WINDOWS, max_size=3), MOMENTS, st.floats(0, 1, exclude_max=True))
@example([NIGHT], SPRING + timedelta(hours=2), 0.9)
@example([NIGHT], AUTUMN + timedelta(hours=2), 0.9)
def test_what_holds_at_one_moment_of_a_stretch_holds_at_all(
    windows: list[RestartWindow], now: datetime, part: float
) -> None:
    settings = IbkrSettings(restart_windows=tuple(windows))
    stretch = stretch_at(settings, now)
    assert stretch.since <= now < stretch.until <= stretch.since + timedelta(hours=1)
    for moment in (stretch.since, stretch.since + (stretch.until - stretch.since) * part):
        assert window_at(settings, moment) == stretch.window
        assert last_login_window(settings, moment) == last_login_window(settings, now)


def test_a_stretch_is_worked_out_once_and_anew_with_other_settings() -> None:
    stretches, now = Stretches(), datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    settings = IbkrSettings()
    first = stretches.at(settings, now)
    assert stretches.at(settings, first.until - timedelta(microseconds=1)) is first
    assert stretches.at(settings, first.until) is not first
    inside = IbkrSettings(restart_windows=(RestartWindow(name="w", begins=time(9, 50), ends=time(10, 30), days=DAYS),))
    assert stretches.at(inside, now).window is not None, "a setting that was edited counts at once"


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2026, 11, 20)])
def test_the_day_in_new_york_is_the_same_by_either_way(day: date) -> None:
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for minutes in range(0, 2 * 24 * 60, 7):
        moment = begins + timedelta(minutes=minutes, seconds=59, microseconds=999_999)
        assert new_york_day(moment) == moment.astimezone(NEW_YORK).date() == new_york_day(moment.astimezone(NEW_YORK))
