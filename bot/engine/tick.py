"""The tick: facts in, decisions, one transaction, commands out. The same loop trades, simulates, replays and is tested.

Context: the store must never be behind what the broker was asked, and memory never ahead of the disk. Decision:
everything that a tick changed goes into one batch; commands leave only after it is committed; when the commit fails,
memory is thrown away and read anew and the session halts. Consequence: what is lost by a crash at any line is at most
the sending of orders whose intent is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from bot.config.schema import Settings
from bot.domain.calendar import TradingSession, new_york_day
from bot.domain.connection import CONNECTION, ConnectionTrigger
from bot.domain.errors import StoreError, StoreUnusable
from bot.domain.events import (
    AccountReported,
    AlertRaised,
    BookReceived,
    BrokerSnapshot,
    ClockParted,
    CommandReceived,
    CommissionReported,
    ContractQualified,
    DatumReceived,
    Event,
    ExecutionReported,
    FeedReported,
    GreeksReceived,
    JobRan,
    LinkChanged,
    OrderErred,
    OrderNotSent,
    OrderReported,
    OrderSent,
    QuoteReceived,
    TradesReceived,
    WhatIfAnswered,
)
from bot.domain.ids import IdSource
from bot.domain.order import OrderState, OrderTrigger
from bot.domain.position import OPEN, Position, PositionState
from bot.domain.session import Hold, SessionState, SessionTrigger
from bot.domain.signal import Signal, SignalState
from bot.engine import budgets, cover, entries, exits, expiry, foreign, jobs, link, new_day, signals, timekeeping
from bot.engine.board import Board
from bot.engine.context import Context
from bot.engine.dispatcher import Dispatcher
from bot.engine.facts import FactKeeper
from bot.engine.gate import Gate
from bot.engine.inbox import Inbox
from bot.engine.journal import Journal
from bot.engine.ledger import Ledger
from bot.engine.limits import Limits
from bot.engine.operator import Operator, PersonsApprovals
from bot.engine.outage import Outage
from bot.engine.parking import Parking
from bot.engine.ports import Broker, Clock, Store, TradingCalendar
from bot.engine.reconciler import Absences, Reconciler
from bot.engine.records import EngineStatus, InstrumentRow, JobRow, TickBatch
from bot.engine.scan import Scanner
from bot.engine.silence import Silences
from bot.engine.steps import Step
from bot.engine.totals import DayTotals
from bot.engine.vigil import Vigil
from bot.engine.windows import Windows, window_at
from bot.strategies.base import Look, Strategy

_FAILURES_IN_A_ROW = 3
_LINES_EVERY_S = 5.0
_IDS_SKIPPED = 1000  # more than can go out between two commits, what-if questions included


class Engine:
    """Owns the ledger and the board; everything else reaches them through the inbox.

    `on_commit` is told of every batch that reached the disk, `on_look` of every new reason why a strategy does or does
    not trade, `on_outage` when the store cannot be used and when it is back.
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
    ) -> None:
        self.settings = settings
        self.inbox = inbox
        self.board = Board()
        self._store, self._broker, self._clock, self._calendar = store, broker, clock, calendar
        self._strategies = {s.name: s for s in strategies}
        self._ids = ids
        self._scenario = scenario
        self._on_commit, self._on_look, self._on_outage = on_commit, on_look, on_outage
        self._gate = Gate(lambda: self.ledger, settings.engine.kill_switch_file)
        self._dispatcher = Dispatcher(broker, inbox, clock, self._gate, wait_for_answers=wait_for_answers)
        self._limits = Limits()
        self._scanner = Scanner()
        self._schedule = jobs.Schedule()
        self._absences = Absences()
        self._parking = Parking()
        self._windows = Windows()
        self._settlements = expiry.SettlementRuns()
        self._silences = Silences()
        self._vigil = Vigil()
        self._totals = DayTotals()
        self._approvals = PersonsApprovals({})
        self._account: AccountReported | None = None
        self._synced_at: datetime | None = None
        self._trading: TradingSession | None = None
        self._page: date | None = None
        self._status_at = self._ticked_at = float("-inf")
        self._quotes_at_status = 0
        self._tick_ms = 0.0
        self._recoveries = 0
        self._outage: Outage | None = None
        self._taken: Sequence[Event] = ()
        self._applying: Event | None = None
        self._journal: Journal
        self.ledger: Ledger
        self.tick_number = 0

    # ---- life

    async def start(self) -> None:
        """Read the store and take up where it ends: a start is always crash recovery."""
        await self._load()
        session = self.ledger.session
        if session.state is not SessionState.STARTING or self.tick_number:
            self._journal.take(Step(session, SessionTrigger.RESTART, "the program starts"))
        connection = self.ledger.connection
        if CONNECTION.allows(connection.state, ConnectionTrigger.DROP):
            self._journal.take(Step(connection, ConnectionTrigger.DROP, "the program starts: no socket yet"))
        self._doubt_intents()
        timekeeping.leave_the_future(self._context(self._journal.now), self._journal)
        await self._commit()

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; an error in a tick is reported, memory is read anew, the session halts, the loop
        lives."""
        while not stop.is_set():
            await self.guarded_tick()
            await self._rest()

    async def guarded_tick(self) -> None:
        """One tick; the one place where any error is caught. Raises StoreUnusable when there is no sense in waiting."""
        if self._outage is not None:
            await self._ask_the_store_again(self._outage)
            return
        try:
            await self._tick_or_recover()
        except StoreUnusable as error:
            self._lose_the_store(error)

    async def _tick_or_recover(self) -> None:
        try:
            await self.tick()
            self._recoveries = 0
        except StoreUnusable:
            raise
        except Exception as error:
            await self._recover(error)

    async def stop(self, reason: str) -> None:
        """Say on the record that we stop; positions stay protected at the broker. A store that cannot be used keeps
        nobody from stopping."""
        self._begin(self._clock.now())
        self._journal.take(Step(self.ledger.session, SessionTrigger.STOP, reason))
        try:
            await self._commit()
        except StoreUnusable as error:
            self._on_outage(f"the stop is not on record: {error}")
        await self._dispatcher.stop()

    async def _rest(self) -> None:
        """Sleep until something urgent comes, at most a tick, never busier than the floor in wall time."""
        engine = self.settings.engine
        longest = max(engine.tick_seconds / self._clock.speed, engine.min_tick_wall_seconds)
        if self._outage is not None:
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
        now = self._clock.now()
        self._begin(now)
        self.tick_number += 1
        self._journal.batch.tick = self.tick_number
        ctx = self._context(now)
        self._taken = self.inbox.take()
        foreign.end_with_the_day(self._journal)
        self._apply(ctx, self._taken)
        self._turn_the_page(ctx)
        self._look_at_limits(ctx)
        self._decide(ctx)
        self._by_the_clock(ctx, started)
        await self._finish(ctx)
        self._tick_ms = (self._clock.monotonic() - started) * 1000

    def _begin(self, now: datetime) -> None:
        self._journal.now = now
        self._journal.batch.recorded_at = now

    def _context(self, now: datetime) -> Context:
        trading, ibkr = self._session_of(now), self.settings.ibkr
        near = window_at(ibkr, now + timedelta(seconds=ibkr.quiet_before_restart_s)) is not None
        parts = (self._strategies, self.board, self.ledger, self._ids, self._calendar)
        return Context(now, self.settings, *parts, trading, near, self._gate.kill_switch())

    def _session_of(self, now: datetime) -> TradingSession:
        """Return today's session, or the next one on a day without."""
        today = self._calendar.today(now)
        if self._trading is None or self._trading.day < today:
            self._trading = self._calendar.session_on(today) or self._calendar.next_session(today)
        return self._trading

    def _turn_the_page(self, ctx: Context) -> None:
        today = new_york_day(ctx.now)
        if today == self._page:
            return
        begin = partial(new_day.begin, ctx, self._schedule, self._parking, self._approvals)
        if self._parking.run(self._journal, "new day", begin):
            self._page = today

    def _look_at_limits(self, ctx: Context) -> None:
        """Read the circuit breakers. Limits that cannot be read hold entries back and nothing else."""
        well = self._parking.run(self._journal, "circuit breakers", partial(self._limits.look, ctx, self._journal))
        self.ledger.breakers_fault = "" if well else "the circuit breakers cannot be read"

    # ---- 1 facts

    def _apply(self, ctx: Context, events: Iterable[Event]) -> None:
        board, keeper = self.board, FactKeeper(ctx, self._journal)
        appliers: dict[type, Callable[[Any], None]] = {
            QuoteReceived: board.apply_quote,
            GreeksReceived: board.apply_greeks,
            BookReceived: board.apply_book,
            TradesReceived: board.apply_trades,
            DatumReceived: self._informed,
            OrderSent: keeper.order_sent,
            OrderNotSent: keeper.order_not_sent,
            OrderReported: keeper.order_reported,
            OrderErred: keeper.order_erred,
            ExecutionReported: keeper.executed,
            CommissionReported: keeper.commission,
            ContractQualified: self._qualified,
            AccountReported: self._accounted,
            FeedReported: self._fed,
            AlertRaised: self._journal.batch.alerts.append,
            JobRan: self._job_ran,
            LinkChanged: lambda event: self._linked(ctx, event),
            BrokerSnapshot: lambda event: self._reconcile(ctx, event),
            ClockParted: lambda event: timekeeping.parted(ctx, self._journal, event),
            WhatIfAnswered: lambda event: self._measured(ctx, event),
            CommandReceived: lambda event: Operator(ctx, self._journal, self._approvals).handle(event),
        }
        for event in events:
            self._applying = event
            appliers[type(event)](event)
        self._applying = None

    def _informed(self, event: DatumReceived) -> None:
        self.board.apply_datum(event)
        self._limits.heard(event)

    def _linked(self, ctx: Context, event: LinkChanged) -> None:
        self._windows.heard(event)
        link.link_changed(ctx, self._journal, event)

    def _qualified(self, event: ContractQualified) -> None:
        self.board.apply_qualified(event)
        if event.con_id is None:
            facts = {"key": event.key, "detail": event.detail}
            self._journal.alert("CONTRACT_UNKNOWN", "warning", f"the broker does not know {event.key.strip()}", facts)
        elif event.grid is not None:
            self._journal.batch.instruments.append(InstrumentRow(event.key, event.con_id, event.grid))

    def _accounted(self, event: AccountReported) -> None:
        self._account = event
        if event.net_liquidation is not None:
            self.ledger.equity, self.ledger.account_at = event.net_liquidation, event.at
            self.ledger.opening_equity.setdefault(new_york_day(event.at), event.net_liquidation)

    def _job_ran(self, event: JobRan) -> None:
        self._journal.batch.jobs.append(JobRow(event.name, event.at, event.state, event.detail))

    def _fed(self, event: FeedReported) -> None:
        self._journal.batch.feeds[event.feed, event.dataset, event.key] = event

    def _reconcile(self, ctx: Context, snapshot: BrokerSnapshot) -> None:
        reason = self.ledger.session.state.value
        reconciler = Reconciler(ctx, self._journal, self._absences, reason)
        self._broker.reserve_order_ids(max(self.ledger.highest_order_id, snapshot.next_order_id - 1) + 1)
        reconciler.run(snapshot)
        self._journal.touched |= self.ledger.positions.keys()  # what was not allowed before may be now
        self._run("day totals", partial(self._totals.compare, snapshot), ctx)
        if reconciler.settled:
            self._run(expiry.JOB, expiry.compared, ctx, self._settlements)
            self._synced_at = ctx.now
            timekeeping.is_compared(self.ledger)
            link.synced(ctx, self._journal)

    def _measured(self, ctx: Context, event: WhatIfAnswered) -> None:
        signal = self.ledger.signals.get(event.signal_id)
        if signal is None or signal.state is not SignalState.PENDING:
            return
        self._journal.take(signals.measured(signal, event))
        actor = self._approvals.waiting.pop(signal.id, None)
        approval = self.ledger.approvals.get(signal.approval_id or "")
        if actor is not None and approval is not None:
            answer = partial(signals.answer_by_person, ctx, signal, approval, actor, event)
            self._carry_out(f"signal {signal.id}", answer)
        elif signal.approval_id is None:
            self._carry_out(f"signal {signal.id}", partial(signals.judge, ctx, signal, event))

    # ---- 2-4 decisions

    def _decide(self, ctx: Context) -> None:
        for strategy, look in self._scanner.scan(ctx, self._journal, self._parking):
            self._on_look(strategy, look)
        for job, find in (("overdue orders", budgets.overdue_orders), ("orphaned orders", exits.orphans)):
            for step in self._parking.attempt(self._journal, job, partial(find, ctx)):
                self._journal.take(step)
        self._run("expiry", expiry.expire, ctx)
        for signal in list(self.ledger.signals.values()):
            self._decide_signal(ctx, signal)
        for position in self._positions_to_judge(ctx):
            self._judge(ctx, position)
        if self._schedule.due("lines", ctx.now, _LINES_EVERY_S):
            self._run("market data lines", self._want_lines, ctx)

    def _want_lines(self, ctx: Context, journal: Journal) -> None:
        lines = self._scanner.lines(ctx, journal, self._parking)
        if lines is not None:
            journal.commands.append(lines)

    def _decide_signal(self, ctx: Context, signal: Signal) -> None:
        for order in self.ledger.entries_of(signal.id):
            position = self.ledger.positions.get(order.position_id or "")
            since = position.opened_at if position else None
            self._carry_out(f"order {order.order_ref}", partial(entries.work_entry, ctx, order, since))
        self._carry_out(f"signal {signal.id}", partial(signals.expire, ctx, signal))
        self._carry_out(f"signal {signal.id}", partial(entries.finish_signal, ctx, signal))

    def _carry_out(self, machine: str, decide: Callable[[], Sequence[Step]]) -> None:
        """Let one machine decide; a fault in its decision parks it and nothing else."""
        self._journal.carry_out(self._parking.attempt(self._journal, machine, decide))

    def _positions_to_judge(self, ctx: Context) -> list[Position]:
        """Positions whose inputs changed: their quote, a fact of theirs, something under way, or their hour has
        come."""
        changed, ledger = self.board.take_changed(), self.ledger
        ids = {i for key in changed & ledger.by_key.keys() for i in ledger.by_key[key]}
        ids |= self._journal.touched & ledger.positions.keys()
        ids |= {o.position_id for o in ledger.open_orders.values() if o.position_id and _under_way(o.state, o.wanted)}
        ids |= {p.id for p in ledger.positions.values() if self._is_restless(ctx, p)}
        self._journal.touched.clear()
        return [ledger.positions[i] for i in sorted(ids) if i in ledger.positions]

    def _is_restless(self, ctx: Context, position: Position) -> bool:
        if self._parking.is_parked(f"position {position.id}") or _restless(position):
            return True
        if position.id in self.ledger.too_large:
            return True
        return exits.hour_has_come(ctx, position)

    def _judge(self, ctx: Context, position: Position) -> None:
        if position.state is PositionState.CLOSED:
            self.ledger.retire_position(position)
            self.inbox.watch(position.key, None, None)
            return
        self._carry_out(f"position {position.id}", partial(self._decide_position, ctx, position))
        if position.state in OPEN and not self._parking.is_parked(f"position {position.id}"):
            self.inbox.watch(position.key, *exits.watch_levels(ctx, position))

    @staticmethod
    def _decide_position(ctx: Context, position: Position) -> Sequence[Step]:
        bid = exits.sound_bid(ctx, position)
        if bid is not None and bid > position.high:
            position.high = bid
        return exits.decide_position(ctx, position)

    # ---- by the clock

    def _by_the_clock(self, ctx: Context, started: float) -> None:
        in_doubt = self._absences.in_doubt
        self._run("restart windows", self._windows.keep, ctx)
        self._run("vigil", self._vigil.look, ctx)
        self._run("day totals", self._totals.ask, ctx)
        doubts = {"in_doubt": in_doubt, "confirm_at": self._absences.confirm_at}
        self._run("asking for the book", jobs.ask_for_the_book, ctx, self._schedule, **doubts)
        self._run(expiry.JOB, expiry.by_the_clock, ctx, self._settlements)
        self._run("silent markets", self._silences.tell, ctx, self._schedule)
        self._run("time budgets", budgets.tell_of_what_takes_too_long, ctx, self._schedule)
        self._run("account snapshots", jobs.snapshot_account, ctx, self._schedule, self._account)
        if started - self._status_at < self.settings.engine.status_wall_seconds:
            return
        passed = started - self._status_at
        self._status_at = started
        self._run("marks", jobs.mark_positions, ctx, self._schedule)
        self._journal.batch.status = self._pulse(ctx, passed)
        self._limits.show(ctx, self._journal)

    def _run(self, job: str, work: Callable[..., None], ctx: Context, *rest: Any, **named: Any) -> None:
        """Let one job of the clock run on the journal; a fault in it parks it and nothing else."""
        self._parking.run(self._journal, job, partial(work, ctx, self._journal, *rest, **named))

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
            broker_synced_at=self._synced_at,
            waiting_for=self._scanner.waiting_for(),
        )

    # ---- 5-6 commit, then send

    async def _finish(self, ctx: Context) -> None:
        self._dispatcher.send_what_waited()
        if not (self._journal.urgent or self._journal.batch.status is not None):
            return  # soft rows wait for company
        commands = await self._commit()
        self._taken = ()  # on disk: should the sending fail, none of it may come twice
        await self._dispatcher.carry_out(commands)

    async def _commit(self) -> Sequence[Any]:
        journal = self._journal
        cover.measure(journal)
        if not journal.batch.is_empty:
            await self._store.commit(journal.batch)
            self._on_commit(journal.batch)
        self._journal = Journal(self.ledger, self.tick_number, journal.now)
        self._journal.touched = journal.touched
        return journal.commands

    # ---- start and recovery

    async def _load(self) -> None:
        loaded = await self._store.load()
        self.ledger = Ledger(loaded)
        self.tick_number = max(self.tick_number, loaded.tick)
        self._journal = Journal(self.ledger, self.tick_number, self._clock.now())
        self.board.learn_grids({key: grid for key, (_, grid) in loaded.instruments.items()})
        self._broker.remember(loaded.instruments)
        self._broker.reserve_order_ids(self.ledger.highest_order_id + 1 + self._ids_untold())
        if self._account is not None:
            self._accounted(self._account)
        self._journal.touched |= set(self.ledger.positions)

    def _ids_untold(self) -> int:
        """Return how many ids to skip: an order that has none on record may have gone out under one just before the
        end, and after a gateway's reset the broker's next id does not cover that. TWS takes a known id for a change.
        """
        return _IDS_SKIPPED if any(order.order_id is None for order in self.ledger.open_orders.values()) else 0

    def _doubt_intents(self) -> None:
        """An intent that a crash left behind may have been sent: only evidence says."""
        for order in list(self.ledger.open_orders.values()):
            if order.state is OrderState.INTENT:
                self._journal.take(
                    Step(order, OrderTrigger.LOSE_SIGHT, "the program ended between commit and send, or after")
                )

    async def _recover(self, error: Exception) -> None:
        """Throw memory away, read it anew, halt, tell. What the failed tick did not commit was not sent; what it did
        commit and not send is an intent in doubt."""
        self._recoveries += 1
        if self._recoveries >= _FAILURES_IN_A_ROW:
            self._journal = Journal(self.ledger, self.tick_number, self._clock.now())
            await self._load()  # half a tick is never written, not by the stop either
            raise StoreError(f"{self._recoveries} ticks failed in a row, the last with: {error}") from error
        trace = "".join(traceback.format_exception(error))
        reason = f"a tick failed: {error}"
        await self._begin_again(reason, error)
        self._journal.alert("TICK_FAILED", "critical", reason, {"traceback": trace})
        self._put_back()

    async def _begin_again(self, reason: str, error: Exception) -> None:
        before = self.ledger
        await self._load()
        self.ledger.carry_on(before)
        self._begin(self._clock.now())
        self._doubt_intents()
        session = self.ledger.session
        if session.state is not SessionState.HALTED:
            sets = {"hold": Hold.HALT, "held_by": "tick", "held_at": self._journal.now, "hold_reason": reason}
            self._journal.take(Step(session, SessionTrigger.HALT, reason, {"error": repr(error)}, sets))
        self._schedule.hurry("reconcile")
        self._scanner.subscribed = {}  # the lines may have been asked for in the tick that failed

    def _put_back(self) -> None:
        """What came in the failed tick was not kept: it comes again, but for the event that could not be applied."""
        self.inbox.put_back(event for event in self._taken if event is not self._applying)
        self._taken, self._applying = (), None

    def _lose_the_store(self, error: StoreUnusable) -> None:
        """The tick was not written and nothing of it was sent. Wait where that can help, else end the run."""
        if not error.passes:
            raise error
        self._put_back()
        self._outage = Outage(error, self._clock.monotonic())
        self._on_outage(f"{error}. It is tried again for {self.settings.database.retry_for_s:g} s")

    async def _ask_the_store_again(self, outage: Outage) -> None:
        """Read everything anew and write the halt; once that is on disk, ticks go on."""
        self.tick_number += 1  # a sign of life, for those who watch the number
        now = self._clock.monotonic()
        if now < outage.next_at:
            return
        lasted = outage.lasted_s(now)
        words = f"the store could not be used for {lasted:.0f} s: {outage.error}"
        try:
            await self._begin_again(words, outage.error)
            self._journal.alert(outage.error.code, "critical", words, {"lasted_s": lasted})
            await self._commit()
        except StoreUnusable as error:
            if not error.passes or lasted >= self.settings.database.retry_for_s:
                raise
            outage.again(error, now)
            return
        self._outage = None
        self._on_outage(f"the store is back after {lasted:.0f} s; the session is halted until it is resumed")


def _under_way(state: OrderState, wanted: object) -> bool:
    return state is not OrderState.WORKING or wanted is not None


def _restless(position: Position) -> bool:
    return position.state is PositionState.CLOSING or position.room_for > 0 or position.unprotected_since is not None
