"""The simulated venue as a process: market model, matching engine, TWS face, UW face and, where it is asked to bring
them, the simulated services, under one scaled clock.

Run alone (`python run.py sim`) it serves any TWS and UW client. Run by the bot in `sim` mode it is a child that is told
over its standard input when the clock starts, and that ends when that input closes: it can never outlive the bot that
started it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.app.simulated_people import known_people, mail_certificate, services_book
from bot.app.venue_child import Services, VenueSetup
from bot.clocks.clock import ScaledClock, wall_seconds
from bot.clocks.paced import Pace, PacedClock, keep_seen
from bot.config.loader import LoadedConfig
from bot.config.options import VenueOptions
from bot.domain.errors import ConfigError
from bot.log import guard_last_words, redactor
from bot.sim.book_file import VenueBook, read_book, write_book
from bot.sim.driver import VenueDriver
from bot.sim.faults.data_faults import divergent
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import FaultyTwsFace, vendor_fault, vendor_latency
from bot.sim.market.context import WiderMarket
from bot.sim.market.model import build_market
from bot.sim.matching import MatchingVenue, build_venue
from bot.sim.scenario import load_scenario
from bot.sim.services.ports import taken_ports
from bot.sim.tws.limits import ClientLimits
from bot.sim.uw import UwFace
from bot.sim.uw.limits import UwLimits
from bot.sim.vocabulary import SimulatedVenue, VenueEvent

if TYPE_CHECKING:
    from bot.sim.services.running import SimulatedServices

log: Final = logging.getLogger("quanticity")


class HeldClock(ScaledClock):
    """A scaled clock that stands at its start until it is released."""

    def __init__(self, start_at: datetime, speed: float) -> None:
        super().__init__(start_at, speed, wall_seconds())
        self._held = True

    def release(self, anchor_epoch: float) -> None:
        """Let time run, counted from the wall time `anchor_epoch`."""
        super().__init__(self.start_at, self.speed, anchor_epoch)
        self._held = False

    def now(self) -> datetime:
        return self.start_at if self._held else max(super().now(), self.start_at)


class BookKeeper:
    """Writes the venue's book after everything that changes it, and once a wall second for its time. A disk that does
    not take it is no matter of the market's: the venue trades on, and the book is written when it can be."""

    def __init__(self, path: Path, setup: VenueSetup, venue: MatchingVenue, clock: ScaledClock) -> None:
        self._path, self._setup, self._venue, self._clock = path, setup, venue, clock
        self._told = False

    def __call__(self, events: Sequence[VenueEvent]) -> None:
        self.write()

    def write(self) -> None:
        setup = self._setup
        day = date.fromisoformat(setup.day)
        now = self._clock.now()
        book = VenueBook(setup.scenario, setup.seed, day, now, self._venue.snapshot(now))
        try:
            write_book(self._path, book)
        except OSError as error:
            if not self._told:
                log.error(f"the simulated venue's book {self._path} cannot be written: {error.strerror}; it trades on")
            self._told = True
        else:
            self._told = False

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.write()


class VenueProcess:
    """The venue's parts, built from a setup and served in one event loop."""

    def __init__(self, setup: VenueSetup) -> None:
        scenario = load_scenario(setup.scenario)
        start_at = datetime.fromisoformat(setup.start_at)
        self._held = HeldClock(start_at, setup.speed)
        self._pace = None if setup.pace_fd is None else Pace(setup.pace_fd)
        self.clock = self._held if self._pace is None else PacedClock(start_at, setup.speed, self._pace)
        market = build_market(scenario, setup.seed, date.fromisoformat(setup.day))
        self.venue = build_venue(WiderMarket(market), scenario, setup.seed)
        self._setup = setup
        self._keeper = self._take_up(Path(setup.book_file)) if setup.book_file is not None else None
        simulated = SimulatedVenue(self.venue)
        if self._keeper is not None:
            simulated.listeners.append(self._keeper)
        self._driver = VenueDriver(simulated, self.clock)
        script = FaultScript(scenario.faults, setup.seed)
        self._tws = FaultyTwsFace(
            simulated, self.venue, self.clock, script, port=setup.tws_port, limits=ClientLimits(), pace_s=setup.pace_s,
            refused=scenario.refused,
        )  # fmt: skip
        latency = vendor_latency(script, self.clock, UwLimits().latency_wall_s)
        self._uw = UwFace(market, self.clock, fault=vendor_fault(script), bend=divergent(script), latency=latency)
        self._seed, self._script = setup.seed, scenario.services
        self._services: SimulatedServices | None = None
        self._sockets: dict[str, socket.socket] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def _take_up(self, path: Path) -> BookKeeper:
        """Go on with the book on disk when it is of this scenario, seed and day, with its account when it is of another
        session; keep it from now on."""
        book = read_book(path)
        if book is not None:
            same = (book.scenario, book.seed) == (self._setup.scenario, self._setup.seed)
            if same and book.day.isoformat() == self._setup.day:
                self.venue.restore(book.venue)
            else:
                self.venue.carry_on(book.venue, self.clock.now())
        return BookKeeper(path, self._setup, self.venue, self.clock)

    async def start(self) -> tuple[int, int]:
        """Open both faces, and take the services' ports; returns the faces' ports."""
        if self._setup.services is not None:
            self._sockets = taken_ports(self._setup.services.ports)
        tws_port = await self._tws.start()
        uw_port = await self._uw.start("127.0.0.1", self._setup.uw_port)
        await self._driver.start()
        if self._pace is not None:
            self._tasks.append(asyncio.create_task(keep_seen(self._pace), name="pace"))
        if self._keeper is not None:
            self._tasks.append(asyncio.create_task(self._keeper.keep(), name="venue-book"))
        return tws_port, uw_port

    @property
    def services(self) -> dict[str, int]:
        """The ports of the services by name."""
        return {name: int(each.getsockname()[1]) for name, each in self._sockets.items()}

    async def serve_people(self) -> None:
        """Load the services and answer at their ports; the venue is heard of before that, for it is what a start
        waits for."""
        setup = self._setup.services
        if setup is None:
            return
        from bot.sim.services.running import SimulatedServices

        self._services = SimulatedServices(
            self.clock.now,
            wall_seconds,
            script=self._script,
            seed=self._seed,
            book_file=Path(setup.book_file) if setup.book_file else None,
            known=[(int(person_id), str(name), str(role)) for person_id, name, role in setup.known],
        )
        self._services.inbox.page_address = setup.page
        self._services.speak_tls(setup.mail_tls, Path(setup.mail_certificate))
        await self._services.serve(self._sockets)

    def release(self, anchor_epoch: float) -> None:
        """Let time run, counted from the wall time `anchor_epoch`; a shared pace begins by itself."""
        self._held.release(anchor_epoch)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._driver.stop()
        await self._tws.stop()
        await self._uw.stop()
        if self._services is not None:
            await self._services.stop()
        for each in self._sockets.values():
            each.close()
        if self._keeper is not None:
            self._keeper.write()


