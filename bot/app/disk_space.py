"""How much room the disk of the store has: looked at while the bot runs, told to the tick.

A disk that fills up ends the record of what is traded; entries stop before that.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.app.due_jobs import whenever_due
from bot.domain.events import Event
from bot.domain.events.host import DiskTold
from bot.domain.timetable import DISK
from bot.engine.state.ports import Clock

_MB: Final = 1_000_000


async def watch_the_disk(directory: Path, least_mb: int, clock: Clock, tell: Callable[[Event], None]) -> None:
    """Tell the tick at the start and whenever the room becomes too little or enough again."""
    last, told = clock.now(), look(directory, least_mb, clock)
    tell(told)

    async def look_again(now: datetime) -> None:
        nonlocal last, told
        last, before = now, told
        told = look(directory, least_mb, clock)
        if told.short is not before.short:
            tell(told)

    await whenever_due(lambda now: DISK.is_due(last, now), look_again, clock)


def look(directory: Path, least_mb: int, clock: Clock) -> DiskTold:
    """Return the room that is left for this user; raises OSError when the directory cannot be looked at."""
    return DiskTold(shutil.disk_usage(directory).free // _MB, least_mb, clock.now())
