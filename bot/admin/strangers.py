"""Who is not known: refused, on record, answered a few times an hour. A flood is counted, not written row by row.

The answers are counted over all strangers together, and across restarts: whoever has many accounts at Telegram gets no
more of them out of the bot than one with a single account.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bot.alerts.ground import PeopleGround
from bot.domain.errors import StoreError
from bot.store.read.telegram import answers_to_strangers

log: Final = logging.getLogger("quanticity")

ANSWERS_AN_HOUR: Final = 5
_ROWS_AN_HOUR: Final = 60
FLUSH_S: Final = 10.0
_HOUR_S: Final = 3600.0
_REMEMBERED: Final = 5000
_NOBODY: Final = 0
"""Whose the attempts are that are known by their number alone, when there were too many strangers to remember."""


@dataclass(slots=True)
class _Known:
    """One stranger: when they were written of lately, and what was only counted since."""

    written: deque[float] = field(default_factory=deque)
    counted: int = 0


class ChatStrangers:
    """Memory of this run; the answers of the last hour are read from the store when the first stranger comes."""

    def __init__(self, ground: PeopleGround) -> None:
        self._ground = ground
        self._seen: OrderedDict[int, _Known] = OrderedDict()
        self._answered: deque[float] | None = None
        self._flushing: asyncio.Task[None] | None = None

    async def tried(self, user_id: int, what: str) -> bool:
        """Put an attempt on record and say whether it may be answered. Raises StoreError as `Ground.tell`."""
        now = self._ground.clock.monotonic()
        known = self._seen.setdefault(user_id, _Known())
        self._seen.move_to_end(user_id)
        while len(self._seen) > _REMEMBERED:
            _, forgotten = self._seen.popitem(last=False)
            if forgotten.counted:
                self._seen.setdefault(_NOBODY, _Known()).counted += forgotten.counted
        may_hear = _has_room(await self._answers(now), ANSWERS_AN_HOUR, now)
        if may_hear or _has_room(known.written, _ROWS_AN_HOUR, now):
            await self._write(user_id, what, 1, answered=may_hear)
        else:
            self._count(known)
        return may_hear

    async def _answers(self, steady_s: float) -> deque[float]:
        """Return when strangers were answered, by the steady clock."""
        if self._answered is None:
            now, speed = self._ground.clock.now(), max(self._ground.clock.speed, 1e-6)
            since = now - timedelta(seconds=_HOUR_S * speed)
            found = await self._ground.look(lambda connection: answers_to_strangers(connection, since))
            self._answered = deque(steady_s - max((now - at).total_seconds(), 0.0) / speed for at in found)
        return self._answered

    async def flush(self) -> None:
        """Write what was only counted so far. Raises StoreError as `Ground.tell`."""
        for user_id, known in list(self._seen.items()):
            if known.counted:
                await self._write_counted(user_id, known)

    async def close(self) -> None:
        """Write it and end. Raises StoreError as `Ground.tell`."""
        if self._flushing is not None:
            self._flushing.cancel()
        await self.flush()

    def _count(self, known: _Known) -> None:
        """Only count an attempt; it is on record within seconds, also when it was the last one."""
        known.counted += 1
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        while any(known.counted for known in self._seen.values()):
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
            except StoreError as error:
                log.warning(f"telegram: attempts of strangers wait for the store: {error}")

    async def _write_counted(self, user_id: int, known: _Known) -> None:
        count, known.counted = known.counted, 0
        try:
            await self._write(user_id, "many things", count)
        except StoreError:
            known.counted += count
            raise

    async def _write(self, user_id: int, what: str, count: int, *, answered: bool = False) -> None:
        words = what.split(maxsplit=1) or ["something"]
        payload = {
            "actor": f"admin:telegram:{user_id}", "what": words[0][:60],
            "why": "NOT_ALLOWED: nobody of people.users has this id", "count": count, "stranger": True,
            "answered": answered,
        }  # fmt: skip
        await self._ground.tell("attempt", payload)


def _has_room(times: deque[float], most: int, now: float) -> bool:
    """Take one of so many an hour; False where they are used up."""
    while times and now - times[0] >= _HOUR_S:
        times.popleft()
    if len(times) >= most:
        return False
    times.append(now)
    return True
