"""Times of a trading day: those from the open stand, those before the close move with an early one."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import TradingSession, new_york_day

WINTER = TradingSession(
    date(2026, 11, 20), datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC), False
)
HALF_DAY = TradingSession(
    date(2026, 11, 27), datetime(2026, 11, 27, 14, 30, tzinfo=UTC), datetime(2026, 11, 27, 18, 0, tzinfo=UTC), True
)
SUMMER = TradingSession(
    date(2026, 7, 6), datetime(2026, 7, 6, 13, 30, tzinfo=UTC), datetime(2026, 7, 6, 20, 0, tzinfo=UTC), False
)


def test_cut_offs_stand_on_a_usual_day_in_either_season() -> None:
    assert WINTER.cut_off(time(15, 50)) == datetime(2026, 11, 20, 20, 50, tzinfo=UTC)
    assert SUMMER.cut_off(time(15, 50)) == datetime(2026, 7, 6, 19, 50, tzinfo=UTC)


def test_cut_offs_move_with_an_early_close_and_times_from_the_open_do_not() -> None:
    assert HALF_DAY.cut_off(time(15, 50)) == HALF_DAY.close_at - timedelta(minutes=10)
    assert HALF_DAY.at(time(9, 45)) == HALF_DAY.open_at + timedelta(minutes=15)


@given(st.times(max_value=time(16, 0)).filter(lambda t: t.tzinfo is None))
def test_a_cut_off_is_as_long_before_every_close(cut_off: time) -> None:
    assert WINTER.close_at - WINTER.cut_off(cut_off) == HALF_DAY.close_at - HALF_DAY.cut_off(cut_off)
    assert WINTER.cut_off(cut_off) == WINTER.at(cut_off)


def test_the_market_is_open_from_the_first_moment_to_before_the_last() -> None:
    assert WINTER.is_open(WINTER.open_at)
    assert not WINTER.is_open(WINTER.close_at)


def test_the_new_york_date_is_not_the_utc_date_late_in_the_evening() -> None:
    assert new_york_day(datetime(2026, 11, 21, 2, 0, tzinfo=UTC)) == date(2026, 11, 20)
