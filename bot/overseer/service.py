"""The overseer's work in the child `people`: look every so often, tell what changed.

A look that fails is told on the log and the next one comes: whatever the store, the model or a rule does, the loop
lives, and nothing of it can reach the tick but the rows that it inserts.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from bot.config.schema import Settings
from bot.overseer.facts import Facts, facts_of
from bot.overseer.rules import findings
from bot.overseer.telling import Teller
from bot.overseer.watch import News, Watch
from bot.store.database import open_reader

log: Final = logging.getLogger("quanticity")

_LEAST_WALL_S: Final = 0.5
"""However fast the bot's clock runs, the store is not read more often than this."""


class Overseer:
    """Looks by the rules and tells what changed."""

    def __init__(self, settings: Settings, teller: Teller) -> None:
        self._settings = settings
        self.watch = Watch(teller)

    async def run(self, speed: float) -> None:
        """Look for as long as the process lives; `speed`: the bot's seconds in one of the wall's."""
        pause = max(self._settings.overseer.every_s / max(speed, 1e-6), _LEAST_WALL_S)
        while True:
            await self._look_and_live()
            await asyncio.sleep(pause)

    async def _look_and_live(self) -> None:
        try:
            await self.look()
        except Exception:  # the one place: the loop lives
            log.exception("the overseer's look failed; the next one comes")

    async def look(self) -> News | None:
        """Look once; None before the bot's first pulse."""
        facts = await asyncio.to_thread(self._facts)
        if facts is None:
            return None
        return await self.watch.look(findings(facts, self._settings.overseer.watch))

    def _facts(self) -> Facts | None:
        with open_reader(self._settings.database.url) as connection:
            return facts_of(connection, self._settings)
