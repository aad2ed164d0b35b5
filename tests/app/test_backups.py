"""Backups by the clock: when they are due, what is kept, what is said; and a restored store finds the broker's book."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.backups import Backups, Keep, make
from bot.clocks.clock import ManualClock
from bot.config.loader import load
from bot.config.schema import DatabaseSettings
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from bot.domain.events.people import AlertRaised
from bot.store.audit import head_of
from bot.store.backup import backup, backup_name, backups, check_copy, restore, taken_at
from bot.store.chain import Head
from bot.store.heads import file_in, note, noted
from bot.store.invariants import check_invariants
from bot.store.revision import upgrade
from tests.engine.fakes import FakeCalendar
from tests.faults.day import World
from tests.faults.plan import Plan
from tests.patience import PATIENCE_S

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    upgrade(address)
    return address


def keeper(url: str, at: datetime, told: list[Event] | None = None, **settings: object) -> Backups:
    database = DatabaseSettings.model_validate({"url": url, **settings})
    return Backups(url, database, ManualClock(at), FakeCalendar(), (told if told is not None else []).append)


async def test_a_backup_is_made_checked_and_put_on_record(url: str, tmp_path: Path) -> None:
    told: list[Event] = []
    made = await keeper(url, NOON, told).make()
    assert made.made is not None
    assert made.made.path == tmp_path / "store.db.backups" / "quanticity-20261120T170000Z.db"
    assert check_copy(made.made.path) == head_of(url)
    (row,) = told
    assert isinstance(row, JobRan)
    assert (row.name, row.state, row.at) == ("backup", "done", NOON)


async def test_one_is_due_after_so_many_hours_and_once_more_after_the_close(url: str) -> None:
    jobs = keeper(url, NOON)
    assert jobs.is_due(NOON), "there is none"
    await jobs.make()
    assert not jobs.is_due(NOON + timedelta(hours=3))
    assert not jobs.is_due(CLOSE + timedelta(minutes=1)), "reports of the last fills may still come"
    assert jobs.is_due(CLOSE + timedelta(minutes=6))
    assert jobs.is_due(NOON + timedelta(hours=24))


async def test_old_backups_go_and_the_newest_stays_however_old(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    for days in (20, 9, 6):
        backup(url, folder / backup_name(NOON - timedelta(days=days)))
    outcome = make(url, folder, NOON, Keep(7, 2000))
    assert [taken_at(path) for path in backups(folder)] == [NOON, NOON - timedelta(days=6)]
    assert len(outcome.removed) == 2
    foreign, half = folder / "notes.txt", folder / f"{backup_name(NOON)}.part"
    for path in (foreign, half):
        path.write_text("mine")
    make(url, folder, NOON + timedelta(days=6), Keep(7, 2000))
    assert half.exists(), "somebody may be at it"
    make(url, folder, NOON + timedelta(days=40), Keep(7, 2000))
    assert len(backups(folder)) == 1
    assert not half.exists()
    assert foreign.exists()


async def test_a_backup_that_fails_is_told_and_tried_again_later_and_nothing_old_is_removed(
    url: str, tmp_path: Path
) -> None:
    told: list[Event] = []
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("")
    jobs = keeper(url, NOON, told, backup_dir=str(blocked))
    assert (await jobs.make()).made is None
    assert [type(event) for event in told] == [JobRan, AlertRaised]
    assert not jobs.is_due(NOON + timedelta(minutes=10))
    assert jobs.is_due(NOON + timedelta(minutes=31))


async def test_it_is_made_by_another_process_and_one_that_cannot_be_started_is_told(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    monkeypatch.setattr("bot.app.backups.make", lambda *_: pytest.fail("the trader's process has other work"))
    jobs = keeper(url, NOON, told)
    assert (await jobs.make()).made is not None
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert (await jobs.make()).made is None
    alert = told[-1]
    assert isinstance(alert, AlertRaised)
    assert (alert.code, alert.severity) == ("BACKUP_FAILED", "critical")
    assert "the backup could not be started" in alert.text


async def test_the_loop_makes_what_is_due_without_holding_up_others(url: str, tmp_path: Path) -> None:
    done = asyncio.Event()
    database = DatabaseSettings(url=url)
    jobs = Backups(url, database, ManualClock(NOON), FakeCalendar(), lambda event: done.set(), look_s=0.01)
    running = asyncio.create_task(jobs.run())
    async with asyncio.timeout(PATIENCE_S):
        await done.wait()
    running.cancel()
    assert len(backups(tmp_path / "store.db.backups")) == 1


async def test_a_store_restored_from_a_backup_comes_to_the_brokers_book(tmp_path: Path) -> None:
    """Trading went on after the backup; the restored store takes over what happened since, from the broker."""
    database = tmp_path / "day.db"
    url = f"sqlite+aiosqlite:///{database}"
    upgrade(url)
    world = World(Plan(4, (), ()), database)
    await world.start()
    await world.run(60)
    saved = backup(url, tmp_path / "saved.db")
    await world.run(40)
    executed = len(world.venue.executions())
    await world.die("the disk is gone")
    assert head_of(url).seq > saved.head.seq
    restore(url, saved.path, force=True)
    await world.start()
    await world.run(20)
    held = Counter({p.instrument.local_symbol: p.quantity for p in world.venue.positions() if p.quantity})
    ours: Counter[str] = Counter()
    for position in world.engine.ledger.positions.values():
        ours[position.key] += position.quantity
    assert +ours == held
    assert executed > 0
    assert world.checker.broken == []
    await world.die("the end")
    broken = {f.invariant for f in check_invariants(url) if not f.ok}
    assert not broken & {"I1", "I2", "I3", "I5"}, broken


def test_the_shipped_settings_keep_a_week_of_daily_backups() -> None:
    database = load(Path(__file__).resolve().parents[2]).settings.database
    assert (database.backup_every_hours, database.backup_keep_days) == (24, 7)


def test_backups_together_stay_within_a_size_and_the_newest_stays(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    for hours in (3, 2, 1):
        backup(url, folder / backup_name(NOON - timedelta(hours=hours)))
    one = backups(folder)[0].stat().st_size / 2**20
    make(url, folder, NOON, Keep(7, most_mb=1))
    assert len(backups(folder)) == max(1, min(4, int(1 / one)))
    assert backups(folder)[0].name == backup_name(NOON)


def test_a_backup_notes_the_head_that_it_verified_and_tells_of_one_that_is_gone(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    note(file_in(folder), Head("ab" * 32, 70), NOON, "hour")
    outcome = make(url, folder, NOON, Keep(7, 2000))
    assert outcome.made is not None
    assert "is not the one that was noted" in outcome.rewritten
    assert [(one.why, one.verified) for one in noted(file_in(folder))] == [("hour", False), ("backup", True)]


def test_a_disk_without_room_for_a_copy_is_named(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    outcome = make(url, tmp_path / "kept", NOON, Keep(7, 2000))
    assert outcome.made is None
    assert "0 MB free" in outcome.failure
