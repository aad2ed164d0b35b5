"""Replies keep to the room that a chat has in a minute, and the tick, which hands over alerts and questions, learns of
them: together they are never more than `alerts.per_minute`."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Final

from bot.alerts.ground import PeopleGround
from bot.config.people import roster_of
from bot.domain.errors import StoreError

log: Final = logging.getLogger("quanticity")

_TOLD_AFTER_S: Final = 0.5


class Replies:
    """One for the process."""

    def __init__(self, ground: PeopleGround) -> None:
        self._ground = ground
        people = roster_of(ground.settings).people.values()
        self._names = {person.telegram_id: person.name for person in people if person.telegram_id is not None}
        self._names |= {number: name for name, number in ground.settings.telegram.chats.items()}
        self._untold: Counter[str] = Counter()
        self._telling: asyncio.Task[None] | None = None

    async def room(self, chat: int) -> None:
        """Wait until a reply to a chat has room, and take it."""
        pace, steady_s = self._ground.pace, self._ground.clock.monotonic
        wait_s = pace.reply_waits_s(chat, steady_s())
        while wait_s > 0:
            await asyncio.sleep(wait_s)
            wait_s = pace.reply_waits_s(chat, steady_s())
        pace.went(chat, steady_s(), is_reply=True)
        if name := self._names.get(chat):
            self._untold[name] += 1
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell_soon())

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell_soon(self) -> None:
        """Tell how many replies went to whom; a store that refuses is no reason to hold up anything."""
        while self._untold:
            await asyncio.sleep(_TOLD_AFTER_S)
            told, self._untold = self._untold, Counter()
            for name, count in told.items():
                try:
                    await self._ground.tell("replied", {"channel": "telegram", "target": name, "count": count})
                except StoreError as error:
                    log.info(f"telegram: {count} replies to {name} are not counted by the tick: {error}")
