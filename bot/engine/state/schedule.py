"""When each job of the clock ran last."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""When something is due that no hour brings about."""


@dataclass
class Schedule:
    """Memory between ticks: a job of a name runs again once its time has passed."""

    last: dict[str, datetime] = field(default_factory=dict)

    def due(self, job: str, now: datetime, every_s: float) -> bool:
        """Say whether the job is due, and take it as run."""
        last = self.last.get(job)
        if last is not None and now - last < timedelta(seconds=every_s):
            return False
        self.last[job] = now
        return True

    def next(self, job: str, now: datetime, every_s: float) -> datetime:
        """Return when the job is due again: now, when it never ran."""
        last = self.last.get(job)
        return now if last is None else last + timedelta(seconds=every_s)

    def hurry(self, job: str) -> None:
        """Have the job run as soon as it is asked for."""
        self.last[job] = datetime.min.replace(tzinfo=UTC)

    def keep(self, alive: Collection[str]) -> None:
        """Forget the jobs of one order or position (named with its id) that is over."""
        gone = [job for job in self.last if " " in job and job.rpartition(" ")[2] not in alive]
        for job in gone:
            del self.last[job]
