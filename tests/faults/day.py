"""One short day by seed: the real engine, store and matching engine, faults between them, deaths, recovery, the end."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Set
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.dialects import sqlite

from bot.app.composition import BotParts, Ground, compose
from bot.clocks.clock import ClockWatch, ManualClock
from bot.config.schema import Settings
from bot.domain.breaker import Breaker, BreakerState
from bot.domain.calendar import TradingSession
from bot.domain.connection import ConnectionState
from bot.domain.events.people import RequestKind
from bot.domain.ids import IdSource
from bot.domain.instruments import parse_osi
from bot.domain.market import MarketView
from bot.domain.message import MessageState
from bot.domain.position import Protection
from bot.domain.session import Hold, Session, SessionState
from bot.engine.outbox.voice import SILENT
from bot.engine.sending.pacing import ENTRY_WAITS_S
from bot.engine.state.ports import TradingCalendar
from bot.engine.state.records import TickBatch
from bot.engine.state.tallies import counted_anew
from bot.engine.tick import Engine
from bot.engine.trade.agenda import Agenda
from bot.feeds.poller import Poller
from bot.sim.faults.broker import FaultyBroker
from bot.sim.faults.catalogue import ALL_DAY, Reject
from bot.sim.faults.script import FaultScript
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import SimulatedVenue
from bot.store.address import sqlite_path
from bot.store.database import writer_engine
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from bot.store.statements import Prepared
from bot.strategies.base import Look, Proposal, Strategy
from bot.strategies.inputs import CLOCKS_DIFFER, datum_faults
from tests.engine.fakes import FakeStrategy
from tests.faults import vendor
from tests.faults.channels import VOICE, Channels
from tests.faults.checks import Checker, believed_prints, broken_laws, untold
from tests.faults.clock import BotClock
from tests.faults.crash import Killed, MortalBroker, MortalSink, MortalStore, Reaper
from tests.faults.market import CLOSE, OPEN, OPTIONS, ToyMarket
from tests.faults.money import Money, blocked_by_words, told_in_euros
from tests.faults.outages import StoreOutage
from tests.faults.people import ACTOR, People
from tests.faults.plan import EQUITY, SETTLED_AT, TROUBLE_UNTIL, UW_MAX_AGE_S, Outcome, Plan
from tests.faults.sickness import sickness

_TICKS_A_STEP = 12
SPEAKS_EVERY = 6  # of so many seeds one has people who are spoken to
_ALL_IS_SAID = timedelta(seconds=400)
_FOLLOWS_IN = timedelta(seconds=70)  # a wall clock that was set forward is believed after a minute
_MARGIN = timedelta(seconds=2)  # the broker tells whole seconds
_MEANT = ("circuit breaker", "the store could not be used")
_PREPARED = Prepared(sqlite.dialect())


class EagerStrategy(FakeStrategy):
    """Proposes one of the options every few seconds, by the clock alone, while the vendor's data are fresh. Mostly one
    that nobody holds; now and then any, for a rule to refuse."""

    busy: Callable[[], Set[str]] = staticmethod(frozenset)  # contracts that are held or asked for
    start: int = 0  # where in the list of options it begins

    def interests(self, view: MarketView, session: TradingSession, now: Any) -> dict[str, frozenset[str]]:
        return {option.local_symbol: frozenset({"quote"}) for option in OPTIONS}

    def input_faults(self, symbol: str, view: MarketView, now: Any, contract: Any = None) -> tuple[str, ...]:
        return datum_faults(view, vendor.DATASET, symbol, now, UW_MAX_AGE_S)

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: Any) -> Look:
        if now >= SETTLED_AT + timedelta(seconds=5):
            return Look(symbol, None, "enough for today", {"condition": "window"})
        if faults := self.input_faults(symbol, view, now):
            return Look(symbol, None, ", ".join(faults), {"condition": "inputs"})
        turn = int(now.timestamp()) // 3
        options = [OPTIONS[(turn + self.start + n) % len(OPTIONS)] for n in range(len(OPTIONS))]
        busy = self.busy() if turn % 8 else frozenset()
        option = next((each for each in options if each.local_symbol not in busy), None)
        if option is None:
            return Look(symbol, None, "all are held", {"condition": "held"})
        contract = parse_osi(option.local_symbol)
        quote = view.quote(contract.key)
        if quote is None or quote.fault(now, timedelta(seconds=5)) is not None:
            return Look(symbol, None, "no quote", {"condition": "quote"})
        return Look(symbol, Proposal(self.name, contract, quote, {"told": True}), "told", {"condition": "met"})


class _OneEngine:
    """The store's engine, made once: where it connects to is the day's file, what it compiled is kept."""

    def __init__(self) -> None:
        self.path = ""
        self.engine = writer_engine("sqlite:///the-day.db")
        event.listen(self.engine, "do_connect", self._lead)
        event.listen(self.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))

    def _lead(self, dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> None:
        arguments[0] = self.path


_STORE = _OneEngine()


_OF_AGENDA = ("restless", "must_go", "slow", "orphaned")


class InlineLane:
    """The store's one connection, without a thread: real transactions in a real file, nothing waits for a disk."""

    dialect_name = "sqlite"
    tells_news = False

    def __init__(self, url: str, reaper: Reaper) -> None:
        _STORE.path = str(sqlite_path(url))
        self.connection: Connection = _STORE.engine.connect()
        self._reaper = reaper

    async def run(self, work: Callable[[Connection], Any]) -> Any:
        with self.connection.begin():
            done = work(self.connection)
            self._reaper.reach("inside commit")  # of a reading too: nothing of it may be there
            return done

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        return await self.run(work)

    async def has_news(self) -> bool:
        return True

    async def close(self) -> None:
        self.connection.close()


