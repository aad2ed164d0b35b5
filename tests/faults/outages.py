"""A disk that takes nothing for a while: commits fail, and where it is worse the store cannot be read either."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.errors import StoreUnusable

_OF_THE_DAYS: Final = 0.2


@dataclass(frozen=True)
class StoreOutage:
    """From `at` on, for so long or until the bot dies; a start finds the disk in order again."""

    at: datetime
    for_s: float
    readable: bool = True

    def __str__(self) -> str:
        worse = "" if self.readable else ", not read either"
        return f"the store is not written from {self.at:%H:%M:%S} UTC for {self.for_s:g} s{worse}"

    def lasts(self, now: datetime, run_began: datetime) -> bool:
        return run_began < self.at <= now < self.at + timedelta(seconds=self.for_s)

    @property
    def error(self) -> StoreUnusable:
        return StoreUnusable("its disk is full", code="STORE_FULL", passes=True, exit_code=10)


def random_outages(seed: int, begin: datetime, end: datetime) -> tuple[StoreOutage, ...]:
    """Return one on every fifth day."""
    chance = random.Random(f"outage {seed}")
    if chance.random() >= _OF_THE_DAYS:
        return ()
    at = begin + timedelta(seconds=chance.randint(0, int((end - begin).total_seconds())))
    return (StoreOutage(at, chance.choice((2, 5, 14, 30)), readable=chance.random() < 0.5),)
