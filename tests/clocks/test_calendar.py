"""The trading calendar: holidays, half days, daylight saving, and a cache that may be lost or damaged."""

import json
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from bot.clocks.calendar import CalendarUnavailable, XnysCalendar, compute_in_child, load_calendar
from bot.config.schema import CalendarSettings


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> XnysCalendar:
    return XnysCalendar.around(date(2026, 11, 20), tmp_path_factory.mktemp("calendar"))


@pytest.mark.parametrize(
    "day",
    [date(2026, 11, 26), date(2026, 12, 25), date(2026, 7, 3), date(2026, 11, 21), date(2027, 1, 1)],
)
def test_holidays_and_weekends_have_no_session(calendar: XnysCalendar, day: date) -> None:
    assert calendar.session_on(day) is None


def test_a_regular_day_runs_from_half_past_nine_to_four(calendar: XnysCalendar) -> None:
    session = calendar.session_on(date(2026, 11, 20))
    assert session is not None
    assert session.open_at == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert session.close_at == datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    assert not session.is_half_day


def test_the_day_after_thanksgiving_closes_at_one_and_moves_every_cut_off(calendar: XnysCalendar) -> None:
    session = calendar.session_on(date(2026, 11, 27))
    assert session is not None
    assert session.is_half_day
    assert session.close_at == datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
    assert session.cut_off(time(15, 50)) == datetime(2026, 11, 27, 17, 50, tzinfo=UTC)


def test_the_open_follows_daylight_saving(calendar: XnysCalendar) -> None:
    before, after = calendar.session_on(date(2026, 10, 30)), calendar.session_on(date(2026, 11, 2))
    assert before is not None
    assert after is not None
    assert before.open_at.astimezone(UTC).hour == 13
    assert after.open_at.astimezone(UTC).hour == 14


def test_the_next_session_skips_what_is_closed(calendar: XnysCalendar) -> None:
    assert calendar.next_session(date(2026, 11, 25)).day == date(2026, 11, 27)
    assert calendar.next_session(date(2026, 11, 27)).day == date(2026, 11, 30)


def test_today_is_new_yorks_date(calendar: XnysCalendar) -> None:
    assert calendar.today(datetime(2026, 11, 21, 2, 0, tzinfo=UTC)) == date(2026, 11, 20)


def test_a_day_outside_the_range_is_refused_by_name(calendar: XnysCalendar) -> None:
    with pytest.raises(ValueError, match=r"2030-01-02 is outside .* \(2025-01-01 to 2027-12-31\)"):
        calendar.session_on(date(2030, 1, 2))
    with pytest.raises(ValueError, match="no session after"):
        calendar.next_session(date(2027, 12, 31))


def test_the_table_is_computed_once_and_then_read_from_disk(tmp_path: Path) -> None:
    asked: list[date] = []

    def compute(first: date, last: date) -> str:
        asked.append(first)
        rows = [["2026-11-20", "2026-11-20T14:30:00+00:00", "2026-11-20T21:00:00+00:00", False]]
        return json.dumps({"sessions": rows})

    for _ in range(2):
        loaded = load_calendar(date(2026, 11, 1), date(2026, 11, 30), tmp_path / "made", compute)
        assert loaded.session_on(date(2026, 11, 20)) is not None
    assert len(asked) == 1
    (cached,) = (tmp_path / "made").iterdir()
    cached.write_text("{half a fi", encoding="utf-8")
    load_calendar(date(2026, 11, 1), date(2026, 11, 30), tmp_path / "made", compute)
    assert len(asked) == 2


def test_a_cache_that_cannot_be_written_does_not_stop_the_start(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory", encoding="utf-8")
    calendar = load_calendar(date(2026, 11, 1), date(2026, 11, 2), in_the_way, lambda *_: '{"sessions": []}')
    assert calendar.session_on(date(2026, 11, 2)) is None


def test_a_child_that_fails_is_quoted() -> None:
    with pytest.raises(CalendarUnavailable, match="2026-12-31 to 2026-01-01"):
        compute_in_child(date(2026, 12, 31), date(2026, 1, 1))


def test_the_parent_never_loads_pandas(calendar: XnysCalendar) -> None:
    assert calendar.first_day == date(2025, 1, 1)
    assert "exchange_calendars" not in sys.modules


def test_what_the_exchange_announced_closes_a_day_and_shortens_another(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    announced = CalendarSettings.model_validate(
        {"closed": ["2026-11-23"], "early": {"2026-11-24": "13:00", "2026-11-27": "15:00"}}
    )
    calendar = XnysCalendar.around(date(2026, 11, 20), tmp_path_factory.mktemp("calendar"), announced)
    assert calendar.session_on(date(2026, 11, 23)) is None
    assert calendar.next_session(date(2026, 11, 20)).day == date(2026, 11, 24)
    short = calendar.session_on(date(2026, 11, 24))
    assert short is not None
    assert (short.close_at, short.is_half_day) == (datetime(2026, 11, 24, 18, tzinfo=UTC), True)
    known = calendar.session_on(date(2026, 11, 27))
    assert known is not None
    assert known.close_at == datetime(2026, 11, 27, 18, tzinfo=UTC)  # earlier by the table: that stays
