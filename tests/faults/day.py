"""One short day by seed: the real engine, store and matching engine, faults between them, deaths, recovery, the end."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.dialects import sqlite

from bot.config.schema import Settings
from bot.domain.calendar import TradingSession
from bot.domain.contracts import parse_osi
from bot.domain.events import CommandKind, CommandReceived
from bot.domain.ids import IdSource
from bot.domain.market import MarketView
from bot.engine.inbox import Inbox
from bot.engine.tick import Engine
from bot.feeds.clock import ManualClock
from bot.sim.faults.broker import FaultyBroker
from bot.sim.faults.catalogue import Fault
from bot.sim.faults.generator import random_faults
from bot.sim.faults.script import FaultScript
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import SimulatedVenue
from bot.store.address import sqlite_path
from bot.store.database import writer_engine
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from bot.store.statements import Prepared
from bot.strategies.base import Look, Proposal
from tests.engine.fakes import FakeStrategy
from tests.faults.checks import Checker, broken_laws
from tests.faults.crash import Crash, Killed, MortalBroker, MortalSink, MortalStore, Reaper, random_crashes
from tests.faults.market import CLOSE, OPEN, OPTIONS, ToyMarket

TROUBLE_UNTIL = OPEN + timedelta(seconds=150)
SETTLED_AT = TROUBLE_UNTIL + timedelta(seconds=45)
EQUITY = Decimal(100_000)
SETTINGS = Settings.model_validate(
    {
        "risk": {
            "max_positions": 8,
            "max_same_direction": 8,
            "max_per_symbol": 8,
            "daily_loss_fraction": "0.5",
            "no_zero_dte_after": "15:55",
        },
        "engine": {"reconcile_seconds": 60, "status_wall_seconds": 30},
        "execution": {"entry_timeout_s": 20, "reprice_after_s": 6, "partial_fill_seconds": 8},
    }
)
EXIT = {  # tight, so that stops, rungs and trails all happen within minutes
    "stop_loss": "0.15",
    "rungs": [{"gain": "0.10", "sell_fraction": "0.25"}, {"gain": "0.20", "sell_fraction": "0.5"}],
    "trail": "0.10",
    "single_trail_from": "0.10",
    "flat_at": "15:57",
}
# flat_at: three minutes before the close of a usual day, and of this one
HOLDS = {**EXIT, "flat_at": "16:00", "stop_loss": "0.6", "trail": "0.6"}
_TICKS_A_STEP = 12
_PREPARED = Prepared(sqlite.dialect())


@dataclass(frozen=True)
class Plan:
    """What a seed stands for; fields may be taken away to find the least that still fails."""

    seed: int
    faults: tuple[Fault, ...]
    crashes: tuple[Crash, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is flattened before the close: every fourth day, every eighth with the bot down then."""
        return self.seed % 4 == 3

    @property
    def sleeps_through_the_close(self) -> bool:
        return self.seed % 8 == 7

    @classmethod
    def of(cls, seed: int) -> Plan:
        return cls(
            seed,
            tuple(random_faults(seed, OPEN + timedelta(seconds=5), TROUBLE_UNTIL - timedelta(seconds=5))),
            random_crashes(seed, OPEN + timedelta(seconds=8), TROUBLE_UNTIL),
        )


@dataclass
class Outcome:
    """What came of a day: `broken` is empty when every promise was kept."""

    seed: int
    broken: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    fills: int = 0
    orders: int = 0
    to_synced_s: list[float] = field(default_factory=list)
    unprotected_s: float = 0.0


