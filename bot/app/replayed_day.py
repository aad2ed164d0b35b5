"""A scenario in one process under a manual clock: the same tick, the same matching engine, the same parsers, no
sockets.

Same scenario and seed, same transitions, hash for hash.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.app.allocator import seldom_collected
from bot.app.composition import BotParts, Ground, compose, core_stages, replay_store
from bot.app.day_summary import DaySummary, as_data, lines, summarize
from bot.app.simulated_vendors import at_the_simulator, decided_on
from bot.app.stages import in_order
from bot.app.trader_log import log_of
from bot.clocks.calendar import XnysCalendar
from bot.clocks.clock import ManualClock
from bot.config.loader import LoadedConfig, validate_section
from bot.config.options import ReplayOptions
from bot.config.schema import Settings
from bot.domain.calendar import TradingSession
from bot.domain.errors import ConfigError
from bot.domain.ids import IdSource
from bot.engine.state.inbox import Recorder
from bot.engine.tick import Engine
from bot.feeds.feeds import Feeds
from bot.feeds.sources import DataSources
from bot.log import configure_logging
from bot.sim.broker import SimBroker
from bot.sim.faults.broker import FaultyBroker
from bot.sim.faults.data_faults import divergent
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import vendor_fault
from bot.sim.kept_day import KeptDay, fingerprint
from bot.sim.market.kept import KeptMarket
from bot.sim.market.model import build_market
from bot.sim.matching import MatchingVenue, build_venue
from bot.sim.scenario import Scenario, load_scenario
from bot.sim.uw import InProcessTransport, UwFace
from bot.sim.vocabulary import SimulatedVenue
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore

_STEP_S = 1.0  # while a signal, an order or a position is alive
_IDLE_STEP_S = 2.0
_STATUS_EVERY_S = 60.0
_TICKS_A_STEP = 12
_AFTER_CLOSE = timedelta(minutes=2)

AnyBroker = SimBroker | FaultyBroker


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
    broker: AnyBroker
    feed: Feeds
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

    async def run_until_the_end(self) -> None:
        """Let the whole session pass, and what follows it at once."""
        await self.run_until(self.session.close_at + _AFTER_CLOSE)

    def _something_lives(self) -> bool:
        ledger = self.engine.ledger
        return bool(ledger.signals or ledger.order_index.open or ledger.positions)


@asynccontextmanager
async def open_desk(
    config: LoadedConfig,
    scenario_name: str,
    seed: int,
    database: Path,
    *,
    quiet: bool = False,
    broker: type[SimBroker] = SimBroker,
    days: Path | None = None,
    recorder: Callable[[ManualClock, Settings], Recorder] | None = None,
    strategies: Sequence[str] = (),
    on: date | None = None,
    account: Mapping[str, Any] | None = None,
) -> AsyncIterator[Desk]:
    """Put a replay together on a store file, as a rule one that does not exist yet, and begin; `broker` may be a kind
    of its own, `days` is the folder where the day's quotes and answers are kept from replay to replay; `recorder` makes
    what records it; `strategies`: only these trade. `on`: the scenario's story on another day; `account`: what the
    venue was left with on an earlier one (`MatchingVenue.snapshot`)."""
    upgrade(_address(database))
    scenario = load_scenario(scenario_name)
    if on is not None:
        scenario = scenario.model_copy(update={"date": on})
    calendar = XnysCalendar.around(scenario.date, Path(config.settings.sim.state_dir), config.settings.calendar)
    kept, script = _kept(days, config, scenario, seed), FaultScript(scenario.faults, seed)
    market = KeptMarket(scenario, seed, kept) if kept.is_kept else build_market(scenario, seed)
    venue = build_venue(market, scenario, seed)
    if account is not None:
        venue.carry_on(dict(account), scenario.starts().astimezone(UTC))
    simulated = SimulatedVenue(venue)
    settings = trading_only(_paced_for_replay(scenario.settings_of_the_day(config.settings)), strategies)
    clock, told = ManualClock(scenario.starts()), log_of(settings)
    configure_logging("warning" if quiet else settings.log.level, config.hidden(), now=clock.now)
    bot = compose(
        BotParts(
            settings=settings,
            clock=clock,
            calendar=calendar,
            store=replay_store(_address(database), config.version),
            broker=partial(_broker, broker, simulated, script if scenario.faults else None),
            feed=partial(
                _feeds,
                config,
                UwFace(market, clock, fault=vendor_fault(script), bend=divergent(script), kept=kept),
                market.symbols(),
            ),
            ids=IdSource(random.Random(seed)),  # reproducible on purpose
            scenario=scenario.name,
            wait_for_answers=True,
            recorder=recorder(clock, settings) if recorder is not None else None,
            on_commit=(lambda batch: None) if quiet else told,
            on_look=(lambda strategy, look: None) if quiet else told.look,
        )
    )
    session = calendar.session_on(scenario.date) or calendar.next_session(scenario.date)
    claim = partial(bot.store.record_config, config.version, config.text)
    async with in_order(core_stages(bot, lambda: "the replayed day is over", claim)):
        yield Desk(clock, bot.engine, bot.broker, bot.feed, simulated, bot.store, session)
    kept.save()


def _broker(kind: type[SimBroker], simulated: SimulatedVenue, script: FaultScript | None, ground: Ground) -> AnyBroker:
    """Return the venue as a broker, with the scenario's faults between where it has some."""
    venue, tell, bot_id = simulated.venue, ground.inbox.put, ground.settings.bot_id
    if script is None:
        return kind(simulated, ground.clock, tell, bot_id)
    assert isinstance(venue, MatchingVenue)
    return FaultyBroker(simulated, venue, ground.clock, tell, bot_id, script)