def run_venue(config: LoadedConfig, options: VenueOptions) -> int:
    """Serve both faces, and the services, until interrupted; prints `ready tws=P uw=Q` once they listen."""
    sim = config.settings.sim
    scenario = load_scenario(options.scenario or sim.scenario)
    start_at = options.start_at or scenario.starts()
    setup = VenueSetup(
        scenario=options.scenario or sim.scenario,
        seed=sim.seed if options.seed is None else options.seed,
        day=start_at.astimezone(scenario.starts().tzinfo).date().isoformat(),
        start_at=start_at.isoformat(),
        speed=options.speed or sim.speed,
        tws_port=sim.tws_port if options.tws_port is None else options.tws_port,
        uw_port=sim.uw_port if options.uw_port is None else options.uw_port,
        pace_s=sim.quote_pace_s,
        book_file=str(options.state_file) if options.state_file else None,
        services=_services_of(config, options.state_file),
    )
    anchor = options.anchor
    asyncio.run(_serve(setup, anchor))
    return 0


def _services_of(config: LoadedConfig, state_file: Path | None) -> Services | None:
    """Return the services of a venue that runs alone, None where the settings want none."""
    wanted = config.settings.sim.services
    if not wanted.enabled:
        return None
    book = str(services_book(state_file)) if state_file else None
    return Services(
        wanted.ports(), book, known_people(config.settings), mail_tls=wanted.smtp_tls,
        mail_certificate=str(mail_certificate(config.settings)),
    )  # fmt: skip


async def _serve(setup: VenueSetup, anchor: float | None) -> None:
    process = VenueProcess(setup)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    tws_port, uw_port = await _open(process, setup)
    process.release(wall_seconds() if anchor is None else anchor)
    sys.stdout.write(f"ready tws={tws_port} uw={uw_port}\n")
    if process.services:
        sys.stdout.write(f"services {_words(process.services)}\n")
    sys.stdout.flush()
    await process.serve_people()
    await stop.wait()
    await process.stop()


async def _open(process: VenueProcess, setup: VenueSetup) -> tuple[int, int]:
    try:
        return await process.start()
    except OSError as error:
        ports = f"sim.tws_port {setup.tws_port}, sim.uw_port {setup.uw_port}"
        raise ConfigError(f"{ports}: {error.strerror or error}; choose free ports, or 0 for any") from error


async def _serve_as_child() -> None:
    """Setup on the first line of standard input, the anchor on the second, the end at its close."""
    loop = asyncio.get_running_loop()
    told = await loop.run_in_executor(None, sys.stdin.readline)
    if not told:
        return  # the bot that started us ended before it knew which day it lives in
    setup = VenueSetup.from_json(told)
    process = VenueProcess(setup)
    tws_port, uw_port = await _open(process, setup)
    sys.stdout.write(f"ready tws={tws_port} uw={uw_port} {_words(process.services)}\n")
    sys.stdout.flush()
    line = await loop.run_in_executor(None, sys.stdin.readline)
    if line.strip():
        process.release(float(line))
        await process.serve_people()
        await loop.run_in_executor(None, sys.stdin.readline)
    await process.stop()


def _words(ports: Mapping[str, int]) -> str:
    return " ".join(f"{name}={port}" for name, port in ports.items())


def main() -> int:
    """Entry of the child process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bot that started us says when to end
    guard_last_words(redactor(()))  # it is told no secret; what looks like one stays out all the same
    try:
        asyncio.run(_serve_as_child())
    except BrokenPipeError:  # the bot that started us ended meanwhile: nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
