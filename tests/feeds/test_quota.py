"""Counting what may be asked, and the day's reset in New York."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.feeds.quota import MinuteOfCalls, Quota, next_reset, period_began
from bot.feeds.sources import Priority, QuotaSettings
from tests.feeds.uw_site import UW

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
DAILY = QuotaSettings.model_validate(UW["quota"])
NAMES = DAILY.headers


@pytest.mark.parametrize(
    "now, reset",
    [
        (datetime(2026, 11, 20, 17, 0, tzinfo=UTC), datetime(2026, 11, 21, 1, 0, tzinfo=UTC)),
        (datetime(2026, 11, 21, 1, 0, tzinfo=UTC), datetime(2026, 11, 22, 1, 0, tzinfo=UTC)),
        (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), datetime(2026, 11, 1, 0, 0, tzinfo=UTC)),  # still summer time
        (datetime(2026, 11, 1, 0, 0, tzinfo=UTC), datetime(2026, 11, 2, 1, 0, tzinfo=UTC)),  # the night it ends
    ],
)
def test_the_day_is_reset_at_eight_in_the_evening_of_new_york(now: datetime, reset: datetime) -> None:
    assert next_reset(DAILY, now) == reset
    assert period_began(DAILY, reset) == reset
    began = period_began(DAILY, reset - timedelta(seconds=1))
    assert began is not None
    assert began <= now < reset


def test_a_month_is_renewed_on_its_first_day() -> None:
    monthly = QuotaSettings(period="month", limit=2000)
    assert next_reset(monthly, NOW) == datetime(2026, 12, 1, 5, 0, tzinfo=UTC)
    assert period_began(monthly, NOW) == datetime(2026, 11, 1, 4, 0, tzinfo=UTC)


@given(st.lists(st.floats(0, 20), max_size=60), st.integers(1, 5))
def test_never_more_than_the_budget_in_any_minute(waits: list[float], per_minute: int) -> None:
    budget, now, asked = MinuteOfCalls(), NOW, list[datetime]()
    for wait in waits:
        now = budget.free_at(per_minute, now + timedelta(seconds=wait))
        budget.take(now, Priority.CRITICAL)
        asked.append(now)
    for at in asked:
        assert sum(at <= other < at + timedelta(seconds=60) for other in asked) <= per_minute


def test_headers_that_are_absent_or_garbled_leave_what_was_known() -> None:
    known = Quota().heard({"x-uw-daily-req-count": "8", "x-uw-token-req-limit": "10"}, NAMES, NOW)
    assert known.used_fraction() == 0.8
    assert known.heard({}, NAMES, NOW) == known
    assert known.heard({"x-uw-daily-req-count": "many"}, NAMES, NOW) == known


def test_a_minute_without_anything_left_is_waited_out() -> None:
    headers = {"x-uw-req-per-minute-remaining": "0", "x-uw-req-per-minute-reset": "4096"}
    quota = Quota().heard(headers, NAMES, NOW)
    assert quota.spent_until(NOW) == NOW + timedelta(milliseconds=4096)
    assert quota.spent_until(NOW + timedelta(seconds=5)) is None
