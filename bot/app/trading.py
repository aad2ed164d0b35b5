"""One run of the bot: in sim mode with its own venue, in paper and live against a gateway that is already there.

Order of a start: refuse what cannot work, bring the store up, then the stages of `_stages`, one by one; whichever way
the run ends, they are stopped in reverse. What only a simulated day needs is imported where it is used, the market
model never: it lives in the venue's process. After a crash every half second of a start counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.alerts.channels import voice_of
from bot.app.allocator import freeze_what_lives
from bot.app.background import Background, cancel
from bot.app.backups import Backups
from bot.app.composition import Bot, BotParts, compose, core_stages, feeds_over_http, ibkr, sql_store
from bot.app.day_end import day_to_sum_up, watch_the_close
from bot.app.discovery import DiscoveryJob
from bot.app.disk_space import watch_the_disk
from bot.app.fast_clock import paced, widened_sources
from bot.app.history_upkeep import HistoryKeeper, look_at_start
from bot.app.locks import alone, tick_mark
from bot.app.os_signals import emergency_on_signal, stop_on_signals
from bot.app.page_process import page
from bot.app.people_child import PeopleBell, people
from bot.app.recorder_process import Tape, tape_for
from bot.app.reloading import ReadAnew
from bot.app.settings_watch import SettingsWatch
from bot.app.simulated_vendors import at_the_simulator
from bot.app.stages import Stage, in_order
from bot.app.start_checks import bring_up_store, check_page_port
from bot.app.trader_log import DetailLog, TraderLog, log_at_start
from bot.app.watchdogs import LifeSigns, Systemd
from bot.broker.adapter import IbkrBroker
from bot.clocks.calendar import XnysCalendar
from bot.clocks.clock import ClockWatch, ScaledClock, SystemClock, wall_seconds
from bot.clocks.paced import Pace, PacedClock, keep_leading
from bot.config.loader import LoadedConfig, validate_section
from bot.config.options import RunOptions
from bot.config.schema import Mode, Settings
from bot.config.takeover import with_live
from bot.domain.connection import Connection, ConnectionState
from bot.domain.errors import StoreError
from bot.domain.wording import clock_time, new_york
from bot.engine.state.inbox import Inbox
from bot.engine.state.ports import Clock
from bot.engine.state.records import TickBatch
from bot.engine.switches import ComingSettings
from bot.engine.tick import Engine
from bot.feeds.feeds import Feeds
from bot.feeds.sources import DataSources
from bot.log import configure_logging, guard_last_words, redactor
from bot.overseer.access import is_overseen
from bot.store.address import is_sqlite, sqlite_path
from bot.store.sql_store import SqlStore
from bot.strategies.registry import build

if TYPE_CHECKING:
    from bot.app.simulated_day import SimulatedDay

log: Final = logging.getLogger("quanticity")

AnyClock = SystemClock | ScaledClock
Placed = Callable[[DataSources], DataSources]
"""Says where data sources are asked: at their own addresses, or at the simulator."""
TradingBot = Bot[AnyClock, SqlStore, IbkrBroker, Feeds]

_COMMAND_POLL_S: Final = 0.05
"""Wall seconds between two looks whether anybody wrote to the store, each a few microseconds of its thread."""
_COMMAND_POLL_SLOW_S: Final = 0.25
"""The same of a store that does not say: each look reads it. And after trouble."""
_READ_ALL_THE_SAME_S: Final = 1.0
_CLOCK_POLL_S: Final = 0.5
_CLOCK_POLL_WALL_S: Final = 0.02
_FEED_WAITS_S: Final = 1.0
_START_TAKES_WALL_S: Final = 15.0  # a fast day waits no longer for a start that does not end
_BEGINS_AGAIN: Final = "the machine's clock was set back to the broker's: the bot begins again"

_NEW_SETTINGS: Final = "the settings were read anew: the bot begins again with them"


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
    check_page_port(settings)
    if settings.mode is Mode.SIM:
        return asyncio.run(_run_simulated(config, options))
    bring_up_store(settings)
    return asyncio.run(_run_at_gateway(config, options))


# ---- the two ways to run


async def _run_simulated(config: LoadedConfig, options: RunOptions) -> int:
    from bot.app.simulated_people import at_simulated_services
    from bot.app.venue_child import venue_child

    settings = config.settings
    pace = Pace.new()
    async with venue_child(pace.fd) as venue:  # first: it loads its market while the store is brought up here
        bring_up_store(settings)
        day = _simulated_day(settings, options)
        ports = await venue.open(day.setup(settings, pace.fd))
        anchor = wall_seconds()
        await venue.release(anchor)
        pace.begin()
        ibkr = settings.ibkr.model_copy(update={"host": "127.0.0.1", "port": ports.tws})
        config = at_simulated_services(
            replace(config, settings=settings.model_copy(update={"ibkr": ibkr})), ports.services
        )
        _greet_simulated(day, config.settings.sim.services.inbox_port if ports.services else 0)
        new_clock = partial(_clock_of, day, anchor, pace)
        placed = partial(at_the_simulator, port=ports.uw, listed=tuple(day.scenario.symbols))
        around = Surroundings(new_clock, placed, day)
        leading = asyncio.create_task(keep_leading(pace, day.speed, around.ready, _START_TAKES_WALL_S), name="pace")
        try:
            return await _trade_on(config, options, around)
        finally:
            await cancel(leading)


def _simulated_day(settings: Settings, options: RunOptions) -> SimulatedDay:
    from bot.app.simulated_day import plan_day

    return plan_day(settings, options)


def _clock_of(day: SimulatedDay, anchor: float, pace: Pace) -> ScaledClock:
    """Return the day's clock: one that waits for who lives by it where it runs faster than the wall's; where the
    scenario sets the machine's wall clock, one that has to live with that."""
    from bot.sim.faults.catalogue import ClockJump

    true = PacedClock(day.start_at, day.speed, pace) if day.is_fast else ScaledClock(day.start_at, day.speed, anchor)
    jumps = [fault for fault in day.scenario.faults if isinstance(fault, ClockJump)]
    if not jumps:
        return true
    from bot.sim.faults.clock import JumpingClock
    from bot.sim.faults.script import FaultScript

    return JumpingClock(true, FaultScript(jumps))