class World:
    """The venue that outlives the bot, the store file, and the bot when it lives."""

    def __init__(
        self,
        plan: Plan,
        database: Path,
        market: ToyMarket | None = None,
        *,
        full_passes: bool = False,
        speaks: bool = False,
    ) -> None:
        self.plan, self.full_passes = plan, full_passes
        self.channels = Channels(plan.seed) if speaks else None
        self.calendar: TradingCalendar = ShortDayCalendar
        self.url = f"sqlite+aiosqlite:///{database}"
        self.clock = ManualClock(OPEN)
        self.settings = _with_kill_switch(plan.setting.settings, database.with_name("kill"))
        rules = VenueScript(latency_ms=400, partial_fill_probability=0.3, allow_short_options=True)
        self.market = market or ToyMarket(plan.seed)
        self.venue = MatchingVenue(self.market, plan.seed, EQUITY, rules)
        self.simulated = SimulatedVenue(self.venue)
        self.people = People(plan.seed, plan.requests, Path(self.settings.engine.kill_switch_file))
        self.checker = Checker(self.venue, self.clock, self._why_no_entry)
        self.simulated.listeners.append(self.checker.hear)
        self.checker.may_know = self._hears_the_broker
        self.script = FaultScript(plan.faults, plan.seed)
        self.checker.cancels_refused = self.script.cancels_refused
        self.wild = self.script.wild
        self.reaper = Reaper(self.clock, plan.crashes)
        self.outcome = Outcome(plan.seed)
        self.starts = 0
        self.run_began = OPEN
        self._alive: list[Callable[[], Awaitable[None]]] = []  # what has to end with the bot
        self.engine: Engine
        self.broker: FaultyBroker
        self.lane: InlineLane
        self.bot_clock: BotClock
        self.clock_watch: ClockWatch
        self.feed: Poller
        self.vendor: vendor.ScriptedVendor
        self.people_told = False  # a row of the people's process may be waiting
        self.heard_at_start = 0
        self.hour_is_wrong = False  # the bot's time was another than the venue's when it last ticked
        self.begun_again = 0
        self.is_over = False  # the trouble
        risk = self.settings.risk
        fractions = {"daily_loss": risk.daily_loss_fraction, "drawdown": risk.max_drawdown_fraction}
        self.money = Money(self.venue, EQUITY, fractions, risk.daily_loss_usd)

    def _why_no_entry(self) -> str | None:
        """Return why nothing may be bought at this moment, as far as the world outside the bot knows."""
        if self.people.killed:
            return "the kill switch is there"
        if self.hour_is_wrong:
            return "the bot lives in another hour"
        newest, patience = self.vendor.newest, timedelta(seconds=UW_MAX_AGE_S * (1 + CLOCKS_DIFFER) + ENTRY_WAITS_S)
        if newest is None or self.clock.now() - newest > patience:
            return f"the newest sound data of the vendor are of {newest}"
        if not self._hears_the_broker():
            return None
        if told_in_euros(self.script, self.clock.now(), self.run_began):
            return "the account is kept in euros"
        return self.money.why_no_entry(self.clock.now())

    def _hears_the_broker(self) -> bool:
        """Whether the bot is up, its store usable and its link to the broker whole: else nobody can have told it, or it
        may not act, for nothing is sent that is not on disk."""
        if not self._alive or self._outage() is not None:
            return False
        return self.engine.ledger.connection.state is ConnectionState.SYNCED

    # ---- the bot's life

    async def start(self) -> None:
        """Start the bot on what the store holds: nothing else survives a death."""
        self.starts += 1
        self.run_began = self.clock.now()
        if self.channels is not None:
            self.channels.end_with_the_bot(self.run_began)
        self.bot_clock = BotClock(self.clock, self.script)
        self.vendor = vendor.ScriptedVendor(self.script, self.clock)
        bot = compose(
            BotParts(
                settings=self.settings,
                clock=self.bot_clock,
                calendar=self.calendar,
                store=self._mortal_store,
                broker=self._mortal_broker,
                feed=lambda on: Poller(
                    "unusual_whales", vendor.SETTINGS, on.clock, on.calendar, on.inbox.put, self.vendor
                ),
                strategies=self.strategies(),
                ids=IdSource(random.Random(f"{self.plan.seed} {self.starts}")),
                wait_for_answers=True,
                on_commit=self._committed,
                on_outage=self.outcome.outages.append,
                full_passes=self.full_passes,
                voice=SILENT if self.channels is None else VOICE,
            )
        )
        self.store, self.feed, self.engine = bot.store, bot.feed, bot.engine
        await self.store.open()
        self.clock_watch = ClockWatch(self.bot_clock, self.settings.engine.clock_tolerance_s)
        self.people.asked = True  # a row may have waited while nobody lived
        await self.engine.start()
        await self.broker.start()

    def _mortal_store(self, on: Ground) -> Any:
        self.lane = InlineLane(self.url, self.reaper)
        self._alive.append(self.lane.close)
        store = SqlStore(self.url, on.clock, lane=self.lane)
        store._prepared = _PREPARED  # compiled once for all days
        return MortalStore(store, self.reaper, self._outage)

    def _mortal_broker(self, on: Ground) -> Any:
        sink = MortalSink(on.inbox.put, self.reaper, self.bot_clock)
        self.broker = FaultyBroker(self.simulated, self.venue, self.clock, sink, self.settings.bot_id, self.script)
        self._alive.append(self.broker.stop)
        return MortalBroker(self.broker, self.reaper, self.bot_clock)

    def strategies(self) -> list[Strategy]:
        """Return the strategies of a start."""
        eager = [EagerStrategy(name, cool_down_s=3.0, exit=self.plan.setting.exit) for name in ("eager", "keen")]
        for number, strategy in enumerate(eager):
            strategy.busy, strategy.start = self._busy, 0 if self.plan.setting.rivals else number * 5
        return list(eager)

    def _outage(self) -> StoreOutage | None:
        if self.is_over:
            return None
        return next((o for o in self.plan.outages if o.lasts(self.clock.now(), self.run_began)), None)

    def _busy(self) -> Set[str]:
        held = {p.instrument.local_symbol for p in self.venue.positions() if p.quantity}
        return held | {o.ticket.instrument.local_symbol for o in self.venue.open_orders()}

    def _committed(self, batch: TickBatch) -> None:
        for command in batch.commands:
            self.outcome.answers[command.state] = self.outcome.answers.get(command.state, 0) + 1
        self.money.look(self.clock.now())
        self.money.tripped(b.id for b in batch.changed.of(Breaker).values() if b.state is BreakerState.TRIPPED)
        self.outcome.blocked |= {b.id for b in batch.changed.of(Breaker).values() if b.state is BreakerState.TRIPPED}

    async def die(self, words: str) -> None:
        """Lose everything that is memory."""
        self.outcome.deaths.append(words)
        while self._alive:
            await self._alive.pop()()

    async def run(self, seconds: float) -> None:
        """Let the day go on; the bot dies where the plan says so, stays away and comes back."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            try:
                await self.step()
            except Killed as killed:
                crash = self.reaper.waiting.pop(0)
                await self.die(f"{killed} at {self.clock.now():%H:%M:%S}")
                self.let_the_venue_trade(crash.down_s)
                await self.come_back()

    async def come_back(self) -> None:
        """Start again, also when death strikes while starting."""
        while True:
            try:
                await self.start()
                return
            except Killed as killed:
                self.reaper.waiting.pop(0)
                await self.die(f"{killed} while starting")

    def let_the_venue_trade(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self.simulated.publish(self.venue.step(self.clock.now()))
            self.checker.never_more_than_held()

    async def step(self, seconds: float = 1.0) -> None:
        self.clock.advance(seconds)
        self.simulated.publish(self.venue.step(self.clock.now()))
        self.checker.never_more_than_held()
        self.hour_is_wrong = self._lives_in_another_hour()
        self.money.look(self.clock.now())
        await self.ticks()
        blocked = blocked_by_words(self.script, self.engine.ledger.connection.state, self.clock.now())
        if blocked is not None and blocked not in self.money.broken:
            self.money.broken.append(blocked)
        if self.engine.should_begin_again:
            await self.die("begins again")
            self.outcome.deaths.pop()
            self.begun_again += 1
            await self.come_back()

    def _lives_in_another_hour(self) -> bool:
        limit = timedelta(seconds=self.settings.engine.broker_clock_limit_s)
        return abs(self.bot_clock.now() - self.clock.now()) > limit + _MARGIN

    async def ticks(self) -> None:
        """Tick until nothing urgent is left."""
        if (news := self.clock_watch.look()) is not None:
            self.engine.inbox.put(news)
        self.broker.pump()
        await self.feed.poll_once(self.bot_clock.now())
        self.people.wall = self.bot_clock.now()
        self.people.act(self.clock.now(), self.lane.connection, self.engine.ledger)
        self.the_channels_act()
        await self.take_commands()
        await self.engine.guarded_tick()
        for _ in range(_TICKS_A_STEP):
            self._count_anew()
            if not self.engine.inbox.urgent:
                return
            await self.engine.guarded_tick()

    def _count_anew(self) -> None:
        """On a day of full passes, compare what is kept with every change with the same from nothing."""
        ledger = self.engine.ledger
        if not self.full_passes:
            return
        kept, anew, ctx = self.engine._tick_memory.agenda, Agenda(), self.engine._context(self.clock.now())
        for agenda in (kept, anew):
            agenda.follow(ctx)
        if [getattr(kept, part) for part in _OF_AGENDA] != [getattr(anew, part) for part in _OF_AGENDA] or (
            (kept.flat.of, kept.ends.of) != (anew.flat.of, anew.ends.of)
        ):
            self.outcome.broken.append(f"{self.clock.now():%H:%M:%S}: the agenda is not what is there")
        if ledger.tallies != counted_anew(ledger.orders.values(), ledger.closed.values()):
            self.outcome.broken.append(
                f"{self.clock.now():%H:%M:%S}: what is counted over the day is not what is there"
            )

    async def take_commands(self) -> None:
        """Bring the rows that wait to the tick; they stay rows until it has answered them."""
        if self.people.asked:
            self.people.asked = False
            for command in await self.store.pending_commands():
                self.engine.inbox.put(command)
        if self.people_told or (self.channels is not None and self.starts != self.heard_at_start):
            self.people_told, self.heard_at_start = False, self.starts
            for row in await self.store.pending_inbound():
                self.engine.inbox.put(row)

    async def say_what_waits(self) -> None:
        """Let time pass until every message has an end, for some minutes at most."""
        end = self.clock.now() + _ALL_IS_SAID
        while self.clock.now() < end:
            await self.step(2.0)
            alive = self.engine.ledger.messages.values()
            if all(message.state is MessageState.UNKNOWN and message.retry_at is None for message in alive):
                return

    def the_channels_act(self) -> None:
        """A second of the people's process, and of who looks at the alerts; none while the disk takes nothing."""
        if self.channels is None or self._outage() is not None:
            return
        now, connection = self.clock.now(), self.lane.connection
        self.people_told |= self.channels.act(now, connection)
        if self.channels.wants_ack() and self.engine.ledger.alerts:
            self.people.ask(RequestKind.ACK, {"alert_id": "all"}, now, connection)

    # ---- the day

    async def live(self) -> Outcome:
        """Trouble, recovery, the check that all is well again, the end of the day, the comparison."""
        await self.come_back()
        await self.run((TROUBLE_UNTIL - self.clock.now()).total_seconds())
        await self.recover()
        settles = _FOLLOWS_IN if self._lives_in_another_hour() else SETTLED_AT - TROUBLE_UNTIL
        await self.run_watched(self.clock.now() + settles)
        await self.reconcile_twice()
        await self.the_close()
        if self.channels is not None:
            await self.say_what_waits()
            self.outcome.broken += self.channels.broken(self.lane.connection)
        await self.die("the end")
        self.outcome.deaths.pop()
        self.outcome.broken += [*self.checker.broken, *self.money.broken]
        may_expire = None if self.plan.holds else self.checker.never_taken_back()
        self.outcome.broken += broken_laws(
            self.url, self.venue, EQUITY, may_expire, by_hand=self.plan.by_hand, chunk=self.plan.setting.chunk
        )
        self.outcome.broken += untold(self.url, self.checker.cancels_refused, self.checker.excused)
        self.outcome.broken += believed_prints(self.url, self.wild, self.market.bids())
        self.outcome.fills = len(self.venue.executions())
        self.outcome.orders = len(self.checker.placed)
        return self.outcome

    async def the_close(self) -> None:
        """The end of the day, and of the contracts that are still held."""
        if self.plan.sleeps_through_the_close:
            await self.run_watched(CLOSE - timedelta(seconds=3))
            await self.die("asleep at the close")
            self.let_the_venue_trade(10)
            await self.start()
        await self.run_watched(CLOSE + timedelta(seconds=30 if self.plan.expires_with_some else 4))

    async def recover(self) -> None:
        """No further faults, no further wishes, a machine's clock that is right, a disk that takes everything. Every
        other seed restarts the bot, the others ask for the book; one that lives in a wrong hour finds back by itself,
        and one that waits for its store when it looks again. A venue that takes no stop today goes on taking none."""
        self.is_over = True
        self.reaper.waiting.clear()
        refused = self.script.cancels_refused
        self.script = self.broker.script = self.vendor.script = self.bot_clock.time.script = FaultScript(
            [fault for fault in self.plan.faults if isinstance(fault, Reject) and fault.count >= ALL_DAY]
        )
        self.script.cancels_refused = refused
        if self.plan.seed % 2:
            await self.die("restart for recovery")
            self.outcome.deaths.pop()
            await self.start()
        else:
            while self.engine.waits_for_the_store:
                await self.step()
            self.people.ask(RequestKind.RECONCILE, {}, self.clock.now(), self.lane.connection)
        session = self.engine.ledger.session
        if session.hold is not Hold.NONE and not self._is_meant(session):
            self.outcome.broken.append(f"the session is {session.state}: {session.hold_reason}")
        self.people.calm_down(self.clock.now())
        if self.channels is not None:
            self.channels.calm_down(self.clock.now())

    @staticmethod
    def _is_meant(session: Session) -> bool:
        """A hold is meant when a person asked for it, a circuit breaker tripped or the disk took nothing; any other is
        a fault of ours."""
        return session.held_by == ACTOR or session.hold_reason.startswith(_MEANT)

    async def run_watched(self, end: Any) -> None:
        """Let time pass without faults; what is held has to be covered, always."""
        while self.clock.now() < end:
            alive = self.engine.ledger.order_index.open or self.engine.ledger.positions
            await self.step(1.0 if alive else 5.0)
            self.checker.watch_cover(self.settings.execution.protection_limit_s, self._watched())

    def _watched(self) -> Counter[str]:
        """Return the contracts whose stop the tick watches, by key, where it has a quote to compare with."""
        watched, age = Counter[str](), timedelta(seconds=self.settings.risk.quote_max_age_s)
        for position in self.engine.ledger.positions.values():
            quote = self.engine.board.quote(position.key)
            if position.protection is Protection.SYNTHETIC and quote and quote.fault(self.bot_clock.now(), age) is None:
                watched[position.key] += position.quantity
        return watched

    async def reconcile_twice(self) -> None:
        """A second look at the same book changes nothing."""
        await self._look_at_the_book()
        session = self.engine.ledger.session
        if session.state is not SessionState.ACTIVE and not (session.hold is not Hold.NONE and self._is_meant(session)):
            self.outcome.broken.append(f"all is well again and the session is {session.state}: {session.hold_reason}")
        before = (self.lane_head(), len(self.checker.placed))
        await self._look_at_the_book()
        after = (self.lane_head(), len(self.checker.placed))
        if before != after:
            self.outcome.broken.append(f"reconciling again changed something: {before} became {after}")

    async def _look_at_the_book(self) -> None:
        self.engine.inbox.put(await self.broker.snapshot())
        for _ in range(4):
            await self.engine.guarded_tick()

    def lane_head(self) -> int:
        connection = self.lane.connection
        query = "SELECT COUNT(*) FROM transition WHERE machine NOT IN ('message', 'alert')"
        found = connection.exec_driver_sql(query).scalar_one()
        connection.rollback()
        return int(found)


