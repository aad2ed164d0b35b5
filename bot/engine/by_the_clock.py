"""What the clock brings about in a tick: one table of jobs, each beside until when it has nothing to do.

A new job of the tick is a row here and a `rests_until` beside its `do`; one that looks at anything that is neither an
entity nor the time names it in the jobs' world (`world_of`, or `ByTheClock._world`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.timetable import WELL
from bot.engine.day import budgets, degradation, forecasts, jobs
from bot.engine.day.rest import ClockJob, World, world_of
from bot.engine.day.restart_windows import Stretch, Stretches
from bot.engine.memory import Memory
from bot.engine.settlement import runs
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import NEVER
from bot.engine.tick_memory import TickMemory


class ByTheClock:
    """Does what is due, in the order of the table. A job that fails is parked like any other machine."""

    def __init__(self, memory: Memory, tick_memory: TickMemory) -> None:
        self._memory, self._tick_memory = memory, tick_memory
        self._stretches = Stretches()
        self._jobs: Sequence[ClockJob] = (
            *self._of_the_day(),
            *self._of_the_book(),
            *self._of_the_voice(),
            *self._late(),
        )

    def go(self, ctx: Context) -> None:
        """Do the jobs that are due."""
        tick_memory, journal = self._tick_memory, self._memory.journal
        rest, parking = tick_memory.rest, tick_memory.parking
        if ctx.full or parking.parked:
            rest.end()
        world = _world(ctx, tick_memory)
        due = rest.due(ctx, self._jobs, world)
        if not due:
            return
        tick_memory.agenda.follow(ctx)
        done = []
        for job in self._jobs:
            if job in due:
                parking.run_job(ctx, journal, job.name, job.do)
                done.append(job)
                if _world(ctx, tick_memory) != world:  # what comes after it sees another world than it rests in
                    due = self._jobs
        parking.run(journal, "rest", rest.begin, ctx, done, world)

    def _stretch(self, ctx: Context) -> Stretch:
        return self._stretches.at(ctx.settings.ibkr, ctx.broker_now)

    def _of_the_day(self) -> Sequence[ClockJob]:
        memory = self._tick_memory
        windows, hours, not_trading = memory.windows, memory.hours, memory.not_trading
        check = memory.cross_check
        return (
            ClockJob(
                "restart windows", windows.keep, lambda ctx: windows.rests_until(ctx, self._stretch(ctx)), blind=True
            ),
            ClockJob(
                "trading hours",
                self._ask_for_the_hours,
                lambda ctx: hours.rests_until(ctx, memory.schedule),
                blind=True,
            ),
            ClockJob("cross check", self._cross_check, lambda ctx: check.rests_until(ctx, memory.schedule)),
            ClockJob(
                "not trading",
                not_trading.look,
                lambda ctx: not_trading.rests_until(ctx, self._stretch(ctx)),
                blind=True,
            ),
            ClockJob("day totals", memory.totals.ask, memory.totals.rests_until, blind=True),
        )

    def _of_the_book(self) -> Sequence[ClockJob]:
        memory = self._tick_memory
        return (
            ClockJob("asking for the book", self._ask_for_the_book, self._book_rests_until),
            ClockJob(runs.JOB, self._settle, memory.settlements.rests_until, blind=True),
            ClockJob(degradation.JOB, memory.health.look, memory.health.rests_until),
            ClockJob(forecasts.JOB, memory.forecasts.look, memory.forecasts.rests_until),
            ClockJob("stated measures", memory.stated.look, memory.stated.rests_until),
            ClockJob("no market", self._tell_of_no_market, self._no_market_rests_until),
        )

    def _of_the_voice(self) -> Sequence[ClockJob]:
        memory, outbox = self._tick_memory, self._tick_memory.outbox
        return (
            ClockJob("reminders", self._remind, lambda ctx: memory.reminders.rests_until(ctx, outbox)),
            ClockJob("alerts by the clock", outbox.watch, lambda ctx: ctx.now if ctx.ledger.alerts else NEVER),
            ClockJob(WELL.name, self._say_that_all_is_well, lambda ctx: NEVER if outbox.voice.is_silent else ctx.now),
            ClockJob("what is due to be said", outbox.send, outbox.rests_until),
        )

    def _late(self) -> Sequence[ClockJob]:
        return (
            ClockJob("time budgets", self._tell_of_what_takes_too_long, self._budgets_rest_until),
            ClockJob(
                "account snapshots",
                self._snapshot_account,
                lambda ctx: jobs.snapshot_rests_until(ctx, self._tick_memory.schedule),
            ),
        )

    def _ask_for_the_hours(self, ctx: Context, journal: Journal) -> None:
        self._tick_memory.hours.ask(ctx, journal, self._tick_memory.schedule)

    def _cross_check(self, ctx: Context, journal: Journal) -> None:
        self._tick_memory.cross_check.look(ctx, journal, self._tick_memory.schedule)

    def _settle(self, ctx: Context, journal: Journal) -> None:
        runs.by_the_clock(ctx, journal, self._tick_memory.settlements)

    def _remind(self, ctx: Context, journal: Journal) -> None:
        self._tick_memory.reminders.look(ctx, journal, self._tick_memory.outbox)

    def _ask_for_the_book(self, ctx: Context, journal: Journal) -> None:
        absences, schedule = self._tick_memory.absences, self._tick_memory.schedule
        jobs.ask_for_the_book(ctx, journal, schedule, in_doubt=absences.in_doubt, confirm_at=absences.confirm_at)

    def _book_rests_until(self, ctx: Context) -> datetime:
        absences, schedule = self._tick_memory.absences, self._tick_memory.schedule
        return jobs.book_rests_until(ctx, schedule, in_doubt=absences.in_doubt, confirm_at=absences.confirm_at)

    def _tell_of_no_market(self, ctx: Context, journal: Journal) -> None:
        memory = self._tick_memory
        memory.no_market.tell(ctx, journal, memory.schedule, None if ctx.full else memory.agenda.must_go)

    def _no_market_rests_until(self, ctx: Context) -> datetime:
        memory = self._tick_memory
        return memory.no_market.rests_until(ctx, memory.schedule, memory.agenda.must_go)

    def _say_that_all_is_well(self, ctx: Context, journal: Journal) -> None:
        self._tick_memory.morning.say(ctx, journal, self._tick_memory.outbox, self._memory.head_hash)

    def _tell_of_what_takes_too_long(self, ctx: Context, journal: Journal) -> None:
        memory = self._tick_memory
        if ctx.full or memory.parking.parked or self._anything_takes_long(ctx):
            slow = None if ctx.full else memory.agenda.slow
            budgets.tell_of_what_takes_too_long(ctx, journal, memory.schedule, slow)

    def _budgets_rest_until(self, ctx: Context) -> datetime:
        return ctx.now if self._anything_takes_long(ctx) else NEVER

    def _anything_takes_long(self, ctx: Context) -> bool:
        ledger = ctx.ledger
        return bool(self._tick_memory.agenda.slow or ledger.tallies.in_doubt or ledger.position_index.too_large)

    def _snapshot_account(self, ctx: Context, journal: Journal) -> None:
        jobs.snapshot_account(ctx, journal, self._tick_memory.schedule, ctx.ledger.account.heard.latest)


def _world(ctx: Context, memory: TickMemory) -> World:
    absences, outbox = memory.absences, memory.outbox
    return (*world_of(ctx), absences.in_doubt, absences.confirm_at, outbox.stirred)