async def _run_at_gateway(config: LoadedConfig, options: RunOptions) -> int:
    new_clock: Callable[[], AnyClock] = SystemClock
    if options.start_at is not None or options.speed is not None:
        start_at = options.start_at or SystemClock().now()
        new_clock = partial(ScaledClock, start_at, options.speed or 1.0, wall_seconds())
    return await _trade_on(config, options, Surroundings(new_clock, lambda sources: sources))


def _sources(config: LoadedConfig) -> DataSources:
    return validate_section(config.sources_tree, "sources", DataSources)


def _greet_simulated(day: SimulatedDay, inbox_port: int) -> None:
    verb = "goes on" if day.resumed else "starts"
    began = f"{clock_time(day.start_at)} New York"
    what = f"{day.scenario_name}, seed {day.seed}"
    log.info(f"simulated day {day.session.day} ({what}) {verb} at {began}, {day.speed:g} times as fast as real time")
    if inbox_port:
        log.info(f"inbox: http://127.0.0.1:{inbox_port}/   what phones and mailboxes receive, with buttons")


# ---- one trading run, the same in every mode


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run lives in: its time, where data sources are asked, the day where that is simulated; and whether it has
    started up, which a fast day waits for."""

    new_clock: Callable[[], AnyClock]
    placed: Placed
    day: SimulatedDay | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


async def _trade_on(config: LoadedConfig, options: RunOptions, around: Surroundings) -> int:
    """Trade, and begin again with a fresh clock as often as only that brings the time right, or new settings into
    force."""
    anew = ReadAnew(config)
    while (code := await _trade(config, options, around, anew)) is None:
        config = anew.take_over()
        log.warning("the bot begins again")
    return code


async def _trade(config: LoadedConfig, options: RunOptions, around: Surroundings, anew: ReadAnew) -> int | None:
    """Return the exit code, None where it is to begin again."""
    around.ready.clear()
    clock, day = around.new_clock(), around.day
    settings = config.settings if day is None else day.scenario.settings_of_the_day(config.settings)
    config = replace(config, settings=paced(settings, clock.speed))
    configure_logging(config.settings.log.level, config.hidden(), now=clock.now, aside=True)
    guard_last_words(redactor(config.hidden()))  # of threads, too
    synced = asyncio.Event()  # the broker's book was compared once
    sources = widened_sources(around.placed(_sources(config)), clock.speed)
    tape = tape_for(config, clock, day.scenario_name if day else "")
    bell = PeopleBell()
    parts = _parts(config, clock, sources, day, synced)
    on_commit = in_turn(parts.on_commit, bell.committed)
    bot = compose(tape.recorded(replace(parts, read_settings=anew, on_commit=on_commit)))
    stop = stop_on_signals(config.settings.engine.stop_wall_seconds)
    emergency_on_signal(bot.inbox, clock)
    anew.take_live = partial(_take_live, bot, day, tape)
    watch = SettingsWatch(config, partial(_take_sources, bot, around.placed), clock, bot.inbox.put, anew=anew)
    async with in_order((*tape.stages(bot), *_stages(config, bot, options, synced, stop, watch, bell, around.ready))):
        await bot.engine.run(stop)
    if bot.engine.should_begin_again and not stop.is_set():
        return None
    return _farewell(bot.settings, day_to_sum_up(bot.calendar, clock.now()), options)


def _parts(
    config: LoadedConfig, clock: AnyClock, sources: DataSources, day: SimulatedDay | None, synced: asyncio.Event
) -> BotParts[AnyClock, SqlStore, IbkrBroker, Feeds]:
    settings = config.settings
    calendar = XnysCalendar.around(clock.now().date(), Path(settings.sim.state_dir), settings.calendar)
    told = log_at_start(settings, calendar.today(clock.now()))
    return BotParts(
        settings=settings,
        clock=clock,
        calendar=calendar,
        store=sql_store(settings.database.url, config.version, wall=SystemClock().now),
        broker=ibkr(_follower_of_the_venue(clock) if day is None else None),
        feed=feeds_over_http(sources, config.secrets.of_vendor),
        scenario=day.scenario_name if day else "",
        voice=voice_of(settings, config.secrets),
        overseen=is_overseen(settings, config.secrets),
        on_commit=_committed(told, synced, tick_mark(settings)),
        on_look=told.look,
        on_outage=log.error,
    )


def _stages(
    config: LoadedConfig,
    bot: TradingBot,
    options: RunOptions,
    synced: asyncio.Event,
    stop: asyncio.Event,
    edits: SettingsWatch,
    bell: PeopleBell,
    ready: asyncio.Event,
) -> tuple[Stage, ...]:
    """Return what a run starts, in this order; at its end it is stopped in reverse."""
    clock, tell, engine = bot.clock, bot.inbox.put, bot.engine
    background, signs = Background(clock, tell), _life_signs(engine)
    watch = ClockWatch(clock, bot.settings.engine.clock_tolerance_s)
    discovery = DiscoveryJob(config.root / "config", lambda: engine.settings, clock, bot.calendar, tell)
    return (
        Stage("the history's look", partial(_look_at_history, bot)),
        *core_stages(bot, partial(_why_it_stops, engine), partial(_claim, config, bot)),
        Stage("data", partial(_remember_use, bot), bot.feed.stop),
        background.stage("the feed", partial(_feed_after_the_book, bot.feed, synced, ready)),
        background.stage("garbage", partial(_freeze_after_the_book, synced)),
        background.stage("settings", edits.run),
        *page(config, clock, background),
        *people(config, voice_of(config.settings, config.secrets), clock, background, tell, bell),
        Stage("signs of life", signs.start, signs.stop),
        background.stage("requests", partial(_poll_requests, bot.store, bot.inbox)),
        background.stage("clock", partial(_watch_the_clock, watch, bot.inbox, clock.speed)),
        *_of_the_stores_file(bot, background),
        background.stage("discovery", discovery.run),
        background.stage("the day's end", partial(watch_the_close, engine, clock, bot.calendar, options, stop, tell)),
    )


def _of_the_stores_file(bot: TradingBot, background: Background) -> list[Stage]:
    """Return what looks after a store that is a file: room on its disk, backups, its history."""
    database, clock, tell = bot.settings.database, bot.clock, bot.inbox.put
    if not is_sqlite(database.url):
        return []
    stages = []
    if database.free_mb_least:
        directory = sqlite_path(database.url).resolve().parent
        look = partial(watch_the_disk, directory, database.free_mb_least, clock, tell)
        stages.append(background.stage("free disk", look))
    if database.backup_every_hours:
        backups = Backups(database.url, database, clock, bot.calendar, tell)
        stages.append(background.stage("backups", backups.run))
    history = HistoryKeeper(database, bot.store, clock, tell)
    stages.append(background.stage("the history's head", history.keep_head))
    return [*stages, background.stage("old rows", history.keep_size)]


async def _look_at_history(bot: TradingBot) -> None:
    """Before anything is written to it."""
    for alert in await asyncio.to_thread(look_at_start, bot.settings.database, bot.clock.now()):
        bot.inbox.put(alert)


async def _claim(config: LoadedConfig, bot: TradingBot) -> None:
    """Put this run's settings on record, and whose store it is; the adapter learns which account's book is in it."""
    ibkr = bot.settings.ibkr
    await bot.store.record_config(config.version, config.text)
    await bot.store.claim(bot.settings.bot_id, ibkr.client_id)
    bot.broker.keep_to(await bot.store.held_in(ibkr.account))


def _life_signs(engine: Engine) -> LifeSigns:
    """What tells whoever watches the program that it lives."""
    settings = engine.settings.engine
    file = Path(settings.dead_man_file) if settings.dead_man_file else None
    return LifeSigns(engine, Systemd(os.environ), dead_man_file=file, dead_man_url=settings.dead_man_url)


def in_turn(*told: Callable[[TickBatch], None]) -> Callable[[TickBatch], None]:
    """Return what tells each of these of a batch, in this order."""

    def tell(batch: TickBatch) -> None:
        for each in told:
            each(batch)

    return tell


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


def _why_it_stops(engine: Engine) -> str:
    if engine.has_new_settings:
        return _NEW_SETTINGS
    return _BEGINS_AGAIN if engine.should_begin_again else "the program stops"


async def _feed_after_the_book(feed: Feeds, synced: asyncio.Event, ready: asyncio.Event) -> None:
    """Start the feed once the broker's book was compared, or soon all the same: loading its HTTP client would hold up
    the comparison, and until then nothing is decided on its data. With both there the start is over."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(synced.wait(), _FEED_WAITS_S)
    await feed.start()
    await synced.wait()
    ready.set()


