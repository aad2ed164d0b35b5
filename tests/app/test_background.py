"""What runs beside the tick goes on after a fault, and the fault is told."""

import asyncio

from bot.app.background import Background, cancel
from bot.clocks.clock import SystemClock
from bot.domain.events import Event
from bot.domain.events.people import AlertRaised
from tests.patience import PATIENCE_S


async def test_work_that_fails_is_told_of_and_begins_again() -> None:
    told: list[Event] = []
    attempts = 0
    works = asyncio.Event()

    async def poll() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise KeyError("a row that nobody foresaw")
        works.set()
        await asyncio.Event().wait()

    task = Background(SystemClock(), told.append, pause_s=0.001).start("commands", poll)
    async with asyncio.timeout(PATIENCE_S):
        await works.wait()
    assert [event.code for event in told if isinstance(event, AlertRaised)] == ["BESIDE_FAILED"] * 2
    assert not task.done()
    await cancel(task)
    assert task.cancelled()


async def test_work_that_is_done_is_not_begun_again() -> None:
    told: list[Event] = []
    attempts: list[int] = []

    async def once() -> None:
        attempts.append(1)

    async with asyncio.timeout(PATIENCE_S):
        await Background(SystemClock(), told.append).start("the feed", once)
    assert (attempts, told) == ([1], [])
