"""Which runs of a job of moments were asked for and which are done: one memory for every such job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.calendar import new_york_day
from bot.domain.timetable import Job, Missed
from bot.engine.state.context import Context
from bot.engine.state.schedule import NEVER


@dataclass(slots=True)
class MomentRuns:
    """Memory between ticks of one run of the engine, so a start looks again. A run is called by its moment and day."""

    job: Job
    asked: str = ""
    done: str = ""

    def latest(self, ctx: Context) -> str | None:
        """Return the run that the clock brings about now: that of the latest moment of this trading day; None before
        the first, and from midnight on where a missed one is left out then."""
        due = self.job.due_since(ctx.trading, ctx.setting, ctx.now)
        is_over = self.job.missed is Missed.TODAY and new_york_day(ctx.now) != ctx.trading.day
        return None if due is None or is_over else f"{due[0]} of {ctx.trading.day}"

    def finish(self) -> str:
        """What was asked for is done; returns which run that was."""
        self.done, self.asked = self.asked, ""
        return self.done

    def rests_until(self, ctx: Context) -> datetime:
        """Return until when nothing has to be asked for, on this trading day."""
        run = self.latest(ctx)
        if run is not None and run not in {self.asked, self.done}:
            return ctx.now
        times = self.job.times(ctx.trading, ctx.setting).values()
        return min((at for at in times if at > ctx.now), default=NEVER)
