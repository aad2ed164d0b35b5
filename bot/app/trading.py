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
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from bot.app.announce import announce, announce_look
from bot.app.backups import Backups
from bot.app.beside import Beside, cancel
from bot.app.children import Child, ChildFailed
from bot.app.life_signs import LifeSigns, Systemd
from bot.app.locks import alone
from bot.app.pacing import paced
from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.config.loader import LoadedConfig, validate_section
from bot.config.options import RunOptions
from bot.config.schema import Mode, Settings
from bot.domain.calendar import NEW_YORK
from bot.domain.connection import ConnectionState
from bot.domain.errors import ConfigError, StoreError
from bot.domain.events import CommandKind, CommandReceived
from bot.domain.ids import IdSource, ulid
from bot.engine.inbox import Inbox
from bot.engine.ports import Clock
from bot.engine.records import TickBatch
from bot.engine.tick import Engine
from bot.feeds.calendar import XnysCalendar
from bot.feeds.clock import ScaledClock, SystemClock, wall_seconds
from bot.feeds.sources import DataSources, UwSettings
from bot.feeds.uw import UwFeed
from bot.log import configure_logging
from bot.store.address import is_sqlite, sqlite_path
from bot.store.copies import refuse_corrupt
from bot.store.revision import check_revision, current_revision, upgrade
from bot.store.sql_store import SqlStore
from bot.strategies.registry import build

if TYPE_CHECKING:
    from bot.app.simulated_day import SimulatedDay

log: Final = logging.getLogger("quanticity")

# Our own simulator takes any bearer; whether a real one is missing was checked before the start.
_ANY_BEARER: Final = "simulated"
_COMMAND_POLL_S: Final = 0.25
_CLOSE_POLL_S: Final = 0.1
_PAGE_RESTART_S: Final = 2.0
REPORTS_IN: Final = timedelta(minutes=2)
"""After the close: by then the reports of the last fills are in."""
_FEED_WAITS_S: Final = 1.0
_STOP_WITHIN_S: Final = 4.0


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
    _bring_up_store(settings)
    _check_page_port(settings)
    if settings.mode is Mode.SIM:
        return asyncio.run(_run_simulated(config, options))
    _check_gateway(settings)
    return asyncio.run(_run_at_gateway(config, options))


# ---- before anything is started


def _bring_up_store(settings: Settings) -> None:
    """Make or upgrade the store; in paper and live only a missing one, an older one is the operator's decision."""
    url = settings.database.url
    if is_sqlite(url) and sqlite_path(url).exists():
        refuse_corrupt(sqlite_path(url))
    if settings.mode is Mode.SIM or current_revision(url) is None:
        upgrade(url, tell=log.info)
    check_revision(url)


def _check_page_port(settings: Settings) -> None:
    web = settings.web
    if not web.enabled or web.port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((web.host, web.port))
        except OSError as error:
            raise ConfigError(
                f"web.port {web.port} on {web.host}: {error.strerror}; stop what listens there, or choose another port "
                "(QUANTICITY__WEB__PORT, 0 for any)"
            ) from error


def _check_gateway(settings: Settings) -> None:
    where = (settings.ibkr.host, settings.ibkr.port)
    try:
        with socket.create_connection(where, timeout=settings.ibkr.handshake_timeout_s):
            return
    except OSError as error:
        raise ConfigError(
            f"ibkr.host {where[0]}, ibkr.port {where[1]}: no TWS or gateway answers ({error}); "
            "start it, enable its API socket, or mend host and port in config/bot.yaml"
        ) from error


# ---- the two ways to run


async def _run_simulated(config: LoadedConfig, options: RunOptions) -> int:
    from bot.app.simulated_day import plan_day

    settings = config.settings
    day = plan_day(settings, options)
    async with _venue(settings, day) as (venue, tws_port, uw_port):
        anchor = wall_seconds()
        clock = ScaledClock(day.start_at, day.speed, anchor)
        await venue.tell(repr(anchor))
        ibkr = settings.ibkr.model_copy(update={"host": "127.0.0.1", "port": tws_port})
        settings = settings.model_copy(update={"ibkr": ibkr})
        sources = _sources(config).model_copy(update={"base_url": f"http://127.0.0.1:{uw_port}"})
        _greet_simulated(day)
        return await _trade(replace(config, settings=settings), options, clock, sources, day=day)


async def _run_at_gateway(config: LoadedConfig, options: RunOptions) -> int:
    clock: Clock = SystemClock()
    if options.start_at is not None or options.speed is not None:
        clock = ScaledClock(options.start_at or SystemClock().now(), options.speed or 1.0, wall_seconds())
    return await _trade(config, options, clock, _sources(config), day=None)