class EagerStrategy(FakeStrategy):
    """Proposes one of the options every few seconds, by the clock alone."""

    def interests(self, view: MarketView, session: TradingSession, now: Any) -> dict[str, frozenset[str]]:
        return {option.local_symbol: frozenset({"quote"}) for option in OPTIONS}

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: Any) -> Look:
        option = OPTIONS[int(now.timestamp()) // 7 % len(OPTIONS)]
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


class InlineLane:
    """The store's one connection, without a thread: real transactions in a real file, nothing waits for a disk."""

    dialect_name = "sqlite"

    def __init__(self, url: str) -> None:
        _STORE.path = str(sqlite_path(url))
        self._connection: Connection = _STORE.engine.connect()

    async def run(self, work: Callable[[Connection], Any]) -> Any:
        with self._connection.begin():
            return work(self._connection)

    async def close(self) -> None:
        self._connection.close()


class World:
    """The venue that outlives the bot, the store file, and the bot when it lives."""

    def __init__(self, plan: Plan, database: Path) -> None:
        self.plan = plan
        self.url = f"sqlite+aiosqlite:///{database}"
        self.clock = ManualClock(OPEN)
        rules = VenueScript(latency_ms=400, partial_fill_probability=0.3, allow_short_options=True)
        self.venue = MatchingVenue(ToyMarket(plan.seed), plan.seed, EQUITY, rules)
        self.simulated = SimulatedVenue(self.venue)
        self.checker = Checker(self.venue, self.clock, SETTINGS.bot_id)
        self.simulated.listeners.append(self.checker.hear)
        self.script = FaultScript(plan.faults, plan.seed)
        self.reaper = Reaper(self.clock, plan.crashes)
        self.outcome = Outcome(plan.seed)
        self.starts = 0
        self.engine: Engine
        self.broker: FaultyBroker
        self.lane: InlineLane

    # ---- the bot's life

    async def start(self) -> None:
        """Start the bot on what the store holds: nothing else survives a death."""
        self.starts += 1
        inbox = Inbox()
        self.lane = InlineLane(self.url)
        store = SqlStore(self.url, self.clock, lane=self.lane)
        store._prepared = _PREPARED  # compiled once for all days
        await store.open()
        sink = MortalSink(inbox.put, self.reaper)
        self.broker = FaultyBroker(self.simulated, self.venue, self.clock, sink, SETTINGS.bot_id, self.script)
        strategy = EagerStrategy(
            cool_down_s=6.0, exit=FakeStrategy().exit.model_validate(HOLDS if self.plan.holds else EXIT)
        )
        self.engine = Engine(
            SETTINGS,
            store=MortalStore(store, self.reaper),
            broker=MortalBroker(self.broker, self.reaper),
            clock=self.clock,
            calendar=ShortDayCalendar,
            strategies=[strategy],
            ids=IdSource(random.Random(f"{self.plan.seed} {self.starts}")),
            inbox=inbox,
            wait_for_answers=True,
        )
        await self.engine.start()
        await self.broker.start()

    async def die(self, words: str) -> None:
        """Lose everything that is memory."""
        self.outcome.deaths.append(words)
        await self.broker.stop()
        await self.lane.close()

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

    async def step(self, seconds: float = 1.0) -> None:
        self.clock.advance(seconds)
        self.simulated.publish(self.venue.step(self.clock.now()))
        await self.ticks()

    async def ticks(self) -> None:
        """Tick until nothing urgent is left."""
        self.broker.pump()
        await self.engine.guarded_tick()
        for _ in range(_TICKS_A_STEP):
            if not self.engine.inbox.urgent:
                return
            await self.engine.guarded_tick()

    async def command(self, kind: CommandKind) -> None:
        number = f"c{self.clock.now():%H%M%S}{kind}"
        self.engine.inbox.put(CommandReceived(number, kind, {}, "cli", self.clock.now()))

    # ---- the day

    async def live(self) -> Outcome:
        """Trouble, recovery, the check that all is well again, the end of the day, the comparison."""
        await self.come_back()
        await self.run((TROUBLE_UNTIL - self.clock.now()).total_seconds())
        await self.recover()
        await self.run_watched(SETTLED_AT)
        await self.reconcile_twice()
        await self.the_close()
        await self.die("the end")
        self.outcome.deaths.pop()
        self.outcome.broken += self.checker.broken
        self.outcome.broken += broken_laws(self.url, self.venue, EQUITY, self.plan.holds)
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
        await self.run_watched(CLOSE + timedelta(seconds=30 if self.plan.holds else 4))

    async def recover(self) -> None:
        """No further faults. Every other seed restarts the bot, the others ask for the book."""
        self.reaper.waiting.clear()
        self.script = self.broker.script = FaultScript(())
        if self.plan.seed % 2:
            await self.die("restart for recovery")
            self.outcome.deaths.pop()
            await self.start()
        else:
            await self.command(CommandKind.RECONCILE)
        session = self.engine.ledger.session.state.value
        if session in {"halted", "paused"}:
            self.outcome.broken.append(f"the session is {session}: {self.engine.ledger.session.hold_reason}")

    async def run_watched(self, end: Any) -> None:
        """Let time pass without faults; what is held has to be covered, always."""
        while self.clock.now() < end:
            alive = self.engine.ledger.open_orders or self.engine.ledger.positions
            await self.step(1.0 if alive else 5.0)
            self.checker.watch_cover(SETTINGS.execution.protection_limit_s)

    async def reconcile_twice(self) -> None:
        """A second look at the same book changes nothing."""
        await self._look_at_the_book()
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
        connection = self.lane._connection
        found = connection.exec_driver_sql("SELECT COUNT(*) FROM transition").scalar_one()
        connection.rollback()
        return int(found)


def _calendar() -> Any:
    from tests.faults.market import ShortDay

    return ShortDay()


ShortDayCalendar = _calendar()


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
        return await World(plan, database).live()
