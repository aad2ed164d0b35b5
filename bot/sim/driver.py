"""What makes a simulated venue live: a task that steps it by the clock and publishes what happened."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Final, Protocol

from bot.sim.vocabulary import SimulatedVenue

log: Final = logging.getLogger(__name__)


class VenueClock(Protocol):
    """What the venue's live parts need of a clock."""

    def now(self) -> datetime:
        """Return the simulated time, aware UTC; it may run many times faster than the wall."""
        ...

    def monotonic(self) -> float:
        """Return wall seconds that never go back."""
        ...


class VenueDriver:
    """Steps a venue every `step_s` wall seconds. A step that fails is logged and the next one is tried."""

    def __init__(self, simulated: SimulatedVenue, clock: VenueClock, *, step_s: float = 0.01) -> None:
        self._simulated = simulated
        self._clock = clock
        self._step_s = step_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin stepping in the running event loop; a second call does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="venue-driver")

    async def stop(self) -> None:
        """Stop stepping."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def step(self) -> None:
        """Match against the market of this moment and tell the listeners."""
        self._simulated.publish(self._simulated.venue.step(self._clock.now()))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._step_s)
            try:
                self.step()
            except Exception:
                log.exception("a step of the venue failed")
