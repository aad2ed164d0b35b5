"""The soak of the bot alone: the program itself, over real sockets, while the simulated venue is another process.

The bot is started once and lives through every day. In the evening its venue ends, as a gateway does in its nightly
restart; the next one begins a new day (the same story, another seed) on the same ports, and the bot's clock follows it.
Measured is the bot's process and nothing else, from outside: what is resident, which files are open, and its processor
time for each tick, everything included that such a stretch of ticks brings with it (sockets, parsing, store).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import text

from benchmarks.soak_report import Hour, Soaked, open_files, resident_mb, soaked
from bot.clocks.calendar import XnysCalendar
from bot.domain.calendar import TradingSession
from bot.sim.scenario import Scenario, load_scenario
from bot.store.database import open_reader

ROOT: Final = Path(__file__).resolve().parents[1]
SAMPLE_S: Final = 600.0
LOOK_WALL_S: Final = 0.2
PATIENCE_WALL_S: Final = 60.0
AFTER_CLOSE_S: Final = 120.0
HERTZ: Final = os.sysconf("SC_CLK_TCK")


class Venue:
    """`python run.py sim` for one day."""

    def __init__(self, scenario: str, seed: int, speed: float, start_at: datetime, ports: tuple[int, int]) -> None:
        command = [sys.executable, str(ROOT / "run.py"), "sim", "--scenario", scenario, "--seed", str(seed)]
        command += ["--speed", str(speed), "--start-at", start_at.isoformat()]
        command += ["--tws-port", str(ports[0]), "--uw-port", str(ports[1])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        words = dict(part.split("=") for part in self._process.stdout.readline().split()[1:])
        self.ports = int(words["tws"]), int(words["uw"])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Bot:
    """The program, watched from outside."""

    def __init__(self, folder: Path, speed: float, start_at: datetime, ports: tuple[int, int]) -> None:
        self.database = folder / "soak.db"
        settings = {
            "DATABASE__URL": f"sqlite+aiosqlite:///{self.database}",
            "DATABASE__BACKUP_DIR": str(folder / "backups"),
            "IBKR__PORT": str(ports[0]),
            "SOURCES__UNUSUAL_WHALES__BASE_URL": f"http://127.0.0.1:{ports[1]}",
            "WEB__ENABLED": "false",
            "PEOPLE__USERS": "[{name: ann, role: owner}]",
            "ENGINE__DEAD_MAN_FILE": "",
        }
        named = {f"QUANTICITY__{key}": value for key, value in settings.items()}
        environment = {**os.environ, **named, "UNUSUAL_WHALES_TOKEN": "simulated"}
        command = [sys.executable, str(ROOT / "run.py"), "run", "--mode", "paper", "--speed", str(speed)]
        command += ["--start-at", start_at.isoformat()]
        with (folder / "bot.log").open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        self.pid = self._process.pid
        self._wait_for_the_store(folder / "bot.log")

    def _wait_for_the_store(self, log: Path) -> None:
        end = time.monotonic() + PATIENCE_WALL_S
        while time.monotonic() < end and self._process.poll() is None:
            if "session" in log.read_text(encoding="utf-8") and "→ active" in log.read_text(encoding="utf-8"):
                return
            time.sleep(LOOK_WALL_S)
        raise RuntimeError("the bot did not become active: " + log.read_text(encoding="utf-8")[-2000:])

    def pulse(self) -> tuple[int, datetime]:
        """Return its tick and its time, as it last wrote them."""
        if self._process.poll() is not None:
            raise RuntimeError(f"the bot ended with exit code {self._process.returncode}")
        with open_reader(f"sqlite+aiosqlite:///{self.database}") as reader:
            tick, at = reader.execute(text("SELECT tick, at FROM engine_status")).one()
        return int(tick), datetime.fromisoformat(at)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / HERTZ

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


class Watch:
    """Turns looks at the bot into hours of open market."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._lived_s = 0.0
        self.hours: list[Hour] = []
        self._last: tuple[int, datetime, float] | None = None

    @property
    def lived_hours(self) -> float:
        return self._lived_s / 3600

    def look(self, session: TradingSession, day: int) -> datetime:
        """Take a sample when ten minutes of open market are over; returns the bot's time."""
        tick, now = self._bot.pulse()
        if not session.is_open(now):
            self._last = None
            return now
        if self._last is None:
            self._last = tick, now, self._bot.cpu_s()
            return now
        before, since, cpu = self._last
        passed = (now - since).total_seconds()
        if passed >= SAMPLE_S and tick > before:
            self._sample(day, passed, tick - before, self._bot.cpu_s() - cpu)
            self._last = tick, now, self._bot.cpu_s()
        return now

    def _sample(self, day: int, passed_s: float, ticks: int, cpu_s: float) -> None:
        number = int(self._lived_s // 3600) + 1
        self._lived_s += passed_s
        if not self.hours or number > self.hours[-1].number:
            self.hours.append(Hour(number, day))
        hour = self.hours[-1]
        hour.resident_mb.append(resident_mb(self._bot.pid))
        hour.open_files.append(open_files(self._bot.pid))
        hour.ticks_ms.append(1000 * cpu_s / ticks)
        hour.ticks += ticks


def soak_process(hours: float, scenario_name: str, seed: int, speed: float, folder: Path) -> Soaked:
    """Run the bot against one venue a day until the hours are full."""
    began = time.monotonic()
    scenario = load_scenario(scenario_name)
    days = _sessions(scenario, folder)
    first = next(days)
    start_at = _morning(scenario, first.day)
    venue = Venue(scenario_name, seed, speed, start_at, (0, 0))
    bot: Bot | None = None
    try:
        bot = Bot(folder, speed, start_at, venue.ports)
        watch = Watch(bot)
        _live(watch, first, 1, hours)
        for number, session in enumerate(days, start=2):
            if watch.lived_hours >= hours:
                break
            ports = venue.ports
            venue.stop()
            print(f"day {number} ({session.day}), {watch.lived_hours:.1f} h lived", file=sys.stderr)
            venue = Venue(scenario_name, seed + number - 1, speed, _morning(scenario, session.day), ports)
            _live(watch, session, number, hours)
    finally:
        venue.stop()
        if bot is not None:
            bot.stop()
    return soaked(watch.hours, time.monotonic() - began, bot.database)


def _sessions(scenario: Scenario, folder: Path) -> Iterator[TradingSession]:
    calendar = XnysCalendar.around(scenario.date, folder)
    session = calendar.session_on(scenario.date) or calendar.next_session(scenario.date)
    while True:
        yield session
        session = calendar.next_session(session.day)


def _morning(scenario: Scenario, day: date) -> datetime:
    return scenario.moment(scenario.start_at, day)


def _live(watch: Watch, session: TradingSession, day: int, hours: float) -> None:
    """Watch one day to its end; raises RuntimeError when the bot's time does not move on."""
    moved_at, seen = time.monotonic(), None
    while watch.lived_hours < hours:
        now = watch.look(session, day)
        if (now - session.close_at).total_seconds() >= AFTER_CLOSE_S:
            return
        if now != seen:
            moved_at, seen = time.monotonic(), now
        if time.monotonic() - moved_at > PATIENCE_WALL_S:
            raise RuntimeError(f"the bot's time stands still at {now}")
        time.sleep(LOOK_WALL_S)
