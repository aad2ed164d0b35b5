"""Room on the disk of the store: told at the start, and when it becomes too little or enough again."""

from __future__ import annotations

import asyncio
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from bot.app import disk_space
from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.domain.events.host import DiskTold
from bot.domain.timetable import DISK
from tests.store.builders import NOW

Usage = namedtuple("Usage", "total used free")


async def test_it_is_told_when_it_changes_and_looked_at_as_the_timetable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, free, looks = ManualClock(NOW), [900_000_000], list[float]()
    heard: list[Event] = []

    def usage(_: Path) -> Usage:
        looks.append((clock.now() - NOW).total_seconds())
        return Usage(0, 0, free[0])

    async def passes(_: float) -> None:
        if clock.now() >= NOW.replace(minute=NOW.minute + 1):
            raise asyncio.CancelledError
        clock.advance(5)
        free[0] = 100_000_000 if (clock.now() - NOW).total_seconds() == 30 else 900_000_000

    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setattr(asyncio, "sleep", passes)
    with pytest.raises(asyncio.CancelledError):
        await disk_space.watch_the_disk(Path("x"), 500, clock, heard.append)
    told = [((each.at - NOW).total_seconds(), each.short) for each in heard if isinstance(each, DiskTold)]
    assert told == [(0, False), (30, True), (40, False)]
    assert looks == [0, 10, 20, 30, 40, 50, 60]
    assert DISK.every == 10
