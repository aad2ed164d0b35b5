"""A bell between the tick and the people's process: it says that the store has something new, never what.

Context: what the two tell each other stands in the store, and a look at it now and then is enough to lose nothing; but
a person waits. Decision: who writes rings, who looks waits for the ring and for no longer than it would have waited
anyway. Consequence: a ring that is lost costs the wait, and nothing else.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Bell:
    """One for a process; many may wait for it."""

    def __init__(self) -> None:
        self.rings = 0
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits; from the event loop's own thread."""
        self.rings += 1
        self._rung.set()
        self._rung = asyncio.Event()

    async def after(self, heard: int, most_s: float) -> None:
        """Return at a ring after so many (`rings`, read before the look), or when as many seconds have passed."""
        rung = self._rung
        if self.rings != heard:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await rung.wait()