def _calendar() -> Any:
    from tests.faults.market import ShortDay

    return ShortDay()


ShortDayCalendar = _calendar()


def _with_kill_switch(settings: Settings, file: Path) -> Settings:
    return settings.model_copy(update={"engine": settings.engine.model_copy(update={"kill_switch_file": str(file)})})


@lru_cache(maxsize=1)
def _template() -> Path:
    """Return an empty store with the schema in it; made once a process."""
    path = Path(tempfile.mkdtemp(prefix="quanticity-faults-")) / "empty.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@contextmanager
def a_store() -> Iterator[Path]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="quanticity-faults-", dir=memory if memory.is_dir() else None))
    try:
        yield Path(shutil.copy(_template(), folder / "day.db"))
    finally:
        shutil.rmtree(folder)


async def live_day(plan: Plan) -> Outcome:
    """Play a plan and return what came of it."""
    with a_store() as database:
        return await _live(plan, database)


async def live_twice(plan: Plan) -> Outcome:
    """Play a plan, and once more with ticks that pass nothing over: both days have to leave the same rows."""
    with a_store() as database:  # its place stands in words of the day
        outcome = await _live(plan, database)
        rows = rows_of(database)
        for file in database.parent.iterdir():
            file.unlink()
        shutil.copy(_template(), database)
        outcome.broken += (await _live(plan, database, full_passes=True)).broken
        all_rows = rows_of(database)
    for table in rows:
        here, there = Counter(rows[table]), Counter(all_rows[table])
        if here != there:
            more, less = next(iter(here - there), None), next(iter(there - here), None)
            outcome.broken.append(f"{table} differs from a day of full passes: {more} instead of {less}")
    return outcome


async def _live(plan: Plan, database: Path, *, full_passes: bool = False) -> Outcome:
    world = World(plan, database, full_passes=full_passes, speaks=plan.seed % SPEAKS_EVERY == 1)
    with sickness(lambda: world.script, world.clock):
        return await world.live()


def rows_of(database: Path) -> dict[str, list[str]]:
    """Return the rows of every table in words."""
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {name: [repr(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for (name,) in tables}