async def _remember_use(bot: TradingBot) -> None:
    """Let the feeds go on with breakers, calls and cost where a run before this one left them."""
    bot.feed.remember(await bot.store.endpoint_days(bot.clock.now()))


def _take_live(bot: TradingBot, day: SimulatedDay | None, tape: Tape, config: LoadedConfig) -> None:
    """Have the tick go on with what may change live of a configuration; the rest is as the run has it."""
    wanted = config.settings if day is None else day.scenario.settings_of_the_day(config.settings)
    settings = with_live(bot.engine.settings, paced(wanted, bot.clock.speed))
    record = partial(bot.store.record_config, config.version, config.text)
    tape.takes(settings, config.version)
    bot.engine.take_settings(ComingSettings(settings, build(settings.strategies), record))


async def _take_sources(bot: TradingBot, placed: Placed, sources: DataSources, config: LoadedConfig) -> None:
    """Bring edited data sources into force, and put them on record."""
    await bot.feed.take(widened_sources(placed(sources), bot.clock.speed), config.secrets.of_vendor)
    await bot.store.record_config(config.version, config.text)


async def _freeze_after_the_book(synced: asyncio.Event) -> None:
    """Leave what a start brought to memory out of every later collection, once the start is over."""
    await synced.wait()
    freeze_what_lives()


