"""Work of once a day runs in a process of its own, which ends with it however it ends; and the trader's heap."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from bot.app.child_process import ChildFailed
from bot.app.day_summary import answer
from bot.app.job_process import ask
from bot.store.revision import upgrade
from tests.conftest import REPO_ROOT
from tests.patience import PATIENCE_S

SUMMARY = ("bot.app.day_summary", "day's summary")
DAY = date(2026, 11, 20).isoformat()
LOADED_AFTERWARDS = """
import asyncio, sys
import bot.app.trading
from bot.app.job_process import ask

asyncio.run(ask(*{work!r}, {{"url": {url!r}, "day": {day!r}}}))
print([name for name in ("bot.app.day_summary", "bot.store.invariants") if name in sys.modules])
"""
MAPPED_APART = """
import ctypes

import bot.app, bot.app.trading


class Info(ctypes.Structure):
    _fields_ = [(f"field_{place}", ctypes.c_size_t) for place in range(10)]


def mapped():
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Info
    return libc.mallinfo2().field_3  # hblks: how many blocks are mapped


def buffers(config, options):
    bytearray(8_000_000)  # mapped and given back: from here on glibc would take the next ones from the heap
    before = mapped()
    kept = bytearray(4_000_000)
    print(mapped() - before)


bot.app.trading.run = buffers
bot.app.run(None, None)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    upgrade(address)
    return address


def children() -> set[str]:
    return {child for task in Path("/proc/self/task").iterdir() for child in children_of(task)}


def children_of(task: Path) -> list[str]:
    """Return the processes that a thread has started, none when it has ended meanwhile."""
    try:
        return (task / "children").read_text(encoding="ascii").split()
    except OSError:
        return []


def printed_by(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(REPO_ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    ).stdout.strip()


async def test_the_day_is_read_elsewhere_and_comes_back_as_it_would_be_here(url: str) -> None:
    assert await ask(*SUMMARY, {"url": url, "day": DAY}) == answer({"url": url, "day": DAY})


def test_the_traders_process_loads_nothing_for_the_days_summary(url: str) -> None:
    assert printed_by(LOADED_AFTERWARDS.format(work=SUMMARY, url=url, day=DAY)) == "[]"


async def test_what_it_was_refused_for_is_said(tmp_path: Path) -> None:
    nowhere = f"sqlite+aiosqlite:///{tmp_path / 'none.db'}"
    with pytest.raises(ChildFailed, match=r"the day's summary ended with code 1: cannot read the store at .*none\.db"):
        await ask(*SUMMARY, {"url": nowhere, "day": DAY})


async def test_one_that_takes_too_long_is_ended(url: str) -> None:
    before = children()
    with pytest.raises(ChildFailed, match=r"took longer than 0\.05 s"):
        await ask(*SUMMARY, {"url": url, "day": DAY}, longest_s=0.05)
    assert children() <= before


async def test_the_end_of_the_bot_is_the_end_of_the_work(url: str) -> None:
    before = children()
    work = asyncio.create_task(ask(*SUMMARY, {"url": url, "day": DAY}))
    async with asyncio.timeout(PATIENCE_S):
        while children() <= before:  # noqa: ASYNC110 - it is another process that is waited for
            await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert children() <= before


@pytest.mark.skipif(
    not hasattr(os, "confstr") or "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""), reason="glibc"
)
def test_large_buffers_stand_apart_from_the_traders_heap_whatever_was_freed_before() -> None:
    assert printed_by(MAPPED_APART) == "1"
