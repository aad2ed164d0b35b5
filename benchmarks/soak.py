"""A soak: one engine lives through one trading day after another, at full speed and without sockets; what it uses is
watched.

    python -m benchmarks.soak --hours 24

The hours are hours of open market. Engine, store and feed are made once and live through all days; each morning the
venue opens a new day (the same story, another seed), as a gateway does after its nightly restart. Resident memory is
that of the whole process, the simulated market included, after freed pages were given back; ticks are measured in
processor time, so that neighbours on the machine do not count.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import json
import sys
import tempfile
import time
from array import array
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.result import median, percentile
from bot.app.replayed_day import Desk, open_desk
from bot.cli.edge import configuration
from bot.domain.calendar import TradingSession
from bot.domain.events import LinkChange, LinkChanged
from bot.feeds.calendar import XnysCalendar
from bot.sim.broker import SimBroker
from bot.sim.market.model import build_market
from bot.sim.matching import build_venue
from bot.sim.scenario import Scenario, load_scenario
from bot.sim.uw import InProcessTransport, UwFace
from bot.sim.vocabulary import SimulatedVenue
from bot.store.invariants import check_invariants

HOUR: Final = 3600.0
SAMPLE_S: Final = 600.0
NIGHT_STEP_S: Final = 300.0
MEMORY_AIM: Final = 0.05


@dataclass
class Hour:
    """What one hour of open market used."""

    number: int
    resident_mb: list[float] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)
    ticks_ms: array[float] = field(default_factory=lambda: array("d"))

    def summary(self) -> dict[str, float]:
        """Return the hour in figures."""
        return {
            "hour": self.number,
            "resident_mb": round(max(self.resident_mb), 1),
            "open_files": max(self.open_files),
            "tick_median_ms": round(median(self.ticks_ms), 3),
            "tick_p99_ms": round(percentile(self.ticks_ms, 0.99), 3),
            "ticks": len(self.ticks_ms),
        }


@dataclass(frozen=True)
class Verdict:
    """The soak in figures; memory in MB of the whole process, growth as a fraction after the first hour."""

    hours: float
    days: int
    wall_seconds: float
    trades: int
    store_bytes: int
    store_bytes_per_trade: int
    memory_first_hour_mb: float
    memory_end_mb: float
    memory_growth: float
    open_files_first_hour: int
    open_files_end: int
    tick_median_first_ms: float
    tick_median_end_ms: float
    tick_p99_first_ms: float
    tick_p99_end_ms: float
    broken_invariants: list[str]

    @property
    def met(self) -> bool:
        """Whether memory and files stayed flat and every promise held."""
        flat = self.memory_growth <= MEMORY_AIM and self.open_files_end <= self.open_files_first_hour
        return flat and not self.broken_invariants


class NightlyBroker(SimBroker):
    """The venue as a broker that opens a new day each morning."""

    def open_day(self, simulated: SimulatedVenue) -> None:
        """Leave yesterday's venue and log in at today's."""
        now = self._clock.now()
        self._sink(LinkChanged(LinkChange.DROPPED, "the nightly restart", now))
        self._simulated.listeners.remove(self._hear)
        self._simulated, self._venue = simulated, simulated.venue
        self._lines, self._keys, self._ids, self._account_at = {}, {}, {}, None
        simulated.listeners.append(self._hear)
        self._sink(LinkChanged(LinkChange.CONNECTING, "in process", now))
        self._sink(LinkChanged(LinkChange.ACCEPTED, f"account {self.account}", now))


class Soak:
    """One run: days until the hours are full."""

    def __init__(self, desk: Desk, scenario: Scenario, seed: int, calendar: XnysCalendar, hours: float) -> None:
        self._desk, self._scenario, self._seed, self._calendar = desk, scenario, seed, calendar
        self._wanted_s = hours * HOUR
        self._lived_s = 0.0
        self._sampled_s = -SAMPLE_S
        self.hours = [Hour(1)]
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
        self._open(following, morning)

    def _open(self, session: TradingSession, morning: datetime) -> None:
        self.days += 1
        seed = self._seed + self.days - 1
        market = build_market(self._scenario, seed, session.day)
        desk = self._desk
        desk.session = session
        desk.simulated = SimulatedVenue(build_venue(market, self._scenario, seed))
        desk.feed._transport = InProcessTransport(UwFace(market, desk.clock))
        assert isinstance(desk.broker, NightlyBroker)
        desk.broker.open_day(desk.simulated)
        print(f"day {self.days} ({session.day}), {self._lived_s / HOUR:.1f} h lived", file=sys.stderr)

    async def _timed_tick(self) -> None:
        began = time.process_time()
        await self._tick()
        self.hours[-1].ticks_ms.append((time.process_time() - began) * 1000)

    def _watch(self) -> None:
        if self._lived_s - self._sampled_s < SAMPLE_S:
            return
        self._sampled_s = self._lived_s
        gc.collect()
        _give_back()
        number = int(self._lived_s // HOUR) + 1
        if number > self.hours[-1].number and self._lived_s < self._wanted_s:
            self.hours.append(Hour(number))
        self.hours[-1].resident_mb.append(_resident_mb())
        self.hours[-1].open_files.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))


def _give_back() -> None:
    """Have the C library return freed pages, so that what is resident is what is in use (glibc; elsewhere nothing)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def soak(hours: float, scenario_name: str, seed: int, folder: Path) -> tuple[Verdict, list[dict[str, float]]]:
    """Run a soak with its store in `folder`; returns the verdict and each hour in figures."""
    began = time.monotonic()
    config = configuration({"mode": "sim"})
    database = folder / "soak.db"
    desk = await open_desk(config, scenario_name, seed, database, quiet=True, broker=NightlyBroker)
    calendar = XnysCalendar.around(desk.session.day, folder)
    run = Soak(desk, load_scenario(scenario_name), seed, calendar, hours)
    await run.run()
    await desk.engine.stop("the soak is over")
    await desk.close()
    table = [hour.summary() for hour in run.hours if hour.resident_mb]
    return _verdict(hours, run.days, time.monotonic() - began, database, table), table


