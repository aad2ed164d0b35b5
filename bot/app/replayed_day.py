"""A scenario in one process under a manual clock: the same tick, the same matching engine, the same parsers, no
sockets.

Same scenario and seed, same transitions, hash for hash.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.app.day_summary import DaySummary, as_data, lines, summarize
from bot.app.trader_log import log_of
from bot.config.loader import LoadedConfig, validate_section
from bot.config.options import ReplayOptions
from bot.config.schema import Settings
from bot.domain.calendar import TradingSession
from bot.domain.ids import IdSource
from bot.engine.state.inbox import Inbox
from bot.engine.tick import Engine
from bot.feeds.calendar import XnysCalendar
from bot.feeds.clock import ManualClock
from bot.feeds.sources import DataSources
from bot.feeds.uw import UwFeed
from bot.log import configure_logging
from bot.sim.broker import SimBroker
from bot.sim.faults.broker import FaultyBroker
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import vendor_fault
from bot.sim.market.model import build_market
from bot.sim.matching import build_venue
from bot.sim.scenario import load_scenario
from bot.sim.uw import InProcessTransport, UwFace
from bot.sim.vocabulary import SimulatedVenue
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from bot.strategies.registry import build

_STEP_S = 1.0  # while a signal, an order or a position is alive
_IDLE_STEP_S = 2.0
_STATUS_EVERY_S = 60.0
_TICKS_A_STEP = 12
_AFTER_CLOSE = timedelta(minutes=2)


@dataclass(frozen=True)
class ReplayResult:
    """How a replayed day came out; `head_hash` is the last link of the audit chain."""

    head_hash: str
    transitions: int
    wall_seconds: float
    summary: DaySummary
    database: str


@dataclass
class Desk:
    """The parts of a replay, steppable by hand: tests use it to stop, look and go on."""

    clock: ManualClock
    engine: Engine
    broker: SimBroker | FaultyBroker
    feed: UwFeed
    simulated: SimulatedVenue
    store: SqlStore
    session: TradingSession

    async def step(self, seconds: float = _STEP_S) -> None:
        """Let so much time pass: the venue matches, data arrive, the engine ticks until nothing urgent is left."""
        self.clock.advance(seconds)
        now = self.clock.now()
        self.simulated.publish(self.simulated.venue.step(now))
        self.broker.pump()
        await self.feed.poll_once(now)
        await self.engine.guarded_tick()
        for _ in range(_TICKS_A_STEP):
            if not self.engine.inbox.urgent:
                break
            await self.engine.guarded_tick()

    async def run_until(self, end: datetime) -> None:
        """Let time pass up to `end`, a second at a time while something is alive, in wider steps otherwise."""
        while self.clock.now() < end:
            await self.step(_STEP_S if self._something_lives() else _IDLE_STEP_S)

    def _something_lives(self) -> bool:
        ledger = self.engine.ledger
        return bool(ledger.signals or ledger.open_orders or ledger.positions)

    async def close(self) -> None:
        await self.broker.stop()
        await self.store.close()


async def open_desk(
    config: LoadedConfig,
    scenario_name: str,
    seed: int,
    database: Path,
    *,
    quiet: bool = False,
    broker: type[SimBroker] = SimBroker,
) -> Desk:
    """Build every part for a replay on a store file that does not exist yet; `broker` may be a kind of its own."""
    url = _address(database)
    upgrade(url)
    scenario = load_scenario(scenario_name)
    calendar = XnysCalendar.around(scenario.date, Path(config.settings.sim.state_dir), config.settings.calendar)
    session = calendar.session_on(scenario.date) or calendar.next_session(scenario.date)
    clock = ManualClock(scenario.starts())
    market = build_market(scenario, seed)
    venue, script = build_venue(market, scenario, seed), FaultScript(scenario.faults, seed)
    simulated = SimulatedVenue(venue)
    settings = _paced_for_replay(config.settings)
    inbox = Inbox()
    desk_broker: SimBroker | FaultyBroker = broker(simulated, clock, inbox.put, settings.bot_id)
    if scenario.faults:
        await desk_broker.stop()
        desk_broker = FaultyBroker(simulated, venue, clock, inbox.put, settings.bot_id, script)
    face = UwFace(market, clock, fault=vendor_fault(script))
    sources = validate_section(config.sources_tree, "sources", DataSources)
    feed = UwFeed(sources.unusual_whales, clock, calendar, inbox.put, InProcessTransport(face))
    configure_logging("warning" if quiet else settings.log.level, config.hidden(), now=clock.now)
    store = SqlStore(url, clock, config_version=config.version)
    await store.open()
    await store.record_config(config.version, config.text)
    told = log_of(settings)
    engine = Engine(
        settings,
        store=store,
        broker=desk_broker,
        clock=clock,
        calendar=calendar,
        strategies=build(settings.strategies),
        ids=IdSource(random.Random(seed)),  # reproducible on purpose
        inbox=inbox,
        scenario=scenario.name,
        wait_for_answers=True,
        on_commit=(lambda batch: None) if quiet else told,
        on_look=(lambda strategy, look: None) if quiet else told.look,
    )
    await engine.start()
    await desk_broker.start()
    return Desk(clock, engine, desk_broker, feed, simulated, store, session)


async def replay_day(
    config: LoadedConfig, scenario: str, seed: int, database: Path, *, quiet: bool = False
) -> ReplayResult:
    """Replay a whole day into `database` and return what came of it."""
    began = time.monotonic()
    desk = await open_desk(config, scenario, seed, database, quiet=quiet)
    await desk.run_until(desk.session.close_at + _AFTER_CLOSE)
    await desk.engine.stop("the replayed day is over")
    head = desk.store.head
    await desk.close()
    url = _address(database)
    return ReplayResult(head.hash, head.seq, time.monotonic() - began, summarize(url, desk.session.day), str(database))


def run_replay(config: LoadedConfig, options: ReplayOptions) -> int:
    """Replay as the command line asks, print the day and the head hash."""
    with tempfile.TemporaryDirectory(prefix="quanticity-") as folder:
        database = options.database or Path(folder) / "replay.db"
        database.unlink(missing_ok=True)
        result = asyncio.run(replay_day(config, options.scenario, options.seed, database, quiet=options.as_json))
    sys.stdout.write(_as_json(result) if options.as_json else _as_text(result))
    return 0 if result.summary.sound else 1


def _address(database: Path) -> str:
    return f"sqlite+aiosqlite:///{database.absolute()}"


def _paced_for_replay(settings: Settings) -> Settings:
    engine = settings.engine.model_copy(update={"status_wall_seconds": _STATUS_EVERY_S})
    return settings.model_copy(update={"engine": engine})


def _as_text(result: ReplayResult) -> str:
    words = [
        *lines(result.summary),
        f"  transitions {result.transitions} in {result.wall_seconds:.1f} s",
        f"  head hash   {result.head_hash}",
    ]
    return "\n".join(words) + "\n"


def _as_json(result: ReplayResult) -> str:
    data = {
        **as_data(result.summary),
        "head_hash": result.head_hash,
        "transitions": result.transitions,
        "wall_seconds": round(result.wall_seconds, 2),
    }
    return json.dumps(data, indent=2) + "\n"
