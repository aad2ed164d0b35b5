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
    """Memory between ticks: a job of a name runs again once its time has passed. One that is about one order or one
    position is told apart by the id that it is `of`, and forgotten with it."""

    last: dict[tuple[str, str], datetime] = field(default_factory=dict)  # job and what it is of -> when it ran

    def due(self, name: str, now: datetime, every_s: float, *, of: str = "") -> bool:
        """Say whether the job is due, and take it as run."""
        job = (name, of)
        last = self.last.get(job)
        if last is not None and (now - last).total_seconds() < every_s:
            return False
        self.last[job] = now
        return True

    def since(self, name: str, now: datetime, *, of: str = "") -> datetime:
        """Return since when a job is known, which is now for one that was not."""
        return self.last.setdefault((name, of), now)

    def ran(self, name: str, now: datetime) -> None:
        self.last[name, ""] = now

    def forget(self, name: str) -> None:
        self.last.pop((name, ""), None)

    def next(self, name: str, now: datetime, every_s: float) -> datetime:
        """Return when the job is due again: now, when it never ran."""
        last = self.last.get((name, ""))
        return now if last is None else last + timedelta(seconds=every_s)

    def hurry(self, name: str) -> None:
        """Have the job run as soon as it is asked for."""
        self.last[name, ""] = datetime.min.replace(tzinfo=UTC)

    def keep(self, alive: Collection[str]) -> None:
        """Forget the jobs of one order or position that is over."""
        for job in [job for job in self.last if job[1] and job[1] not in alive]:
            del self.last[job]