def _sources(config: LoadedConfig) -> UwSettings:
    return validate_section(config.sources_tree, "sources", DataSources).unusual_whales


@asynccontextmanager
async def _venue(settings: Settings, day: SimulatedDay) -> AsyncIterator[tuple[Child, int, int]]:
    from bot.app.venue import VenueSetup

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
    child = Child("venue", ["-m", "bot.app.venue"])
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


async def _trade(
    config: LoadedConfig,
    options: RunOptions,
    clock: Clock,
    sources: UwSettings,
    *,
    day: SimulatedDay | None,
) -> int:
    settings = paced(config.settings, clock.speed)
    configure_logging(settings.log.level, config.secrets, now=clock.now, aside=True)
    calendar = XnysCalendar.around(clock.now().date(), Path(settings.sim.state_dir))
    store = SqlStore(settings.database.url, clock, config_version=config.version)
    await store.open()
    await store.record_config(config.version, config.text)
    inbox = Inbox()
    align = _follower_of_the_venue(clock) if day is None else None
    broker = IbkrBroker(_broker_settings(settings), clock, inbox.put, bot_id=settings.bot_id, on_venue_time=align)
    token = config.secrets.unusual_whales_token or _ANY_BEARER
    feed = UwFeed.over_http(sources, clock, calendar, inbox.put, token)
    synced = asyncio.Event()

    def committed(batch: TickBatch) -> None:
        announce(batch)
        if batch.connection is not None and batch.connection.state is ConnectionState.SYNCED:
            synced.set()

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
        on_commit=committed,
        on_look=announce_look,
        on_outage=log.error,
    )
    stop = _stop_on_signals()
    _emergency_on_signal(inbox, clock)
    async with contextlib.AsyncExitStack() as running:
        running.push_async_callback(store.close)
        await store.claim(settings.bot_id, settings.ibkr.client_id)
        await engine.start()
        running.push_async_callback(engine.stop, "the program stops")
        await broker.start()
        running.push_async_callback(broker.stop)
        running.push_async_callback(feed.stop)
        beside = Beside(clock, inbox.put)
        running.push_async_callback(cancel, beside.start("the feed", partial(_feed_after_the_book, feed, synced)))
        if settings.web.enabled:
            await running.enter_async_context(_page(config, clock, beside))
        signs = LifeSigns(
            engine,
            Systemd(os.environ),
            dead_man_file=Path(settings.engine.dead_man_file) if settings.engine.dead_man_file else None,
            dead_man_url=settings.engine.dead_man_url,
        )
        signs.start()
        running.push_async_callback(signs.stop)
        running.push_async_callback(cancel, beside.start("commands", partial(_poll_commands, store, inbox)))
        if settings.database.backup_every_hours and is_sqlite(settings.database.url):
            backups = Backups(settings.database.url, settings.database, clock, calendar, inbox.put)
            running.push_async_callback(cancel, beside.start("backups", backups.run))
        close = partial(_watch_the_close, engine, clock, calendar, options, stop)
        running.push_async_callback(cancel, beside.start("the day's end", close))
        await engine.run(stop)
    return _farewell(settings, day, options)


async def _feed_after_the_book(feed: UwFeed, synced: asyncio.Event) -> None:
    """Start the feed once the broker's book was compared, or soon all the same: loading its HTTP client would hold up
    the comparison, and until then nothing is decided on its data."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(synced.wait(), _FEED_WAITS_S)
    await feed.start()


def _farewell(settings: Settings, day: SimulatedDay | None, options: RunOptions) -> int:
    """Print the simulated day that was run to its close; a broken invariant is a failed run."""
    if day is None or not options.until_close:
        return 0
    from bot.app.day import lines, summarize

    summary = summarize(settings.database.url, day.session.day)
    sys.stdout.write("\n".join(lines(summary)) + "\n")
    return 0 if summary.sound else 1


def _follower_of_the_venue(clock: Clock) -> Callable[[datetime], None] | None:
    """A simulator that was started by somebody else says what time it is; a real gateway is never asked."""
    if not isinstance(clock, ScaledClock):
        return None

    def follow(venue_time: datetime) -> None:
        if clock.align(venue_time):
            log.info(f"clock set forward to the venue's: {venue_time:%H:%M:%S} UTC")

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
    )


def _stop_on_signals() -> asyncio.Event:
    """Return the event that a signal sets. A stop that hangs is cut short: a crash at any line loses nothing."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def asked() -> None:
        if not stop.is_set():
            stop.set()
            loop.call_later(_STOP_WITHIN_S, _leave)

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, asked)
    return stop


