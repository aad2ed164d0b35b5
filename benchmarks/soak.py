"""A soak: one engine lives through one trading day after another, at full speed and without sockets; what it uses is
watched.

    python -m benchmarks.soak --hours 24            engine, store, feed and market in this process, without sockets
    python -m benchmarks.soak --hours 24 --alone    the program over sockets (benchmarks/soak_process.py)

The hours are hours of open market. Engine, store and feed are made once and live through all days; each morning the
venue opens a new day (the same story, another seed), as a gateway does after its nightly restart. Resident memory is
that of the whole process, the simulated market included (its day is drawn up whole before it begins), after freed pages
were given back; ticks are measured in processor time, so that neighbours on the machine do not count.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.soak_process import soak_process
from benchmarks.soak_report import Hour, Soaked, open_files, resident_mb, soaked
from bot.app.allocator import keep_large_blocks_apart
from bot.app.replayed_day import Desk, open_desk
from bot.cli.invocation import configuration
from bot.clocks.calendar import XnysCalendar
from bot.domain.calendar import TradingSession
from bot.domain.events.link import LinkChange, LinkChanged
from bot.sim.broker import SimBroker
from bot.sim.market.model import MarketModel, build_market
from bot.sim.matching import build_venue
from bot.sim.naming import Names
from bot.sim.order_ids import ClientOrderIds
from bot.sim.scenario import Scenario, load_scenario
from bot.sim.uw import InProcessTransport, UwFace
from bot.sim.vocabulary import Market, SimulatedVenue

HOUR: Final = 3600.0
SAMPLE_S: Final = 600.0
NIGHT_STEP_S: Final = 300.0
WATCHED: Final = 24
"""Contracts of an underlying whose day's trades the market keeps at hand."""


class NightlyBroker(SimBroker):
    """The venue as a broker that opens a new day each morning."""

    async def close_day(self) -> None:
        """Leave yesterday's venue and let go of it before the next is built: two are more than one machine has."""
        self._sink(LinkChanged(LinkChange.DROPPED, "the nightly restart", self._clock.now()))
        await self.stop()
        del self._simulated, self._venue, self._names, self._view, self.stream

    def open_day(self, simulated: SimulatedVenue) -> None:
        """Log in at today's venue."""
        now = self._clock.now()
        next_id, self.ids = self.ids.next, ClientOrderIds()
        self.ids.next = next_id
        self._stand_at(simulated, Names(simulated.venue.market))
        self.account_stream.renew()
        self.listen()
        self._sink(LinkChanged(LinkChange.CONNECTING, "in process", now))
        self._sink(LinkChanged(LinkChange.ACCEPTED, f"account {self.account}", now))