def _farewell(settings: Settings, day: date, options: RunOptions) -> int:
    """Print what the day came to; at the end of a day that was run to its close a broken invariant is a failed run. At
    Ctrl-C they are left out: they read the whole history, and `audit invariants` does it at leisure."""
    from bot.app.day_summary import lines, summarize

    try:
        summary = summarize(settings.database.url, day, with_invariants=options.until_close)
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


async def _poll_requests(store: SqlStore, inbox: Inbox) -> None:
    """Bring rows of `command` and `inbound` to the tick; one that is on its way is not brought twice."""
    brought: set[str] = set()
    loop, read_at = asyncio.get_running_loop(), float("-inf")
    pause_s = _COMMAND_POLL_S if store.tells_news else _COMMAND_POLL_SLOW_S
    while True:
        if await store.has_news() or loop.time() - read_at >= _READ_ALL_THE_SAME_S:
            read_at = loop.time()
            try:
                pending = [*await store.pending_commands(), *await store.pending_inbound()]
            except StoreError:  # the tick finds the same trouble, says so and waits for its end
                await asyncio.sleep(_COMMAND_POLL_SLOW_S)
                continue
            for row in pending:
                if row.id not in brought:
                    inbox.put(row)
            brought = {row.id for row in pending}
        await asyncio.sleep(pause_s)


async def _watch_the_clock(watch: ClockWatch, inbox: Inbox, speed: float) -> None:
    """Tell the tick when somebody sets the machine's clock."""
    while True:
        if (news := watch.look()) is not None:
            inbox.put(news)
        await asyncio.sleep(clock_poll_wall_s(speed))


def clock_poll_wall_s(speed: float) -> float:
    """Return wall seconds between two looks: half a second of the bot's clock, as far as a fast one lets us."""
    return max(_CLOCK_POLL_S / max(speed, 1.0), _CLOCK_POLL_WALL_S)
