"""Background work: what runs beside the tick, the poll for commands, backups, the page, the feed's start.

A fault in one of them must neither end the run nor end that work for good in silence: it is told, on the log and as an
alert, and the work begins again after a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from bot.app.stages import Stage
from bot.domain.events import Event
from bot.domain.events.people import AlertRaised
from bot.engine.state.ports import Clock

log: Final = logging.getLogger("quanticity")

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


class Background:
    """Keeps work going until it is cancelled. `pause_s` is the wait after a first fault, in wall seconds."""

    def __init__(self, clock: Clock, tell: Callable[[Event], None], pause_s: float = FIRST_PAUSE_S) -> None:
        self._clock, self._tell, self._pause_s = clock, tell, pause_s

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Begin; the task ends when the work ends by itself."""
        return asyncio.create_task(self._keep_going(name, work), name=name)

    def stage(self, name: str, work: Callable[[], Awaitable[None]]) -> Stage:
        """Return it as a stage of a run: begun in its turn, cancelled when the run ends."""
        begun: list[asyncio.Task[None]] = []

        async def begin() -> None:
            begun.append(self.start(name, work))

        async def end() -> None:
            await cancel(begun.pop())

        return Stage(name, begin, end)

    async def _keep_going(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause_s = self._pause_s
        while True:
            try:
                await work()
            except Exception as error:  # the edge of the work: whatever it was, the next attempt may go well
                self._report(name, error, pause_s)
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _report(self, name: str, error: Exception, pause_s: float) -> None:
        words = f"{name} failed, it begins again in {pause_s:g} s: {error!r}"
        log.error(words, exc_info=error)
        self._tell(AlertRaised("BESIDE_FAILED", words, {"what": name}, self._clock.now()))


async def cancel(task: asyncio.Task[Any]) -> None:
    """End it and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
