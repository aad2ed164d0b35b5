"""The timetable: each job is due when its row says, on whole days, half days and days without a session."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.schema import Settings
from bot.domain.calendar import TradingSession
from bot.domain.timetable import (
    BACKUP,
    DAY_TOTALS,
    HEAD,
    NEW_DAY,
    RECONCILE,
    SETTLEMENT,
    TIMETABLE,
    WELL,
    Anchor,
    Job,
    Runs,
    SessionMoment,
)
from tests.sources import with_any

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
WHOLE = TradingSession(DAY, OPEN, CLOSE, is_half_day=False)
HALF = TradingSession(DAY, OPEN, CLOSE - timedelta(hours=3), is_half_day=True)
SETTINGS = Settings()


def setting(name: str) -> object:
    return attrgetter(name)(SETTINGS)


@pytest.mark.parametrize("job", TIMETABLE, ids=lambda job: job.name)
def test_every_setting_that_the_table_names_is_one_of_the_right_kind(job: Job) -> None:
    assert job.moments or job.every or job.each_day, "it runs at some time"
    assert job.every_s(setting) >= 0
    for at in job.times(WHOLE, setting).values():
        assert at.date() - DAY <= timedelta(days=1)
    for moment in job.moments:
        assert bool(moment.setting) is (moment.anchor in {Anchor.FIXED, Anchor.CUT_OFF})
        assert not moment.setting or isinstance(setting(moment.setting), time)


def test_names_stand_once() -> None:
    assert len({job.name for job in TIMETABLE}) == len(TIMETABLE)


def test_what_counts_from_the_close_and_what_is_a_cut_off_move_with_an_early_one() -> None:
    whole, half = SETTLEMENT.times(WHOLE, setting), SETTLEMENT.times(HALF, setting)
    assert half["morning"] == whole["morning"]
    assert whole["evening"] - half["evening"] == timedelta(hours=3)
    assert DAY_TOTALS.times(HALF, setting) == {"after the close": HALF.close_at + timedelta(minutes=1)}


def test_a_time_as_the_record_of_the_settings_has_it_is_read_alike() -> None:
    told = {"engine.settlement_morning": "09:00:00", "engine.settlement_evening": "18:00:00"}
    evening = SETTLEMENT.times(WHOLE, lambda name: told[name])["evening"]
    assert evening == WHOLE.cut_off(time(18))


def test_an_open_is_an_anchor_too() -> None:
    warm_up = Job("warm up", "", Runs.TICK, moments=(SessionMoment("before", Anchor.OPEN, timedelta(minutes=-5)),))
    assert not warm_up.is_due(None, OPEN - timedelta(minutes=6), WHOLE)
    assert warm_up.next(None, OPEN - timedelta(minutes=6), WHOLE) == OPEN - timedelta(minutes=5)
    assert warm_up.is_due(None, OPEN, WHOLE)
    assert not warm_up.is_due(OPEN, OPEN, WHOLE)


def test_of_a_day_with_two_runs_the_latest_counts() -> None:
    late = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    assert SETTLEMENT.due_since(WHOLE, setting, OPEN - timedelta(hours=9)) is None
    due = SETTLEMENT.due_since(WHOLE, setting, late)
    assert due is not None
    assert due[0] == "evening"


def test_a_job_that_failed_or_never_ran_is_due_and_one_without_a_session_waits_for_one() -> None:
    assert BACKUP.next(None, OPEN, WHOLE, setting) == OPEN, "there is none"
    assert BACKUP.next(OPEN, OPEN, WHOLE, setting) == CLOSE + timedelta(minutes=5)
    assert DAY_TOTALS.next(CLOSE + timedelta(minutes=2), CLOSE + timedelta(hours=1), WHOLE, setting) is None
    assert DAY_TOTALS.next(None, OPEN, None, setting) is None
    assert RECONCILE.next(OPEN, OPEN, WHOLE, setting) == OPEN + timedelta(seconds=300)


def test_what_is_left_out_an_hour_later_is_not_said_to_be_due() -> None:
    """A simulated day may begin after it: then nothing runs, and the next run is another day's."""
    morning = WELL.times(WHOLE, setting)["morning"]
    assert WELL.next(None, morning + timedelta(minutes=59), WHOLE, setting) == morning + timedelta(minutes=59)
    assert WELL.next(None, morning + timedelta(hours=1), WHOLE, setting) is None


@pytest.mark.parametrize("session", [WHOLE, None])
def test_the_turn_of_the_day_is_new_yorks_on_days_without_a_session_too(session: TradingSession | None) -> None:
    evening, midnight = datetime(2026, 11, 21, 4, 59, tzinfo=UTC), datetime(2026, 11, 21, 5, tzinfo=UTC)
    assert NEW_DAY.is_due(None, evening, session)
    assert not NEW_DAY.is_due(OPEN, evening, session)
    assert NEW_DAY.next(OPEN, evening, session) == midnight
    assert NEW_DAY.is_due(evening, midnight, session)
    assert not NEW_DAY.is_due(midnight, midnight + timedelta(hours=23), session)
    assert NEW_DAY.next(midnight, midnight, session) == midnight + timedelta(days=1)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_job_is_due_exactly_from_the_moment_that_was_said(last_s: int, passed_s: int) -> None:
    last = OPEN + timedelta(seconds=last_s)
    now = last + timedelta(seconds=passed_s)
    said = HEAD.next(last, last)
    assert said is not None
    assert HEAD.is_due(last, now) is (now >= said)


def test_the_table_of_jobs_in_the_documents_is_the_timetable() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    section = text.partition("\n## Jobs by the clock\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [row_of(job) for job in TIMETABLE if job.recorded]


def row_of(job: Job) -> str:
    """Return a job as the table in the documents has it."""
    return f"| `{job.name}`: {job.what} | {job.when} | {job.runs} | {job.missed} |"


TOLD_AGAIN = {"idle", "login due", "login"}
"""How often one and the same trouble is told again: no job."""


def test_what_the_tick_does_by_the_clock_is_asked_for_by_its_row() -> None:
    found = {name for tree in with_any(".due(", under="bot/engine/").values() for name in _names_asked_for(tree)}
    assert found == TOLD_AGAIN, "a job's name and how often it runs stand in the timetable"


def _names_asked_for(tree: ast.Module) -> Iterator[str]:
    """Yield the words by which a file asks a schedule whether something is due that is about no order or position."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "due"):
            continue
        if not any(each.arg == "of" for each in node.keywords):
            yield from (str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant))
