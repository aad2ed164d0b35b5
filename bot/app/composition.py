"""One bot, put together in one place: the program, replays, fault days, tests and benchmarks all ask here.

Whoever needs a bot says in `BotParts` how each part of theirs is made; `compose` makes them and connects them: adapters
to the engine's inbox, the engine to all. Nothing has begun then. Who starts what, and in which order, is a list of
stages (`bot.app.stages`).

| who | store | broker | data | clock |
|---|---|---|---|---|
| `bot.app.trading` | SQL | IBKR | vendors over HTTP | system or scaled |
| `bot.app.replayed_day` | SQL | simulated, with faults where the scenario has some | vendors in process | manual |
| `bot.app.recorded_run` | SQL | none, or simulated on recorded quotes | what was recorded | as recorded |
| fault days (`tests/faults/day.py`) | SQL, mortal | simulated, faulty, mortal | a vendor, scripted | manual, faulty |
| tests of the engine, benchmarks | fakes or SQL | fakes, simulated or IBKR | none | manual or scaled |

The concrete adapters of the program are made by the functions below; they import their rooms when they are called, so
that a test on fakes loads no socket library.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.app.stages import Move, Stage
from bot.config.schema import Mode, Settings
from bot.domain.ids import IdSource
from bot.engine.outbox.voice import SILENT, Voice
from bot.engine.state.inbox import Inbox, Recorder
from bot.engine.state.ports import Broker, Clock, Store, TradingCalendar
from bot.engine.state.records import TickBatch
from bot.engine.switches import InForce
from bot.engine.tick import Engine
from bot.strategies.base import Look, Strategy
from bot.strategies.registry import build

if TYPE_CHECKING:
    from bot.broker.adapter import IbkrBroker
    from bot.broker.settings import BrokerSettings
    from bot.feeds.feeds import Feeds
    from bot.feeds.sources import DataSources
    from bot.store.database import Lane
    from bot.store.sql_store import SqlStore

ClockT = TypeVar("ClockT", bound=Clock)
StoreT = TypeVar("StoreT", bound=Store)
BrokerT = TypeVar("BrokerT", bound=Broker)
FeedT = TypeVar("FeedT")
PartT = TypeVar("PartT")


@dataclass(frozen=True, slots=True)
class Ground:
    """What each part is made on: settings, time, and the inbox into which its facts go."""

    settings: Settings
    clock: Clock
    calendar: TradingCalendar
    inbox: Inbox


@dataclass(frozen=True, kw_only=True)
class BotParts(Generic[ClockT, StoreT, BrokerT, FeedT]):
    """How each part of a bot is made. `strategies`: None for those of the settings; `scenario` names a simulated day;
    the rest is what the engine takes."""

    settings: Settings
    clock: ClockT
    calendar: TradingCalendar
    store: Callable[[Ground], StoreT]
    broker: Callable[[Ground], BrokerT]
    feed: Callable[[Ground], FeedT]
    strategies: Sequence[Strategy] | None = None
    ids: IdSource = field(default_factory=lambda: IdSource(random.SystemRandom()))
    scenario: str = ""
    wait_for_answers: bool = False
    full_passes: bool = False
    voice: Voice = SILENT
    overseen: bool = False
    on_commit: Callable[[TickBatch], None] = lambda batch: None
    on_look: Callable[[Strategy, Look], None] = lambda strategy, look: None
    on_outage: Callable[[str], None] = lambda words: None
    read_settings: Callable[[str], str | InForce] | None = None
    recorder: Recorder | None = None
    inbox: Inbox | None = None


@dataclass(frozen=True, slots=True)
class Bot(Generic[ClockT, StoreT, BrokerT, FeedT]):
    """The parts of one bot, connected; nothing of them has begun."""

    settings: Settings
    clock: ClockT
    calendar: TradingCalendar
    inbox: Inbox
    store: StoreT
    broker: BrokerT
    feed: FeedT
    engine: Engine


def compose(parts: BotParts[ClockT, StoreT, BrokerT, FeedT]) -> Bot[ClockT, StoreT, BrokerT, FeedT]:
    """Make every part and connect them."""
    ground = Ground(parts.settings, parts.clock, parts.calendar, parts.inbox or Inbox(parts.recorder))
    store, broker, feed = parts.store(ground), parts.broker(ground), parts.feed(ground)
    engine = Engine(
        parts.settings,
        store=store,
        broker=broker,
        clock=parts.clock,
        calendar=parts.calendar,
        strategies=build(parts.settings.strategies) if parts.strategies is None else parts.strategies,
        ids=parts.ids,
        inbox=ground.inbox,
        scenario=parts.scenario,
        wait_for_answers=parts.wait_for_answers,
        on_commit=parts.on_commit,
        on_look=parts.on_look,
        on_outage=parts.on_outage,
        full_passes=parts.full_passes,
        voice=parts.voice,
        read_settings=parts.read_settings,
        overseen=parts.overseen,
    )
    return Bot(parts.settings, parts.clock, parts.calendar, ground.inbox, store, broker, feed, engine)


# ---- what is started, in order


def core_stages(
    bot: Bot[ClockT, SqlStore, BrokerT, FeedT], why: Callable[[], str], claim: Move | None = None
) -> tuple[Stage, ...]:
    """Return what every bot on a store starts: the store, what is put on record before anything else (`claim`), the
    engine, which reads it, and the broker. `why` is the reason of the end, asked then."""
    return (
        Stage("store", bot.store.open, bot.store.close),
        Stage("claim", claim),
        Stage("engine", bot.engine.start, lambda: bot.engine.stop(why())),
        Stage("broker", bot.broker.start, bot.broker.stop),
    )


def ticking(engine: Engine) -> Stage:
    """Return the tick itself as a stage, for whoever does something else meanwhile."""
    stop = asyncio.Event()
    begun: list[asyncio.Task[None]] = []

    async def begin() -> None:
        begun.append(asyncio.create_task(engine.run(stop), name="tick"))

    async def end() -> None:
        stop.set()
        await begun.pop()

    return Stage("tick", begin, end)


# ---- how parts are made


def ready_made(part: PartT) -> Callable[[Ground], PartT]:
    """Use a part that is there."""
    return lambda ground: part


def no_feed(ground: Ground) -> None:
    """Leave data to whoever puts them into the inbox."""


def sql_store(
    url: str, config_version: str | None = None, *, lane: Lane | None = None, wall: Callable[[], datetime] | None = None
) -> Callable[[Ground], SqlStore]:
    """The store at an address; `wall` is the machine's own time where the clock's is another."""

    def make(ground: Ground) -> SqlStore:
        from bot.store.sql_store import SqlStore

        return SqlStore(url, ground.clock, config_version, lane, wall)

    return make


def replay_store(url: str, config_version: str | None) -> Callable[[Ground], SqlStore]:
    """The store that a replay writes its history into: it waits for no disk."""

    def make(ground: Ground) -> SqlStore:
        from bot.store.database import replay_lane_for
        from bot.store.sql_store import SqlStore

        return SqlStore(url, ground.clock, config_version, replay_lane_for(url))

    return make


def ibkr(on_venue_time: Callable[[datetime], None] | None) -> Callable[[Ground], IbkrBroker]:
    """The gateway that the settings name; `on_venue_time` hears what time a simulator has."""

    def make(ground: Ground) -> IbkrBroker:
        from bot.broker.adapter import IbkrBroker

        reach, bot_id = broker_settings(ground.settings), ground.settings.bot_id
        return IbkrBroker(reach, ground.clock, ground.inbox.put, bot_id=bot_id, on_venue_time=on_venue_time)

    return make


def feeds_over_http(sources: DataSources, secret: Callable[[str], str | None]) -> Callable[[Ground], Feeds]:
    """The data vendors at their addresses, or simulators there; `secret` gives what an environment variable holds."""

    def make(ground: Ground) -> Feeds:
        from bot.feeds.feeds import Feeds, keys_of, over_http

        how = (over_http(secret), keys_of(secret), secret)
        return Feeds(sources, ground.clock, ground.calendar, ground.inbox.put, *how)

    return make


def broker_settings(settings: Settings) -> BrokerSettings:
    """Return what the adapter is told of the gateway."""
    from bot.broker.settings import BrokerSettings

    ibkr = settings.ibkr
    return BrokerSettings(
        host=ibkr.host,
        port=ibkr.port,
        client_id=ibkr.client_id,
        account=ibkr.account,
        expects_paper={Mode.PAPER: True, Mode.LIVE: False}.get(settings.mode),
        universe=settings.universe.read(),
        takes_delayed=settings.universe.delayed,
        prints_of=settings.universe.prints_of,
        bars_of=settings.universe.bars_of,
        depth_first=settings.universe.depth_first,
        depth_then=settings.universe.depth_then,
        depth_every_s=settings.universe.depth_every_s,
        line_budget=ibkr.line_budget,
        depth_budget=ibkr.depth_budget,
        chain_lines=ibkr.chain_lines,
        chain_snapshot_s=ibkr.chain_snapshot_s,
        handshake_timeout_s=ibkr.handshake_timeout_s,
        request_timeout_s=ibkr.request_timeout_s,
        probe_every_s=ibkr.probe_every_s,
        line_quiet_s=ibkr.line_quiet_s,
        retry_max_s=ibkr.retry_most_s,
        tws_zone=ibkr.tws_zone,
    )
