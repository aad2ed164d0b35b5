"""The tick: facts in, decisions, one transaction, instructions out. One loop trades, simulates, replays and is tested.

Context: the store must never be behind what the broker was asked, and memory never ahead of the disk. Decision:
everything that a tick changed goes into one batch; instructions leave only after it is committed; when that fails,
memory is thrown away and read anew and the session halts. Consequence: what is lost by a crash at any line is at most
the sending of orders whose intent is on disk.

| part | room |
|---|---|
| facts are taken and applied | `bot.engine.intake` |
| machines decide | `bot.engine.rounds` |
| what the clock brings about | `bot.engine.by_the_clock` |
| commit | `bot.engine.memory` |
| send | `bot.engine.sending.dispatcher` |
| a tick or the store fails | `bot.engine.recovery` |
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from bot.config.schema import Settings
from bot.domain.calendar import TradingSession, midnight_after
from bot.domain.connection import CONNECTION, ConnectionTrigger
from bot.domain.errors import StoreUnusable
from bot.domain.ids import IdSource
from bot.domain.session import SessionState, SessionTrigger
from bot.domain.timetable import NEW_DAY
from bot.engine import new_day
from bot.engine.book import foreign
from bot.engine.by_the_clock import ByTheClock
from bot.engine.day import account, timekeeping
from bot.engine.day.restart_windows import Stretches
from bot.engine.intake import Intake
from bot.engine.memory import Memory
from bot.engine.outbox.outbox import Outbox
from bot.engine.outbox.voice import SILENT, Voice
from bot.engine.recovery import Recovery
from bot.engine.rounds import Rounds
from bot.engine.sending.dispatcher import Dispatcher
from bot.engine.sending.gate import Gate
from bot.engine.state.board import Board
from bot.engine.state.context import Context
from bot.engine.state.inbox import Inbox
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.ports import Broker, Clock, Store, TradingCalendar
from bot.engine.state.records import EngineStatus, TickBatch
from bot.engine.state.schedule import NEVER
from bot.engine.state.shown import macro_rows
from bot.engine.state.steps import Step
from bot.engine.switches import ComingSettings, InForce
from bot.engine.tick_memory import TickMemory
from bot.strategies.base import Look, Strategy


class Engine:
    """Owns the ledger and the board; everything else reaches them through the inbox.

    `on_commit` is told of every batch that reached the disk, `on_look` of every new reason why a strategy does or does
    not trade, `on_outage` when the store cannot be used and when it is back; `read_settings` reads the settings anew
    for an actor. `voice`: who is spoken to; `overseen`: a model is there that signals may wait for. With
    `full_passes` a tick passes nothing over that cannot have changed: tests compare the two.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store,
        broker: Broker,
        clock: Clock,
        calendar: TradingCalendar,
        strategies: Sequence[Strategy],
        ids: IdSource,
        inbox: Inbox,
        scenario: str = "",
        wait_for_answers: bool = False,
        on_commit: Callable[[TickBatch], None] = lambda batch: None,
        on_look: Callable[[Strategy, Look], None] = lambda strategy, look: None,
        on_outage: Callable[[str], None] = lambda words: None,
        full_passes: bool = False,
        voice: Voice = SILENT,
        read_settings: Callable[[str], str | InForce] | None = None,
        overseen: bool = False,
    ) -> None:
        self.settings = settings
        self.inbox = inbox
        self._clock, self._calendar, self._ids = clock, calendar, ids
        self._strategies = {s.name: s for s in strategies}
        self._scenario, self._full_passes, self._overseen = scenario, full_passes, overseen
        self._on_outage = on_outage
        self._memory = memory = Memory(store, broker, clock, on_commit)
        self._tick_memory = tick_memory = TickMemory(outbox=Outbox(voice, speed=clock.speed))
        memory.speak = self._speak
        if read_settings is not None:
            tick_memory.reloading.read = read_settings
        self._intake = Intake(memory, inbox, broker, tick_memory)
        self._rounds = Rounds(memory, inbox, tick_memory, on_look)
        self._clock_jobs = ByTheClock(memory, tick_memory)
        self._gate = Gate(lambda: self.ledger, settings.engine.kill_switch_file)
        self._dispatcher = Dispatcher(broker, inbox, clock, self._gate, wait_for_answers=wait_for_answers)
        self._recovery = Recovery(
            memory,
            self._intake,
            tick_memory,
            clock,
            cancel=self._dispatcher.take_back,
            retry_for_s=settings.database.retry_for_s,
            on_outage=on_outage,
        )
        self._coming: ComingSettings | None = None
        self._today: date | None = None
        self._trading: TradingSession | None = None
        self._soon = Stretches()
        self._turned_at: datetime | None = None  # when the page was turned last
        self._turns_at: datetime = NEVER  # and when it is the next time
        self._status_at = self._ticked_at = float("-inf")
        self._quotes_at_status = 0
        self._tick_ms = 0.0

    @property
    def ledger(self) -> Ledger:
        return self._memory.ledger

    @property
    def board(self) -> Board:
        return self._memory.board

    @property
    def tick_number(self) -> int:
        return self._memory.tick_number

    @property
    def should_begin_again(self) -> bool:
        """Whether only a new start can bring the time right or new settings into force: the run is to end in good order
        and to begin anew."""
        return timekeeping.should_begin_again(self.ledger) or self.has_new_settings

    @property
    def has_new_settings(self) -> bool:
        """Whether a person asked for settings that were read and are fit."""
        return self._tick_memory.reloading.asked

    def take_settings(self, coming: ComingSettings) -> None:
        """Go on with other settings from the top of the next tick on; what may not change live is as it was. Whatever
        was worked out from the old ones knows them by their object, and is worked out anew."""
        self._coming = coming

    async def _swap_settings(self) -> None:
        """Put the coming settings on record, then into force: what follows from them points to their version."""
        if (coming := self._coming) is None:
            return
        await coming.record()
        self.settings, self._coming = coming.settings, None
        self._strategies = {each.name: each for each in coming.strategies}

    @property
    def waits_for_the_store(self) -> bool:
        """While this is so no tick runs."""
        return self._recovery.waits_for_the_store

    # ---- life

    async def start(self) -> None:
        """Read the store and take up where it ends: a start is always crash recovery."""
        memory = self._memory
        await memory.load()
        session = self.ledger.session
        if session.state is not SessionState.STARTING or memory.tick_number:
            memory.journal.take(Step(session, SessionTrigger.RESTART, "the program starts"))
        connection = self.ledger.connection
        if CONNECTION.allows(connection.state, ConnectionTrigger.DROP):
            memory.journal.take(Step(connection, ConnectionTrigger.DROP, "the program starts: no socket yet"))
        memory.doubt_intents()
        self._tick_memory.outbox.start(self._context(memory.journal.now), memory.journal)
        timekeeping.leave_the_future(self._context(memory.journal.now), memory.journal)
        await memory.commit()

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set, or until only a new start can bring the time right; an error in a tick is reported,
        memory is read anew, the session halts, the loop lives."""
        while not (stop.is_set() or self.should_begin_again):
            await self.guarded_tick()
            await self._rest()

    async def guarded_tick(self) -> None:
        """One tick, or one try to get the store back. Raises StoreUnusable when there is no sense in waiting."""
        await self._recovery.guard(self.tick)

    async def stop(self, reason: str) -> None:
        """Say on the record that we stop; positions stay protected at the broker. A store that cannot be used keeps
        nobody from stopping."""
        now = self._clock.now()
        self._memory.begin(now)
        self._memory.journal.take(Step(self.ledger.session, SessionTrigger.STOP, reason))
        self._memory.journal.batch.status = self._pulse(self._context(now), float("inf"))  # what is read then is of now
        self._tick_memory.scanner.write_down(self._memory.journal.batch, self.board)
        try:
            await self._memory.commit()
        except StoreUnusable as error:
            self._on_outage(f"the stop is not on record: {error}")
        await self._dispatcher.stop()

    async def _rest(self) -> None:
        """Sleep until something urgent comes, at most a tick, never busier than the floor in wall time."""
        engine = self.settings.engine
        longest = max(engine.tick_seconds / self._clock.speed, engine.min_tick_wall_seconds)
        if self._tick_memory.outbox.is_freshly_stirred():
            longest = engine.min_tick_wall_seconds  # what was said is handed over now: somebody waits for it
        if self.waits_for_the_store:
            await asyncio.sleep(longest)  # urgent facts wait too
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self.inbox.wait_urgent()
        too_soon = engine.min_tick_wall_seconds - (self._clock.monotonic() - self._ticked_at)
        if too_soon > 0:
            await asyncio.sleep(too_soon)

    # ---- one tick

    async def tick(self) -> None:
        """Apply what came, decide, commit, then send."""
        started = self._ticked_at = self._clock.monotonic()
        if self._coming is not None:
            await self._swap_settings()
        ctx = self._begin(self._clock.now(), self._clock.steady_s())
        self._intake.apply(ctx)
        self._turn_the_page(ctx)
        self._tick_memory.parking.run_job(ctx, self._memory.journal, "equity", account.reckon)
        self._look_at_limits(ctx)
        self._tick_memory.parking.run_job(ctx, self._memory.journal, "told holdings", self._tick_memory.holdings.look)
        self._rounds.decide(ctx)
        self._by_the_clock(ctx, started)
        await self._finish(ctx)
        self._tick_ms = (self._clock.monotonic() - started) * 1000

    def _begin(self, now: datetime, steady_s: float) -> Context:
        """Take what came; before anything is judged by the hour, say whether it is known."""
        memory, settings = self._memory, self.settings.engine
        memory.begin(now)
        memory.tick_number += 1
        memory.journal.batch.tick = memory.tick_number
        self.inbox.ticked(memory.tick_number, now, steady_s)
        self._intake.take()
        self.ledger.clocks.compare(now, steady_s, self._clock.speed, settings.broker_clock_limit_s)
        ctx = self._context(now)
        if ctx.full or self._tick_memory.parking.parked or timekeeping.has_to_follow(self.ledger.clocks):
            self._tick_memory.parking.run_job(ctx, memory.journal, "clocks", timekeeping.follow_the_clocks)
        if self.ledger.symbol_halts and ctx.hour_is_known:
            foreign.end_with_the_day(memory.journal)
        return ctx

    def _context(self, now: datetime) -> Context:
        ibkr, broker_now = self.settings.ibkr, self.ledger.clocks.of_broker(now)
        trading = self._session_of(broker_now)
        soon = broker_now + timedelta(seconds=ibkr.quiet_before_restart_s)
        near = self._soon.at(ibkr, soon).window is not None
        self.board.turn(now, trading, self.settings.exposure)
        parts = (self._strategies, self.board, self.ledger, self._ids, self._calendar)
        switch, steady_s = self._gate.kill_switch(), self._clock.steady_s()
        entering = self._tick_memory.hours.cautious(trading, broker_now)
        how = (self._full_passes, self._overseen)
        return Context(now, self.settings, *parts, trading, near, switch, steady_s, entering, *how)

    def _session_of(self, now: datetime) -> TradingSession:
        """Return today's session, or the next one on a day without."""
        today = self._calendar.today(now)
        if self._trading is None or self._today != today:  # a clock that was wrong may have been ahead
            self._today, self._trading = today, self._calendar.session_on(today) or self._calendar.next_session(today)
        return self._trading

    def _turn_the_page(self, ctx: Context) -> None:
        tick_memory = self._tick_memory
        turned_at, now = self._turned_at, ctx.now
        if turned_at is not None and turned_at <= now < self._turns_at:
            return
        if not ctx.hour_is_known or not NEW_DAY.is_due(turned_at, now):
            return
        begin = partial(new_day.begin, ctx, tick_memory.schedule, tick_memory.parking, tick_memory.approvals)
        tick_memory.hours.keep(ctx)
        if tick_memory.parking.run(self._memory.journal, NEW_DAY.name, begin):
            self._turned_at, self._turns_at = now, midnight_after(now)

    def _look_at_limits(self, ctx: Context) -> None:
        """Read the circuit breakers. Limits that cannot be read hold entries back and nothing else."""
        journal, tick_memory = self._memory.journal, self._tick_memory
        well = tick_memory.parking.run_job(ctx, journal, "circuit breakers", tick_memory.limits.look)
        self.ledger.entering.breakers_fault = "" if well else "the circuit breakers cannot be read"

    def _by_the_clock(self, ctx: Context, started: float) -> None:
        self._clock_jobs.go(ctx)
        if started - self._status_at < self.settings.engine.status_wall_seconds:
            return
        tick_memory, journal = self._tick_memory, self._memory.journal
        run = partial(tick_memory.parking.run_job, ctx, journal)
        passed = started - self._status_at
        self._status_at = started
        run("marks", tick_memory.marks.mark, tick_memory.schedule, None if ctx.full else tick_memory.agenda.must_go)
        journal.batch.status = self._pulse(ctx, passed)
        if (macro := macro_rows(self.board, ctx.now)) is not None:
            journal.batch.feed_rows[macro.dataset, macro.key] = macro
        run("dealers' exposure", tick_memory.dealers.show)
        run("circuit breakers", tick_memory.limits.show)

    def _pulse(self, ctx: Context, passed_s: float) -> EngineStatus:
        quotes, self._quotes_at_status = self.board.quotes_seen - self._quotes_at_status, self.board.quotes_seen
        return EngineStatus(
            tick=self.tick_number,
            at=ctx.now,
            tick_ms=round(self._tick_ms, 3),
            mode=self.settings.mode.value,
            speed=self._clock.speed,
            scenario=self._scenario,
            inbox_depth=self.inbox.depth,
            quotes_per_s=round(quotes / passed_s, 1) if passed_s not in (0.0, float("inf")) else 0.0,
            session_day=ctx.trading.day,
            session_open_at=ctx.trading.open_at,
            session_close_at=ctx.trading.close_at,
            broker_synced_at=self._intake.synced_at,
            waiting_for=self._tick_memory.scanner.waiting_for(self.ledger),
            clock_fault=timekeeping.in_words(ctx.ledger.clocks),
        )

    def _speak(self, journal: Journal) -> None:
        """Say what this batch records, in its transaction; words that fail never stop what they are about."""
        outbox, run = self._tick_memory.outbox, self._tick_memory.parking.run_job
        if outbox.has_something_to_say(journal):
            ctx = self._context(journal.now)
            run(ctx, journal, "alerts", outbox.raise_alerts)
            run(ctx, journal, "what is said", outbox.speak)

    async def _finish(self, ctx: Context) -> None:
        self._dispatcher.send_what_waited()
        journal = self._memory.journal
        if not (journal.urgent or journal.batch.status is not None):
            return  # soft rows wait for company
        if journal.batch.status is not None:  # looks are counted for those who watch: they go with the pulse
            self._tick_memory.scanner.write_down(journal.batch, self.board)
        instructions = await self._memory.commit()
        self._intake.settled()
        await self._dispatcher.carry_out(instructions)
