"""Jobs of the timetable that run beside the tick or apart: the loop that looks whether one is due, the same for all.

When each runs is `bot.domain.timetable`; what it does, and when it ran last, its own module knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from bot.engine.state.ports import Clock

LOOK_WALL_S: Final = 5.0


async def whenever_due(
    is_due: Callable[[datetime], bool],
    work: Callable[[datetime], Awaitable[object]],
    clock: Clock,
    look_s: float = LOOK_WALL_S,
) -> None:
    """Do the work whenever it is due, until cancelled; `look_s` are wall seconds between two looks."""
    while True:
        await asyncio.sleep(look_s)  # first of all: a start has better things to do
        now = clock.now()
        if is_due(now):
            await work(now)
