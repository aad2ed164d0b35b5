"""What a soak measured, hour by hour, and whether the aims are met.

The aims: memory stays within 5 % of the first hour, no more files are open than in the first hour, the tick costs on
the last day what it costs on the first, every promise of the store holds. Files are compared by the median of an hour:
a backup or a new connection opens some for a moment, one that is never closed raises every median after it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low
from typing import Final

from sqlalchemy import text

from benchmarks.result import median, percentile
from bot.store.database import open_reader
from bot.store.invariants import check_invariants

MEMORY_AIM: Final = 0.05
TICK_AIM: Final = 0.25
"""A tick's median on the last day against the first: what is left to the chance of how much is traded."""


@dataclass
class Hour:
    """What one hour of open market used; `ticks_ms` is processor time, one tick or the mean of a stretch of them."""

    number: int
    day: int
    resident_mb: list[float] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)
    ticks_ms: array[float] = field(default_factory=lambda: array("d"))
    ticks: int = 0

    def row(self) -> tuple[str, ...]:
        """Return the hour as cells of the table."""
        return (
            f"{self.number}", f"{self.day}", f"{max(self.resident_mb):.1f}", f"{max(self.open_files)}",
            f"{self.ticks}", f"{median(self.ticks_ms):.3f}", f"{percentile(self.ticks_ms, 0.99):.3f}",
        )  # fmt: skip


COLUMNS: Final = ("hour", "day", "MB", "files", "ticks", "tick ms", "p99 ms")


@dataclass(frozen=True)
class Aim:
    """One line of the verdict."""

    what: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Soaked:
    """A finished soak."""

    hours: Sequence[Hour]
    wall_s: float
    trades: int
    store_bytes: int
    broken: Sequence[str]

    @property
    def aims(self) -> list[Aim]:
        first, later = self.hours[0], self.hours[1:] or self.hours
        before, peak = max(first.resident_mb), max(max(hour.resident_mb) for hour in later)
        last = max(self.hours[-1].resident_mb)
        files, most = median_low(first.open_files), max(median_low(hour.open_files) for hour in later)
        moment = max(max(hour.open_files) for hour in self.hours)
        growth = peak / before - 1
        begin, end = (self._tick_of_day(day) for day in (self.hours[0].day, self._last_whole_day()))
        words = f"{before:.1f} MB in the first hour, at most {peak:.1f} later ({growth:+.1%}), {last:.1f} in the last"
        return [
            Aim("memory", words, growth <= MEMORY_AIM),
            Aim("open files", f"{files} in the first hour, at most {most} later, {moment} at a moment", most <= files),
            Aim(
                "tick",
                f"{begin:.3f} ms in the median of the first day, {end:.3f} of the last",
                self._stable(begin, end),
            ),
            Aim("invariants", "; ".join(self.broken) or "all hold", not self.broken),
        ]

    @property
    def met(self) -> bool:
        return all(aim.met for aim in self.aims)

    def _tick_of_day(self, day: int) -> float:
        return median([ms for hour in self.hours if hour.day == day for ms in hour.ticks_ms])

    def _last_whole_day(self) -> int:
        """Hours of a day are not alike (the window for entries, the close): a day that was cut short is no measure."""
        days = [hour.day for hour in self.hours]
        return max((day for day in set(days) if days.count(day) >= days.count(days[0])), default=days[0])

    @staticmethod
    def _stable(begin: float, end: float) -> bool:
        return end <= begin * (1 + TICK_AIM)

    def lines(self) -> Iterator[str]:
        """Yield the table and the verdict as text."""
        yield "  ".join(f"{name:>8}" for name in COLUMNS)
        for hour in self.hours:
            yield "  ".join(f"{cell:>8}" for cell in hour.row())
        each = self.store_bytes // self.trades if self.trades else self.store_bytes
        yield f"{len(self.hours)} hours of open market in {self.wall_s:.0f} s; {self.trades} trades; store " + (
            f"{self.store_bytes / 1e6:.2f} MB, {each / 1000:.0f} kB a trade"
        )
        for aim in self.aims:
            yield f"{'met' if aim.met else 'MISSED':<7} {aim.what}: {aim.measured}"


def soaked(hours: Sequence[Hour], wall_s: float, database: Path) -> Soaked:
    """Sum up a run whose store is at `database`."""
    url = f"sqlite+aiosqlite:///{database.absolute()}"
    with open_reader(url) as reader:
        trades = int(reader.execute(text("SELECT COUNT(*) FROM position")).scalar() or 0)
    measured = [hour for hour in hours if hour.resident_mb and hour.ticks_ms]
    broken = [f"{f.invariant}: {f.detail}" for f in check_invariants(url) if not f.ok]
    return Soaked(measured, wall_s, trades, database.stat().st_size, broken)


def resident_mb(pid: int | str = "self") -> float:
    """Return the resident memory of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def open_files(pid: int | str = "self") -> int:
    """Return how many files a process has open (Linux)."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
