"""One run of the bot: in sim mode with its own venue, in paper and live against a gateway that is already there.

Order of a start: refuse what cannot work, bring the store up, start the children, then the engine, then the adapters.
Whatever was started is stopped again in reverse, whichever way the run ends. What only a simulated day needs (the
market model above all) is imported where it is used: after a crash every half second of a start counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.app.background import Background
from bot.app.backups import Backups
from bot.app.child_process import Child, ChildFailed
from bot.app.day_end import watch_the_close
from bot.app.disk_space import watch_the_disk
from bot.app.fast_clock import paced
from bot.app.history_upkeep import HistoryKeeper, look_at_start
from bot.app.locks import alone, tick_mark
from bot.app.os_signals import emergency_on_signal, stop_on_signals
from bot.app.page_process import page
from bot.app.start_checks import bring_up_store, check_page_port
from bot.app.trader_log import DetailLog, TraderLog, log_at_start
from bot.app.watchdogs import LifeSigns, Systemd
from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.config.loader import LoadedConfig, validate_section
from bot.config.options import RunOptions
from bot.config.schema import Mode, Settings
from bot.domain.calendar import NEW_YORK
from bot.domain.connection import Connection, ConnectionState
from bot.domain.errors import ConfigError, StoreError
from bot.domain.ids import IdSource
from bot.domain.wording import new_york
from bot.engine.state.inbox import Inbox
from bot.engine.state.ports import Clock
from bot.engine.state.records import TickBatch
from bot.engine.tick import Engine
from bot.feeds.calendar import XnysCalendar
from bot.feeds.clock import ClockWatch, ScaledClock, SystemClock, wall_seconds
from bot.feeds.sources import DataSources, UwSettings
from bot.feeds.uw import UwFeed
from bot.log import configure_logging
from bot.store.address import is_sqlite, sqlite_path
from bot.store.sql_store import SqlStore
from bot.strategies.registry import build

if TYPE_CHECKING:
    from bot.app.simulated_day import SimulatedDay

log: Final = logging.getLogger("quanticity")

# Our own simulator takes any bearer; whether a real one is missing was checked before the start.
_ANY_BEARER: Final = "simulated"
_COMMAND_POLL_S: Final = 0.25
_CLOCK_POLL_S: Final = 0.5
_CLOCK_POLL_WALL_S: Final = 0.02
_FEED_WAITS_S: Final = 1.0
_BEGINS_AGAIN: Final = "the machine's clock was set back to the broker's: the bot begins again"


def run(config: LoadedConfig, options: RunOptions) -> int:
    """Trade until told to stop, or until the close; returns the exit code."""
    settings = config.settings
    config.require_secrets()
    with alone(settings, SystemClock().now()):
        return _run_alone(config, options)


def _run_alone(config: LoadedConfig, options: RunOptions) -> int:
    settings = config.settings
    if options.fresh and settings.mode is Mode.SIM:
        from bot.app.simulated_day import set_aside

        for path in set_aside(settings, SystemClock().now()):
            log.info(f"set aside: {path}")
    bring_up_store(settings)
    check_page_port(settings)
    if settings.mode is Mode.SIM:
        return asyncio.run(_run_simulated(config, options))
    return asyncio.run(_run_at_gateway(config, options))


# ---- the two ways to run


async def _run_simulated(config: LoadedConfig, options: RunOptions) -> int:
    from bot.app.simulated_day import plan_day

    settings = config.settings
    day = plan_day(settings, options)
    async with _venue(settings, day) as (venue, tws_port, uw_port):
        anchor = wall_seconds()
        await venue.tell(repr(anchor))
        ibkr = settings.ibkr.model_copy(update={"host": "127.0.0.1", "port": tws_port})
        settings = settings.model_copy(update={"ibkr": ibkr})
        sources = _sources(config).model_copy(update={"base_url": f"http://127.0.0.1:{uw_port}"})
        _greet_simulated(day)
        new_clock = partial(_clock_of, day, anchor)
        return await _trade_on(replace(config, settings=settings), options, new_clock, sources, day=day)


def _clock_of(day: SimulatedDay, anchor: float) -> ScaledClock:
    """Return the day's clock; where the scenario sets the machine's wall clock, one that has to live with it."""
    from bot.sim.faults.catalogue import ClockJump
    from bot.sim.faults.clock import JumpingClock
    from bot.sim.faults.script import FaultScript

    jumps = [fault for fault in day.scenario.faults if isinstance(fault, ClockJump)]
    if not jumps:
        return ScaledClock(day.start_at, day.speed, anchor)
    return JumpingClock(day.start_at, day.speed, anchor, FaultScript(jumps))


async def _run_at_gateway(config: LoadedConfig, options: RunOptions) -> int:
    new_clock: Callable[[], SystemClock | ScaledClock] = SystemClock
    if options.start_at is not None or options.speed is not None:
        start_at = options.start_at or SystemClock().now()
        new_clock = partial(ScaledClock, start_at, options.speed or 1.0, wall_seconds())
    return await _trade_on(config, options, new_clock, _sources(config), day=None)


def _sources(config: LoadedConfig) -> UwSettings:
    return validate_section(config.sources_tree, "sources", DataSources).unusual_whales


@asynccontextmanager
async def _venue(settings: Settings, day: SimulatedDay) -> AsyncIterator[tuple[Child, int, int]]:
    from bot.app.venue_process import VenueSetup

    setup = VenueSetup(
        scenario=day.scenario_name,
        seed=day.seed,
        day=day.session.day.isoformat(),
        start_at=day.start_at.isoformat(),
        speed=day.speed,
        tws_port=settings.sim.tws_port,
        uw_port=settings.sim.uw_port,
        pace_s=settings.sim.quote_pace_s,
        book_file=str(day.book_file),
    )
    child = Child("venue", ["-m", "bot.app.venue_process"])
    await child.start()
    try:
        await child.tell(setup.to_json())
        words = dict(part.split("=") for part in (await child.ready_line("ready ")).split()[1:])
        yield child, int(words["tws"]), int(words["uw"])
    except ChildFailed as error:
        raise ConfigError(f"{error}; its own message stands above") from error
    finally:
        await child.stop()


def _greet_simulated(day: SimulatedDay) -> None:
    verb = "goes on" if day.resumed else "starts"
    began = f"{day.start_at.astimezone(NEW_YORK):%H:%M:%S} ET"
    what = f"{day.scenario_name}, seed {day.seed}"
    log.info(f"simulated day {day.session.day} ({what}) {verb} at {began}, {day.speed:g} times as fast as real time")


# ---- one trading run, the same in every mode


async def _trade_on(
    config: LoadedConfig,
    options: RunOptions,
    new_clock: Callable[[], SystemClock | ScaledClock],
    sources: UwSettings,
    *,
    day: SimulatedDay | None,
) -> int:
    """Trade, and begin again with a fresh clock as often as only that brings the time right."""
    while (code := await _trade(config, options, new_clock(), sources, day=day)) is None:
        log.warning(_BEGINS_AGAIN)
    return code


@dataclass(frozen=True, slots=True)
class _Desk:
    """The parts of one run; nothing of them has begun."""

    config: LoadedConfig
    clock: SystemClock | ScaledClock
    calendar: XnysCalendar
    inbox: Inbox
    store: SqlStore
    broker: IbkrBroker
    feed: UwFeed
    engine: Engine
    synced: asyncio.Event  # the broker's book was compared once

    @property
    def settings(self) -> Settings:
        return self.config.settings


async def _trade(
    config: LoadedConfig,
    options: RunOptions,
    clock: SystemClock | ScaledClock,
    sources: UwSettings,
    *,
    day: SimulatedDay | None,
) -> int | None:
    """Return the exit code, None where it is to begin again."""
    desk = await _set_up(replace(config, settings=paced(config.settings, clock.speed)), clock, sources, day)
    engine, stop = desk.engine, stop_on_signals()
    emergency_on_signal(desk.inbox, clock)
    async with contextlib.AsyncExitStack() as running:
        await _begin(desk, running)
        background = Background(clock, desk.inbox.put)
        background.start_within(running, "the feed", partial(_feed_after_the_book, desk.feed, desk.synced))
        if desk.settings.web.enabled:
            await running.enter_async_context(page(config, clock, background))
        _show_life(desk, running)
        background.start_within(running, "requests", partial(_poll_requests, desk.store, desk.inbox))
        watch = ClockWatch(clock, desk.settings.engine.clock_tolerance_s)
        background.start_within(running, "clock", partial(_watch_the_clock, watch, desk.inbox, clock.speed))
        _watch_the_store(desk, running, background)
        close = partial(watch_the_close, engine, clock, desk.calendar, options, stop)
        background.start_within(running, "the day's end", close)
        await engine.run(stop)
    if engine.should_begin_again and not stop.is_set():
        return None
    return _farewell(desk.settings, desk.calendar.today(clock.now()), options)


async def _set_up(
    config: LoadedConfig, clock: SystemClock | ScaledClock, sources: UwSettings, day: SimulatedDay | None
) -> _Desk:
    settings = config.settings
    configure_logging(settings.log.level, config.hidden(), now=clock.now, aside=True)
    inbox, synced = Inbox(), asyncio.Event()
    calendar = XnysCalendar.around(clock.now().date(), Path(settings.sim.state_dir), settings.calendar)
    store = await _open_store(config, clock, inbox)
    align = _follower_of_the_venue(clock) if day is None else None
    broker = IbkrBroker(_broker_settings(settings), clock, inbox.put, bot_id=settings.bot_id, on_venue_time=align)
    feed = UwFeed.over_http(sources, clock, calendar, inbox.put, config.secrets.unusual_whales_token or _ANY_BEARER)
    told = log_at_start(settings, calendar.today(clock.now()))
    engine = Engine(
        settings,
        store=store,
        broker=broker,
        clock=clock,
        calendar=calendar,
        strategies=build(settings.strategies),
        ids=IdSource(random.SystemRandom()),
        inbox=inbox,
        scenario=day.scenario_name if day else "",
        on_commit=_committed(told, synced, tick_mark(settings)),
        on_look=told.look,
        on_outage=log.error,
    )
    return _Desk(config, clock, calendar, inbox, store, broker, feed, engine, synced)


async def _open_store(config: LoadedConfig, clock: SystemClock | ScaledClock, inbox: Inbox) -> SqlStore:
    """Open it, once its history was looked at and before anything is written to it."""
    database = config.settings.database
    store = SqlStore(database.url, clock, config_version=config.version, wall=SystemClock().now)
    for alert in await asyncio.to_thread(look_at_start, database, clock.now()):
        inbox.put(alert)
    await store.open()
    await store.record_config(config.version, config.text)
    return store


async def _begin(desk: _Desk, running: contextlib.AsyncExitStack) -> None:
    """Start engine and adapters, in their order; each is stopped with the run, in reverse."""
    ibkr = desk.settings.ibkr
    running.push_async_callback(desk.store.close)
    await desk.store.claim(desk.settings.bot_id, ibkr.client_id)
    desk.broker.keep_to(await desk.store.held_in(ibkr.account))
    await desk.engine.start()
    running.push_async_callback(_stop, desk.engine)
    await desk.broker.start()
    running.push_async_callback(desk.broker.stop)
    running.push_async_callback(desk.feed.stop)


def _show_life(desk: _Desk, running: contextlib.AsyncExitStack) -> None:
    """Tell whoever watches the program that it lives."""
    settings = desk.settings.engine
    file = Path(settings.dead_man_file) if settings.dead_man_file else None
    signs = LifeSigns(desk.engine, Systemd(os.environ), dead_man_file=file, dead_man_url=settings.dead_man_url)
    signs.start()
    running.push_async_callback(signs.stop)


def _watch_the_store(desk: _Desk, running: contextlib.AsyncExitStack, background: Background) -> None:
    """Start what looks after a store that is a file: room on its disk, backups, its history."""
    database, clock, tell = desk.settings.database, desk.clock, desk.inbox.put
    if not is_sqlite(database.url):
        return
    if database.free_mb_least:
        directory = sqlite_path(database.url).resolve().parent
        look = partial(watch_the_disk, directory, database.free_mb_least, clock, tell)
        background.start_within(running, "free disk", look)
    if database.backup_every_hours:
        backups = Backups(database.url, database, clock, desk.calendar, tell)
        background.start_within(running, "backups", backups.run)
    history = HistoryKeeper(database, desk.store, clock, tell)
    background.start_within(running, "the history's head", history.run)


def _committed(told: TraderLog | DetailLog, synced: asyncio.Event, mark: Path) -> Callable[[TickBatch], None]:
    """Return what follows a batch that is on disk: its lines, the first synced book, the time of the last tick."""

    def committed(batch: TickBatch) -> None:
        told(batch)
        link = batch.changed.one(Connection)
        if link is not None and link.state is ConnectionState.SYNCED:
            synced.set()
        if batch.status is not None:
            with contextlib.suppress(OSError):  # who asks for the last tick learns of an older one
                mark.touch()

    return committed


async def _stop(engine: Engine) -> None:
    await engine.stop(_BEGINS_AGAIN if engine.should_begin_again else "the program stops")


async def _feed_after_the_book(feed: UwFeed, synced: asyncio.Event) -> None:
    """Start the feed once the broker's book was compared, or soon all the same: loading its HTTP client would hold up
    the comparison, and until then nothing is decided on its data."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(synced.wait(), _FEED_WAITS_S)
    await feed.start()


