"""The history beside the tick: looked at before a start, its head noted by the hour."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.history_upkeep import HistoryKeeper, look_at_start
from bot.clocks.clock import ManualClock
from bot.config.schema import DatabaseSettings
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from bot.domain.events.people import AlertRaised
from bot.store.chain import Head
from bot.store.heads import file_in, note, noted
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> DatabaseSettings:
    settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", backup_dir=str(tmp_path / "kept"))
    upgrade(settings.url)
    return settings


def codes(alerts: list[AlertRaised]) -> list[str]:
    return [alert.code for alert in alerts]


def test_a_sound_store_starts_without_a_word(database: DatabaseSettings) -> None:
    assert look_at_start(database, NOON) == []


def test_guards_that_are_gone_are_told_and_back_at_once(database: DatabaseSettings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("DROP TRIGGER transition_is_never_changed")
    (alert,) = look_at_start(database, NOON)
    assert (alert.code, alert.severity) == ("HISTORY_UNGUARDED", "critical")
    assert "transition_is_never_changed is missing" in alert.text
    assert look_at_start(database, NOON) == []


def test_a_noted_head_that_is_gone_is_told_at_a_start(database: DatabaseSettings, tmp_path: Path) -> None:
    note(file_in(tmp_path / "kept"), Head("ab" * 32, 7), NOON, "hour")
    assert codes(look_at_start(database, NOON)) == ["HISTORY_REWRITTEN"]


async def test_the_head_is_noted_once_an_hour(database: DatabaseSettings, tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    store = SqlStore(database.url, clock)
    await store.open()
    told: list[Event] = []
    keeper = HistoryKeeper(database, store, clock, told.append)
    keeper.note(NOON)
    keeper.note(NOON + timedelta(hours=1))
    await store.close()
    heads = noted(file_in(tmp_path / "kept"))
    assert [one.why for one in heads] == ["hour", "hour"]
    assert (tmp_path / "kept" / "heads.jsonl").stat().st_mode & 0o777 == 0o600
    assert [(row.name, row.state) for row in told if isinstance(row, JobRan)] == [("history_head", "done")] * 2
    assert len(told) == 2, "and no alert"


async def test_a_disk_that_takes_no_head_is_told(database: DatabaseSettings, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    clock = ManualClock(NOON)
    store = SqlStore(database.url, clock)
    await store.open()
    told: list[Event] = []
    HistoryKeeper(database, store, clock, told.append).note(NOON)
    await store.close()
    assert [event.code for event in told if isinstance(event, AlertRaised)] == ["HEAD_NOT_NOTED"]