def _sources(config: LoadedConfig) -> DataSources:
    return decided_on(validate_section(config.sources_tree, "sources", DataSources))


def _feeds(config: LoadedConfig, face: UwFace, listed: Collection[str], ground: Ground) -> Feeds:
    sources = at_the_simulator(_sources(config), 0, listed)
    transport = InProcessTransport(face)
    return Feeds(sources, ground.clock, ground.calendar, ground.inbox.put, lambda name, settings: transport)


async def replay_day(
    config: LoadedConfig,
    scenario: str,
    seed: int,
    database: Path,
    *,
    quiet: bool = False,
    days: Path | None = None,
    strategies: Sequence[str] = (),
) -> ReplayResult:
    """Replay a whole day into `database` and return what came of it; `days` and `strategies` as for `open_desk`."""
    began = time.monotonic()
    async with open_desk(config, scenario, seed, database, quiet=quiet, days=days, strategies=strategies) as desk:
        with seldom_collected():
            await desk.run_until_the_end()
    head, took = desk.store.head, time.monotonic() - began
    return ReplayResult(head.hash, head.seq, took, summarize(_address(database), desk.session.day), str(database))


def run_replay(config: LoadedConfig, options: ReplayOptions) -> int:
    """Replay as the command line asks, print the day and the head hash."""
    with tempfile.TemporaryDirectory(prefix="quanticity-") as folder:
        database = options.database or Path(folder) / "replay.db"
        database.unlink(missing_ok=True)
        days = folder_of_days() if options.kept else None
        quiet, chosen = options.as_json, options.strategies
        day = replay_day(config, options.scenario, options.seed, database, quiet=quiet, days=days, strategies=chosen)
        result = asyncio.run(day)
    sys.stdout.write(_as_json(result) if options.as_json else _as_text(result))
    return 0 if result.summary.sound else 1


def folder_of_days() -> Path | None:
    """Return where this machine keeps replayed days, None where nobody is at home: `$XDG_CACHE_HOME/quanticity/days`,
    without the variable in `~/.cache`. Never a checkout."""
    told = Path(os.environ.get("XDG_CACHE_HOME", ""))
    with suppress(RuntimeError):
        return (told if told.is_absolute() else Path.home() / ".cache") / "quanticity" / "days"
    return None


def _kept(days: Path | None, config: LoadedConfig, scenario: Scenario, seed: int) -> KeptDay:
    """Faults answer in the vendor's place and by their own order: such a day is worked out each time."""
    if days is None or scenario.faults:
        return KeptDay()
    asked = _sources(config).model_dump_json()
    return KeptDay(days, f"{scenario.name}-{seed}", fingerprint(scenario.model_dump_json(), seed, asked))


def _address(database: Path) -> str:
    return f"sqlite+aiosqlite:///{database.absolute()}"


def trading_only(settings: Settings, names: Sequence[str]) -> Settings:
    """Return settings in which only these strategies trade; without names as they are. Raises ConfigError for one that
    there is not."""
    if not names:
        return settings
    known = settings.strategies.sections()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"--strategies: there is no {', '.join(unknown)}; there are {', '.join(known)}")
    sections = {name: section.model_copy(update={"enabled": name in names}) for name, section in known.items()}
    return settings.model_copy(update={"strategies": settings.strategies.with_sections(sections)})


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
