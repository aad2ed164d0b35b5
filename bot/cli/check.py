"""`check`: everything that a start needs, one line each: ok, or what to do."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import BAD_INPUT, CHECKOUT, configuration
from bot.domain.errors import BotError
from bot.domain.outside import host_only

if TYPE_CHECKING:
    from bot.config.loader import LoadedConfig

PYTHONS: Final = ((3, 11), (3, 13))
FREE_BYTES_WANTED: Final = 500 * 1024 * 1024
CONNECT_TIMEOUT_S: Final = 2.0
CURRENCY_TIMEOUT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at; `detail` says how it is, or what to do."""

    check: str
    ok: bool
    detail: str


def check(json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Look at everything that a start needs; changes nothing. Exit code 2 if something has to be done first."""
    found = list(_all_lines())
    if json:
        show.as_json(found)
    else:
        for line in found:
            print(f"{'ok  ' if line.ok else 'FIX '} {line.check:<14} {line.detail}")
    raise typer.Exit(0 if all(line.ok for line in found) else BAD_INPUT)


def _all_lines() -> Iterator[Found]:
    yield _python()
    yield from _clock()
    try:
        config = configuration()
    except BotError as error:
        yield from (Found("configuration", False, words) for words in str(error).splitlines())
        return
    settings = config.settings
    yield Found("configuration", True, f"mode {settings.mode}, version {config.version}, from {config.root / 'config'}")
    for name, look in _LOOKS:
        yield from _guarded(name, look, config)


def _guarded(name: str, look: Callable[[LoadedConfig], Iterator[Found]], config: LoadedConfig) -> Iterator[Found]:
    """Yield what was found, without what is private in the addresses that it names."""
    from bot.log import redactor

    hide = redactor(config.hidden())
    try:
        yield from (Found(each.check, each.ok, hide(each.detail)) for each in look(config))
    except BotError as error:
        yield from (Found(name, False, hide(words)) for words in str(error).splitlines())


def _python() -> Found:
    low, high = PYTHONS
    version = ".".join(map(str, sys.version_info[:3]))
    if low <= sys.version_info[:2] <= high:
        return Found("python", True, version)
    return Found(
        "python", False, f"{version}; needed is 3.{low[1]} to 3.{high[1]}: make setup PYTHON=/path/to/python3.12"
    )


def _clock() -> Iterator[Found]:
    from zoneinfo import ZoneInfoNotFoundError

    from bot.clocks.clock import SystemClock

    now = SystemClock().now()
    try:
        from bot.domain.wording import new_york
    except ZoneInfoNotFoundError:
        yield Found("clock", False, "there is no time zone data: install the system's tzdata package")
        return
    newest = datetime.fromtimestamp((CHECKOUT / "run.py").stat().st_mtime, tz=now.tzinfo)
    if now < newest - timedelta(days=1):
        yield Found(
            "clock", False, f"says {now:%Y-%m-%d %H:%M} UTC, earlier than this program was written: set it, use NTP"
        )
        return
    yield Found("clock", True, f"{new_york(now)}; {_synchronised()}")


def _synchronised() -> str:
    if Path("/run/systemd/timesync/synchronized").exists():
        return "synchronised by NTP"
    return "let NTP keep it (timedatectl, chrony): orders and data are compared by time"


def _data_sources(config: LoadedConfig) -> Iterator[Found]:
    from bot.config.loader import validate_section
    from bot.feeds.sources import DataSources

    sources = validate_section(config.sources_tree, "sources", DataSources).enabled()
    asked = {name: [each for each in source.endpoints if each.enabled] for name, source in sources.items()}
    if not any(asked.values()):
        yield Found(
            "data sources", False, "config/data_sources.yaml has no endpoints: nothing can be decided without them"
        )
        return
    for name, endpoints in asked.items():
        source = sources[name]
        words = f"{len(endpoints)} datasets of {source.base_url} for {', '.join(source.symbols) or 'the whole market'}"
        yield Found("data sources", True, words)


def _secrets(config: LoadedConfig) -> Iterator[Found]:
    from bot.config.loader import missing_secrets, others_may_read

    missing = missing_secrets(config)
    yield from (Found("secrets", False, words) for words in missing)
    if not missing:
        yield Found("secrets", True, f"mode {config.settings.mode} has what it needs")
    dotenv = config.root / ".env"
    if others_may_read(dotenv):
        yield Found("secrets", False, f"{dotenv} can be read by others: chmod 600 {dotenv}")


def _schema(config: LoadedConfig) -> Iterator[Found]:
    from bot.store.revision import check_revision, current_revision, head_revision

    url = config.settings.database.url
    current = current_revision(url)
    if current is None:
        yield Found("store", True, f"none yet; the first start makes it at revision {head_revision()}")
        return
    check_revision(url)
    yield Found("store", True, f"revision {current}, {url}")


def _disk(config: LoadedConfig) -> Iterator[Found]:
    from bot.store.address import is_sqlite, sqlite_path
    from bot.store.backup import folder_of

    url = config.settings.database.url
    folders = {Path(config.settings.sim.state_dir)}
    if is_sqlite(url):
        folders |= {sqlite_path(url).parent, folder_of(url, config.settings.database.backup_dir)}
    for folder in sorted({_existing(folder) for folder in folders}):
        free = shutil.disk_usage(folder).free
        if not os.access(folder, os.W_OK | os.X_OK):
            yield Found(
                "disk", False, f"{folder} cannot be written: make it writable for this user, or set another place"
            )
        elif free < FREE_BYTES_WANTED:
            yield Found(
                "disk", False, f"{folder} has {free / 2**20:.0f} MB free, {FREE_BYTES_WANTED / 2**20:.0f} are wanted"
            )
        else:
            yield Found("disk", True, f"{folder} can be written, {free / 2**30:.1f} GB free")


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _ports(config: LoadedConfig) -> Iterator[Found]:
    settings = config.settings
    wanted = []
    if settings.web.enabled:
        wanted.append(("web.port", settings.web.host, settings.web.port))
    if settings.mode == "sim":
        wanted += [
            ("sim.tws_port", "127.0.0.1", settings.sim.tws_port),
            ("sim.uw_port", "127.0.0.1", settings.sim.uw_port),
        ]
        if settings.sim.services.enabled:
            ports = settings.sim.services.ports().items()
            wanted += [(f"sim.services.{name}_port", "127.0.0.1", port) for name, port in ports]
    else:
        gateway = _gateway(settings.ibkr.host, settings.ibkr.port, paper=settings.mode == "paper")
        yield gateway
        if gateway.ok:
            yield _currency(settings.ibkr)
        yield Found("gateway boxes", True, _BOXES)
    for key, host, port in wanted:
        line = Found("ports", True, f"{key}: any free one") if port == 0 else _port(key, host, port)
        if not line.ok and (bot := _own_bot(settings)):
            line = Found("ports", True, f"{key} {host}:{port}: in use, and this store's bot runs: {bot}")
        yield line


def _own_bot(settings: Any) -> str:
    """Return who runs on this store, empty where nobody does."""
    from bot.app.locks import liveness
    from bot.clocks.clock import wall_seconds

    life = liveness(settings, wall_seconds())
    return life.holder if life.running else ""


def _port(key: str, host: str, port: int) -> Found:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = error.strerror or str(error)
            return Found(
                "ports", False, f"{key} {host}:{port}: {why}. Stop what listens there (this bot?) or set another"
            )
    return Found("ports", True, f"{key} {host}:{port} is free")


def _gateway(host: str, port: int, *, paper: bool) -> Found:
    from bot.broker.words import USUAL_PORTS, port_words, ports_words

    kind = f"{port} is {port_words(port)}"
    if USUAL_PORTS.get(port, ("", paper))[1] is not paper:
        mode = "paper" if paper else "live"
        kind += f", the mode is {mode}: its usual ports are {ports_words(paper=paper)}; the account is looked at"
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S):
            return Found("gateway", True, f"{host}:{port} answers; {kind}")
    except OSError as error:
        why = error.strerror or str(error)
        return Found(
            "gateway",
            False,
            f"ibkr.host {host}, ibkr.port {port}: {why}. Start TWS or the gateway, enable its API socket",
        )


def _currency(ibkr: Any) -> Found:
    """Ask in what currency the account is kept: a question on a connection of its own that changes nothing."""
    import asyncio

    from bot.broker.base_currency import base_currency
    from bot.broker.words import DOLLARS

    asks_as = ibkr.client_id + _ASKS_AS
    told = asyncio.run(base_currency(ibkr.host, ibkr.port, asks_as, ibkr.account, CURRENCY_TIMEOUT_S))
    if told is None:
        words = f"not told within {CURRENCY_TIMEOUT_S:g} s (asked as client {asks_as}); a bot that runs says it"
        return Found("account currency", True, words)
    if told == DOLLARS:
        return Found("account currency", True, "the account is kept in USD")
    words = f"the account is kept in {told}: only an account in dollars is traded. Set its base currency to USD, or "
    return Found("account currency", False, words + "name another in ibkr.account")


_ASKS_AS: Final = 90
"""So far from the bot's own client id is the one that asks: orders belong to a client id, and this one has none."""
_BOXES: Final = (
    "not asked, for no client is told: look once in TWS or the gateway. API > Settings > Read-Only API is unticked, or "
    "no order and no stop is taken; Presets > Precautionary Settings (size, value, percentage, number of ticks) are "
    "above what the bot sends, or its orders are refused (163, 382, 383); Bypass Order Precautions for API Orders is "
    "ticked, or they wait there for a click"
)
"""What of the gateway's settings keeps orders out, and can be seen on its own screen alone."""


def _calendar(config: LoadedConfig) -> Iterator[Found]:
    from bot.clocks.calendar import XnysCalendar
    from bot.clocks.clock import SystemClock

    now = SystemClock().now()
    calendar = XnysCalendar.around(now.date(), Path(config.settings.sim.state_dir), config.settings.calendar)
    following = calendar.next_session(calendar.today(now))
    half = ", a half day" if following.is_half_day else ""
    yield Found("calendar", True, f"{calendar.first_day} to {calendar.last_day}; next session {following.day}{half}")


def _scenarios(config: LoadedConfig) -> Iterator[Found]:
    from bot.sim.scenario import load_scenario, scenario_names

    if config.settings.mode == "sim":
        load_scenario(config.settings.sim.scenario)
    names = scenario_names()
    for name in names:
        load_scenario(name)
    yield Found("scenarios", True, ", ".join(names) or "none")


def _places(config: LoadedConfig) -> Iterator[Found]:
    from bot.config.loader import PATHS

    for section, key in PATHS:
        place = getattr(getattr(config.settings, section), key)
        shown = host_only(place) if place else "none"
        state = ""
        if key == "kill_switch_file" and place:
            state = ": it is THERE, no entry leaves" if Path(place).exists() else ": not there, entries may leave"
            if not Path(place).parent.is_dir():
                yield Found(
                    "paths",
                    False,
                    f"{section}.{key} {place}: its directory does not exist; make it or correct the path",
                )
                continue
        yield Found("paths", True, f"{section}.{key} {shown}{state}")


def _meant(config: LoadedConfig) -> Iterator[Found]:
    from bot.config.doubts import doubts

    found = list(doubts(config.settings, config.sources_tree))
    yield from (Found("settings", True, f"is it meant? {words}") for words in found)
    if not found:
        yield Found("settings", True, "none contradicts another")


def _charts(config: LoadedConfig) -> Iterator[Found]:
    from bot.charts.bundle import FIX, bundle, home

    if not config.settings.web.enabled:
        return
    made = bundle(home())
    missing = f"no library in {home()}: the page shows its own drawings, without zoom; {FIX}"
    yield Found("charts", True, missing if made is None else f"{made.file}, of vl-convert {made.version}")


_LOOKS: Final[tuple[tuple[str, Callable[[Any], Iterator[Found]]], ...]] = (
    ("data sources", _data_sources),
    ("secrets", _secrets),
    ("paths", _places),
    ("settings", _meant),
    ("store", _schema),
    ("disk", _disk),
    ("ports", _ports),
    ("calendar", _calendar),
    ("scenarios", _scenarios),
    ("charts", _charts),
)
