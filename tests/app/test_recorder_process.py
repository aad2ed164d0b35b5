"""The recorder's process killed, hung, without room, without a folder: trading waits for none of it, people are told
once, and the recording says itself what it lacks."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.app.recorder_process import RecorderKeeping, RecorderPace
from bot.clocks.clock import ManualClock
from bot.config.schema import EngineSettings
from bot.domain.events import Event
from bot.domain.events.people import AlertRaised
from bot.domain.recording import EventKind
from bot.record.library import Recording
from bot.record.tap import Tap
from tests.patience import until
from tests.record.days import START, a_quote, a_run

pytestmark = pytest.mark.slow

SILENT_S = 3600.0
PACE = RecorderPace(flush_s=0.01, restart_s=0.02, longest_restart_s=0.04, silent_s=SILENT_S, last_s=240.0)


@dataclass
class Kept:
    """A tap with its recorder's process; `told` is what people are told."""

    tap: Tap
    keeping: RecorderKeeping
    clock: ManualClock
    told: list[Event] = field(default_factory=list)
    heard: int = 0
    steady_s: float = 0.0

    def hear(self, count: int) -> None:
        for _ in range(count):
            self.heard += 1
            self.tap.heard(a_quote("SPY", 58_800 + self.heard % 90, self.clock.now()))

    async def all_is_kept(self) -> None:
        await until(lambda: not self.tap.awaits and not self.tap.waits)

    @property
    def pid(self) -> int:
        pid = self.keeping.pid
        assert pid is not None
        return pid

    async def is_another(self, than: int) -> None:
        """Wait until another process keeps what comes."""
        await until(lambda: self.keeping.pid not in {None, than})

    def codes(self) -> list[str]:
        return [each.code for each in self.told if isinstance(each, AlertRaised)]

    def words(self) -> str:
        return " ".join(each.text for each in self.told if isinstance(each, AlertRaised))


@asynccontextmanager
async def kept(folder: Path) -> AsyncIterator[Kept]:
    clock, told = ManualClock(START), list[Event]()
    tap = Tap(clock)
    tap.runs(a_run())
    settings = EngineSettings(record_dir=str(folder), record_keep_days=0)
    keeping = RecorderKeeping(tap, settings, clock, told.append, PACE, lambda: one.steady_s)
    one = Kept(tap, keeping, clock, told)
    task = asyncio.create_task(keeping.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await keeping.end()


async def finished(folder: Path) -> Recording:
    """Return the day once the process that makes Parquet of the last hour is done."""
    await until(lambda: (folder / "manifest.json").exists() and not (folder / "journal.open").exists())
    return Recording(folder)


async def test_a_recorder_that_was_killed_begins_again_and_all_that_was_flushed_is_there(tmp_path: Path) -> None:
    async with kept(tmp_path) as one:
        one.hear(40)
        await one.all_is_kept()
        first = one.pid
        os.kill(first, signal.SIGSTOP)  # so that something is under way when it is killed
        one.hear(5)
        await until(lambda: one.tap.awaits)
        os.kill(first, signal.SIGKILL)
        await one.is_another(first)
        one.hear(40)
        await one.all_is_kept()
        assert one.codes() == ["RECORDER_DOWN", "RECORDING_GAP"]
        assert "5 facts are not in the recording" in one.words()
    found = (await finished(tmp_path / "2026-11-20")).judge()
    assert found.is_whole, found.words()
    assert found.counts["quotes"] == 80
    assert [gap.count for gap in found.gaps] == [5]


async def test_nobody_waits_for_a_recorder_that_hangs_and_it_is_replaced(tmp_path: Path) -> None:
    async with kept(tmp_path) as one:
        one.hear(1)
        await one.all_is_kept()
        hung = one.pid
        os.kill(hung, signal.SIGSTOP)
        one.hear(20_000)  # far more than a pipe holds
        await until(lambda: not one.tap.waits)
        one.steady_s += 2 * SILENT_S
        await one.is_another(hung)
        one.hear(1)
        await one.all_is_kept()
        assert "has kept nothing for" in one.words()
    found = (await finished(tmp_path / "2026-11-20")).judge()
    assert found.is_whole, found.words()
    assert found.counts["quotes"] + sum(gap.count for gap in found.gaps) >= one.heard


async def test_a_full_disk_is_told_once_and_what_waited_is_kept_when_there_is_room(tmp_path: Path) -> None:
    async with kept(tmp_path) as one:
        one.hear(40)
        await one.all_is_kept()
        full = one.pid
        _make_room(full, (tmp_path / "2026-11-20" / "journal.open").stat().st_size + 10)
        one.hear(7)
        await one.is_another(full)
        one.hear(40)
        await one.all_is_kept()
        assert one.codes() == ["RECORDER_DOWN", "RECORDING_GAP"]
        assert "File too large" in one.words(), "the system's own reason"
    found = (await finished(tmp_path / "2026-11-20")).judge()
    assert found.is_whole, "half a frame was taken back"
    assert (found.counts["quotes"], found.gaps[0].count) == (80, 7)


def _make_room(pid: int, most_bytes: int) -> None:
    """Let a process write no file beyond so many bytes: as much of a full disk as a test may make."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


async def test_a_folder_that_cannot_be_written_is_named_once_and_nothing_is_lost_meanwhile(tmp_path: Path) -> None:
    hindrance = tmp_path / "recordings"
    hindrance.write_text("a file in the folder's place")
    async with kept(hindrance) as one:
        one.hear(30)
        await until(lambda: one.keeping.attempts > 2)
        assert one.codes() == ["RECORDER_DOWN"]
        assert "does not start: File exists" in one.words()
        hindrance.unlink()
        await one.all_is_kept()
    recording = await finished(hindrance / "2026-11-20")
    assert recording.counts()["quotes"] == 30
    assert EventKind.GAPS not in recording.kinds()


@pytest.mark.parametrize("asked", [["keep"], []])
def test_other_words_are_answered_by_how_it_is_called(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from bot.record.__main__ import main

    before = signal.getsignal(signal.SIGINT)
    try:
        assert main(asked) == 2
    finally:
        signal.signal(signal.SIGINT, before)
    assert "keep FOLDER KEEP_DAYS" in capsys.readouterr().err
