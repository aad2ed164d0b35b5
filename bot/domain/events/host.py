"""Facts of the machine that the bot runs on: its clock, its disk, the jobs beside the tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.outside import sentence, through


@dataclass(frozen=True, slots=True)
class ClockParted:
    """The machine's wall clock was set: it is `ahead_s` seconds ahead of the steady time that the bot keeps (negative:
    behind); 0: they agree again."""

    ahead_s: float
    at: datetime


@dataclass(frozen=True, slots=True)
class DiskTold:
    """How much room the disk of the store has: `short` when that is less than it should be."""

    free_mb: int
    least_mb: int
    at: datetime

    @property
    def short(self) -> bool:
        return self.free_mb < self.least_mb


@dataclass(frozen=True, slots=True)
class JobRan:
    """A job that runs beside the tick came to an end: `state` is done or failed, `detail` says what came of it."""

    name: str
    state: str
    detail: str
    at: datetime

    def __post_init__(self) -> None:
        through(self, detail=sentence(self.detail))