class Soak:
    """One run: days until the hours are full."""

    def __init__(self, desk: Desk, scenario: Scenario, seed: int, calendar: XnysCalendar, hours: float) -> None:
        self._desk, self._scenario, self._seed, self._calendar = desk, scenario, seed, calendar
        self._wanted_s = hours * HOUR
        self._lived_s = 0.0
        self._sampled_s = -SAMPLE_S
        self.hours = [Hour(1, 1)]
        self.days = 1
        self._tick = desk.engine.guarded_tick
        desk.engine.guarded_tick = self._timed_tick  # type: ignore[method-assign]

    async def run(self) -> None:
        """Live the hours; nights pass in wide steps."""
        while True:
            await self._day(self._desk.session)
            if self._lived_s >= self._wanted_s:
                return
            await self._night()

    async def _day(self, session: TradingSession) -> None:
        clock = self._desk.clock
        while clock.now() < session.close_at + timedelta(minutes=2):
            before = clock.now()
            await self._desk.run_until(before + timedelta(seconds=30))
            if before >= session.open_at:
                self._lived_s += (clock.now() - before).total_seconds()
            self._watch()
            if self._lived_s >= self._wanted_s:
                return

    async def _night(self) -> None:
        """Until the next morning; the feed and the tick go on, the venue is closed."""
        desk = self._desk
        following = self._calendar.next_session(desk.session.day)
        morning = self._scenario.moment(self._scenario.start_at, following.day)
        while desk.clock.now() < morning:
            await desk.step(min(NIGHT_STEP_S, (morning - desk.clock.now()).total_seconds()))
        await self._open(following, morning)

    async def _open(self, session: TradingSession, morning: datetime) -> None:
        self.days += 1
        seed = self._seed + self.days - 1
        desk = self._desk
        assert isinstance(desk.broker, NightlyBroker)
        desk.session = session
        await desk.broker.close_day()
        vendor = desk.feed.pollers["unusual_whales"].transport
        assert isinstance(vendor, InProcessTransport)
        del desk.simulated, vendor.face
        gc.collect()  # yesterday's market refers to itself
        market = build_market(self._scenario, seed, session.day)
        draw_up(market)
        desk.simulated = SimulatedVenue(build_venue(market, self._scenario, seed))
        vendor.face = UwFace(market, desk.clock)
        desk.broker.open_day(desk.simulated)
        print(f"day {self.days} ({session.day}), {self._lived_s / HOUR:.1f} h lived", file=sys.stderr)

    async def _timed_tick(self) -> None:
        began = time.process_time()
        await self._tick()
        self.hours[-1].ticks_ms.append((time.process_time() - began) * 1000)
        self.hours[-1].ticks += 1

    def _watch(self) -> None:
        if self._lived_s - self._sampled_s < SAMPLE_S:
            return
        self._sampled_s = self._lived_s
        gc.collect()
        _give_back()
        number = int(self._lived_s // HOUR) + 1
        if number > self.hours[-1].number and self._lived_s < self._wanted_s:
            self.hours.append(Hour(number, self.days))
        self.hours[-1].resident_mb.append(resident_mb())
        self.hours[-1].open_files.append(open_files())


def draw_up(market: Market) -> None:
    """Have the market draw up at once what it else draws up minute by minute and contract by contract, as it is asked:
    its day is then as large in the first hour as in the last, and what grows is the bot."""
    assert isinstance(market, MarketModel)
    open_at, close_at = market.session_open(), market.session_close()
    for symbol in market.symbols():
        market.vendor.spot_gex_minutes(symbol, close_at)
        market.vendor.net_premium_minutes(symbol, close_at)
        price = market.price(symbol, open_at)
        listed = [each for each in market.find(symbol=symbol) if each.expiry and each.strike]
        listed.sort(key=lambda each: (each.expiry, abs(float(each.strike or 0) - price)))
        for option in listed[:WATCHED]:
            market.top(option, open_at)


def _give_back() -> None:
    """Have the C library return freed pages, so that what is resident is what is in use (glibc; elsewhere nothing)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


async def soak(hours: float, scenario_name: str, seed: int, folder: Path) -> Soaked:
    """Run a soak in this process with its store in `folder`."""
    keep_large_blocks_apart()  # as the program does
    began = time.monotonic()
    config = configuration({"mode": "sim"})
    database = folder / "soak.db"
    async with open_desk(config, scenario_name, seed, database, quiet=True, broker=NightlyBroker) as desk:
        calendar = XnysCalendar.around(desk.session.day, folder)
        draw_up(desk.simulated.venue.market)
        run = Soak(desk, load_scenario(scenario_name), seed, calendar, hours)
        await run.run()
    return soaked(run.hours, time.monotonic() - began, database)


def main() -> int:
    parser = argparse.ArgumentParser(description="The bot through day after day; prints what it used by the hour.")
    parser.add_argument("--hours", type=float, default=24.0, help="hours of open market")
    parser.add_argument("--scenario", default="gamma_pin_day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="the program itself, its venue in another process")
    parser.add_argument("--speed", type=float, default=240.0, help="with --alone: simulated seconds a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quanticity-soak-") as folder:
        if given.alone:
            found = soak_process(given.hours, given.scenario, given.seed, given.speed, Path(folder))
        else:
            found = asyncio.run(soak(given.hours, given.scenario, given.seed, Path(folder)))
    print("\n".join(found.lines()))
    return 0 if found.met else 1


if __name__ == "__main__":
    sys.exit(main())