def _emergency_on_signal(inbox: Inbox, clock: Clock) -> None:
    """SIGUSR1 is the emergency stop: it needs neither page nor store to be heard. Its command row is written with its
    answer."""

    def asked() -> None:
        now = clock.now()
        command_id = ulid(now, secrets.randbits(80))
        inbox.put(CommandReceived(command_id, CommandKind.EMERGENCY, {"signal": "SIGUSR1"}, "signal", now))

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, asked)


def _leave() -> None:
    log.error(f"the stop took longer than {_STOP_WITHIN_S:g} s and is cut short; the next start recovers")
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(1)  # children end with our end of their standard input


async def _poll_commands(store: SqlStore, inbox: Inbox) -> None:
    """Bring command rows to the tick; one that is on its way is not brought twice."""
    brought: set[str] = set()
    while True:
        try:
            pending = await store.pending_commands()
        except StoreError:  # the tick finds the same trouble, says so and waits for its end
            await asyncio.sleep(_COMMAND_POLL_S)
            continue
        for command in pending:
            if command.id not in brought:
                inbox.put(command)
        brought = {command.id for command in pending}
        await asyncio.sleep(_COMMAND_POLL_S)


async def _watch_the_close(
    engine: Engine, clock: Clock, calendar: XnysCalendar, options: RunOptions, stop: asyncio.Event
) -> None:
    """Print the day once its session is over; with `--until-close` end the run then."""
    session = calendar.session_on(calendar.today(clock.now()))
    if session is None:
        return
    end = session.close_at + REPORTS_IN
    patience = end + timedelta(minutes=10)
    await _until(clock, end)
    while engine.ledger.open_orders and clock.now() < patience:
        await clock.sleep(_CLOSE_POLL_S * clock.speed)
    if options.until_close:
        stop.set()
        return
    from bot.app.day import lines, summarize

    # In a thread: the whole history is verified, and the tick goes on.
    summary = await asyncio.to_thread(summarize, engine.settings.database.url, session.day)
    for line in lines(summary):
        log.info(line)
    log.info("the day is over; the page stays up, Ctrl-C ends the program")


async def _until(clock: Clock, end: datetime) -> None:
    """Sleep in short stretches: the clock may jump forward when it is aligned with the venue's."""
    while clock.now() < end:
        await clock.sleep(min((end - clock.now()).total_seconds(), clock.speed))


# ---- the page


@asynccontextmanager
async def _page(config: LoadedConfig, clock: Clock, beside: Beside) -> AsyncIterator[None]:
    """Keep the page's process running beside the bot; when it ends it is started again."""
    token = config.secrets.web_login_token or secrets.token_urlsafe(18)
    keeper = beside.start("the page", partial(_keep_page, config.settings, clock, token))
    try:
        yield
    finally:
        await cancel(keeper)


async def _keep_page(settings: Settings, clock: Clock, token: str) -> None:
    while True:
        child = Child(
            "page", ["-m", "bot.app.children", "bot.web", *_page_arguments(settings, clock)], {"WEB_LOGIN_TOKEN": token}
        )
        await child.start()
        try:
            address = (await child.ready_line("web ready ")).split()[-1].rstrip("/")
            log.info(f"page: {address}/" + _login_hint(settings, address, token))
            await child.wait()
            log.warning(f"the page ended; starting it again in {_PAGE_RESTART_S:g} s")
        except ChildFailed as error:
            log.warning(f"{error}; trying again in {_PAGE_RESTART_S:g} s")
        finally:
            await child.stop()
        await asyncio.sleep(_PAGE_RESTART_S)


def _login_hint(settings: Settings, address: str, token: str) -> str:
    if settings.mode is not Mode.SIM:
        return ""
    return f"   log in: {address}/login?{urlencode({'token': token})}"


def _page_arguments(settings: Settings, clock: Clock) -> list[str]:
    arguments = [
        "--database", settings.database.url,
        "--host", settings.web.host,
        "--port", str(settings.web.port),
        "--mode", settings.mode.value,
        "--session-hours", str(settings.web.session_hours),
    ]  # fmt: skip
    if isinstance(clock, ScaledClock):
        anchor = wall_seconds()
        arguments += ["--start-at", clock.now().isoformat(), "--speed", str(clock.speed), "--anchor", repr(anchor)]
    return arguments