def _farewell(settings: Settings, today: date, options: RunOptions) -> int:
    """Print what the day came to; at the end of a day that was run to its close a broken invariant is a failed run. At
    Ctrl-C they are left out: they read the whole history, and `audit invariants` does it at leisure."""
    from bot.app.day_summary import lines, summarize

    try:
        summary = summarize(settings.database.url, today, with_invariants=options.until_close)
    except StoreError as error:
        log.warning(f"the day is not summed up: {error}")
        return 0
    sys.stdout.write("\n".join(lines(summary)) + "\n")
    return 0 if summary.sound else 1


def _follower_of_the_venue(clock: Clock) -> Callable[[datetime], None] | None:
    """A simulator that was started by somebody else says what time it is; a real gateway is never asked."""
    if not isinstance(clock, ScaledClock):
        return None

    def follow(venue_time: datetime) -> None:
        if clock.align(venue_time):
            log.info(f"our clock follows the venue's: {new_york(venue_time)}")

    return follow


def _broker_settings(settings: Settings) -> BrokerSettings:
    ibkr = settings.ibkr
    return BrokerSettings(
        host=ibkr.host,
        port=ibkr.port,
        client_id=ibkr.client_id,
        account=ibkr.account,
        expects_paper={Mode.PAPER: True, Mode.LIVE: False}.get(settings.mode),
        line_budget=ibkr.line_budget,
        depth_budget=ibkr.depth_budget,
        handshake_timeout_s=ibkr.handshake_timeout_s,
        request_timeout_s=ibkr.request_timeout_s,
        probe_every_s=ibkr.probe_every_s,
        line_quiet_s=ibkr.line_quiet_s,
        retry_max_s=ibkr.retry_most_s,
        tws_zone=ibkr.tws_zone,
    )


async def _poll_requests(store: SqlStore, inbox: Inbox) -> None:
    """Bring rows of `command` and `inbound` to the tick; one that is on its way is not brought twice."""
    brought: set[str] = set()
    while True:
        try:
            pending = [*await store.pending_commands(), *await store.pending_inbound()]
        except StoreError:  # the tick finds the same trouble, says so and waits for its end
            await asyncio.sleep(_COMMAND_POLL_S)
            continue
        for row in pending:
            if row.id not in brought:
                inbox.put(row)
        brought = {row.id for row in pending}
        await asyncio.sleep(_COMMAND_POLL_S)


async def _watch_the_clock(watch: ClockWatch, inbox: Inbox, speed: float) -> None:
    """Tell the tick when somebody sets the machine's clock."""
    while True:
        if (news := watch.look()) is not None:
            inbox.put(news)
        await asyncio.sleep(clock_poll_wall_s(speed))


def clock_poll_wall_s(speed: float) -> float:
    """Return wall seconds between two looks: half a second of the bot's clock, as far as a fast one lets us."""
    return max(_CLOCK_POLL_S / max(speed, 1.0), _CLOCK_POLL_WALL_S)