def _verdict(hours: float, days: int, wall_s: float, database: Path, table: list[dict[str, float]]) -> Verdict:
    from sqlalchemy import text

    from bot.store.database import open_reader

    url = f"sqlite+aiosqlite:///{database.absolute()}"
    with open_reader(url) as reader:
        trades = int(reader.execute(text("SELECT COUNT(*) FROM position")).scalar() or 0)
    size = database.stat().st_size
    first, last = table[0], table[-1]
    return Verdict(
        hours=hours,
        days=days,
        wall_seconds=round(wall_s, 1),
        trades=trades,
        store_bytes=size,
        store_bytes_per_trade=size // trades if trades else size,
        memory_first_hour_mb=first["resident_mb"],
        memory_end_mb=last["resident_mb"],
        memory_growth=round(last["resident_mb"] / first["resident_mb"] - 1, 4),
        open_files_first_hour=int(first["open_files"]),
        open_files_end=int(last["open_files"]),
        tick_median_first_ms=first["tick_median_ms"],
        tick_median_end_ms=last["tick_median_ms"],
        tick_p99_first_ms=first["tick_p99_ms"],
        tick_p99_end_ms=last["tick_p99_ms"],
        broken_invariants=[f"{f.invariant}: {f.detail}" for f in check_invariants(url) if not f.ok],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="One engine through day after day; prints what it used, as JSON.")
    parser.add_argument("--hours", type=float, default=24.0, help="hours of open market")
    parser.add_argument("--scenario", default="gamma_pin_day")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quanticity-soak-") as folder:
        verdict, table = asyncio.run(soak(given.hours, given.scenario, given.seed, Path(folder)))
    print(json.dumps({"met": verdict.met, **asdict(verdict), "by_hour": table}, indent=2))
    return 0 if verdict.met else 1


if __name__ == "__main__":
    sys.exit(main())
