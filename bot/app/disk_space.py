"""How much room the disk of the store has: looked at while the bot runs, told to the tick.

A disk that fills up ends the record of what is traded; entries stop before that.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bot.domain.events import DiskTold, Event
from bot.engine.state.ports import Clock

LOOK_WALL_S: Final = 10.0
_MB: Final = 1_000_000


async def watch_the_disk(directory: Path, least_mb: int, clock: Clock, tell: Callable[[Event], None]) -> None:
    """Tell the tick at the start and whenever the room becomes too little or enough again."""
    told: bool | None = None
    while True:
        fact = look(directory, least_mb, clock)
        if fact.short is not told:
            told = fact.short
            tell(fact)
        await asyncio.sleep(LOOK_WALL_S)


def look(directory: Path, least_mb: int, clock: Clock) -> DiskTold:
    """Return the room that is left for this user; raises OSError when the directory cannot be looked at."""
    return DiskTold(shutil.disk_usage(directory).free // _MB, least_mb, clock.now())
