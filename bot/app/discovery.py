"""Discovery: what recorded days say is put into `config/discovered.yaml`, before the open or when a person asks.

The work runs apart (`python -m bot.app.discovery`), for it reads days of prints. Its answer is a report; the file is
written whole beside the other settings, and is read as they are: checked against its bounds, in force as a new config
version with its evidence in it. Where nothing at all was found nothing is written, and what was there stays until it
is too old.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import yaml

from bot.analytics.discovery import (
    DiscoveredNumber,
    MakerSeen,
    correlations,
    lookback,
    makers,
    volatility_bounds,
    vpin_bucket,
)
from bot.app.child_process import ChildFailed
from bot.app.due_jobs import LOOK_WALL_S, whenever_due
from bot.app.job_process import Question, ask, serve
from bot.config.discovery import DiscoveredSettings, DiscoverySettings
from bot.config.schema import Settings
from bot.domain.calendar import new_york_day
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from bot.domain.events.people import AlertRaised
from bot.domain.quotes import TradePrint
from bot.domain.timetable import DISCOVERY
from bot.engine.state.ports import Clock, TradingCalendar

log: Final = logging.getLogger("quanticity")

FILE: Final = "discovered.yaml"
_TITLE: Final = (
    "# Written by `discover`; read as the other settings are. What is older than discovery.valid_hours is not used.\n"
)

Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class DiscoveryReport:
    """What was found in which days: by symbol its numbers, the makers, the correlations and why others have none."""

    at: datetime
    days: tuple[str, ...]
    faults: tuple[str, ...]
    numbers: Mapping[str, tuple[DiscoveredNumber, ...]]
    makers: tuple[MakerSeen, ...]
    correlations: Mapping[str, float]
    uncorrelated: Mapping[str, str]

    @property
    def found(self) -> int:
        """How many numbers were found at all."""
        numbers = sum(each.value is not None for own in self.numbers.values() for each in own)
        return numbers + len(self.makers) + len(self.correlations)

    @property
    def refused(self) -> list[tuple[str, DiscoveredNumber]]:
        """What was found outside its bounds, by symbol."""
        return [(symbol, each) for symbol, own in self.numbers.items() for each in own if "refused" in each.evidence]


def discover(
    root: Path, settings: DiscoverySettings, day: date, at: datetime, tell: Told = lambda done, of, what: None
) -> DiscoveryReport:
    """Look for every number in the recordings below `root` of before a day; `tell` hears how far it is."""
    from bot.record.history import days_before, read_past

    past = read_past(days_before(root, day, settings.days_back), settings.symbols, settings.most_prints, tell)
    numbers: dict[str, tuple[DiscoveredNumber, ...]] = {}
    prints: list[TradePrint] = []
    minutes = {}
    for symbol, own in past.symbols.items():
        minutes[symbol] = own.minutes
        prints += own.prints
        numbers[symbol] = (
            vpin_bucket([each.size for each in own.prints], settings),
            lookback(minutes[symbol], settings),
            *volatility_bounds(minutes[symbol], settings),
        )
    together, apart = correlations({symbol: bars for symbol, bars in minutes.items() if bars}, settings)
    seen = tuple(makers(prints, settings))
    return DiscoveryReport(at, tuple(past.days), tuple(past.faults), numbers, seen, together, apart)


# ---- as settings


def as_settings(report: DiscoveryReport) -> dict[str, Any]:
    """Return what was found as the section `discovered`, with its evidence."""
    by_name = {symbol: {each.name: each for each in own} for symbol, own in report.numbers.items()}
    return {
        "timestamp": report.at.isoformat(),
        "parameters": {symbol: values for symbol, own in by_name.items() if (values := _parameters(own))},
        "market_makers": {each.name: {"toxicity": each.toxicity, "fast": each.fast} for each in report.makers},
        "volatility": {
            symbol: {"low": round(low, 6), "high": round(high, 6)}
            for symbol, own in by_name.items()
            if (low := own["low"].value) is not None and (high := own["high"].value) is not None
        },
        "correlations": dict(report.correlations),
        "evidence": {
            "days": list(report.days),
            "faults": list(report.faults),
            "symbols": {symbol: _evidence(own) for symbol, own in by_name.items()},
            "market_makers": {each.name: _of_maker(each) for each in report.makers},
            "uncorrelated": dict(report.uncorrelated),
        },
    }


def _parameters(own: Mapping[str, DiscoveredNumber]) -> dict[str, int]:
    values = {name: own[name].value for name in ("vpin_bucket", "lookback")}
    return {name: int(value) for name, value in values.items() if value is not None}


def _evidence(own: Mapping[str, DiscoveredNumber]) -> dict[str, Any]:
    return {
        name: {
            **({"why": each.why} if each.why else {}),
            **{key: _rounded(value) for key, value in each.evidence.items()},
        }
        for name, each in own.items()
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


def _of_maker(each: MakerSeen) -> dict[str, Any]:
    balance = None if each.balance is None else round(each.balance, 4)
    return {"prints": each.prints, "mean_size": round(each.mean_size, 2), "balance": balance}


def write(report: DiscoveryReport, folder: Path) -> Path | None:
    """Write `discovered.yaml` below a folder of settings, whole or not at all; None where nothing was found."""
    if not report.found:
        return None
    section = as_settings(report)
    DiscoveredSettings.model_validate(section)  # what the next reading would refuse is never written
    to = folder / FILE
    beside = to.with_name(f".{FILE}.new")
    beside.write_text(_TITLE + yaml.safe_dump(section, sort_keys=False, allow_unicode=True), encoding="utf-8")
    beside.replace(to)
    return to


# ---- before the open


class DiscoveryJob:
    """Has it run at its hour, apart, and write into the `folder` of the settings; what came of it is a row of the job,
    and an alert where it failed."""

    def __init__(
        self,
        folder: Path,
        settings: Callable[[], Settings],
        clock: Clock,
        calendar: TradingCalendar,
        tell: Callable[[Event], None],
        look_s: float = LOOK_WALL_S,
    ) -> None:
        self._folder, self._settings = folder, settings
        self._clock, self._calendar, self._tell = clock, calendar, tell
        self._last: datetime | None = None
        self._failed_at: datetime | None = None
        self._look_s = look_s

    async def run(self) -> None:
        """Look at the clock until cancelled."""
        self._last = self._settings().discovered.timestamp
        await whenever_due(self.is_due, self.discover, self._clock, self._look_s)

    def is_due(self, now: datetime) -> bool:
        """Say whether this morning's is still to be done."""
        if self._failed_at is not None and now - self._failed_at < DISCOVERY.again_after:
            return False
        session = self._calendar.session_on(self._calendar.today(now))
        return DISCOVERY.is_due(self._last, now, session, lambda name: attrgetter(name)(self._settings()))

    async def discover(self, now: datetime) -> None:
        """Do it once, in a process of its own."""
        settings = self._settings()
        question = {
            "recordings": settings.engine.record_dir, "config": str(self._folder),
            "settings": settings.discovery.model_dump(mode="json"), "at": now.isoformat(),
        }  # fmt: skip
        try:
            said = await ask("bot.app.discovery", "discovery", question)
        except ChildFailed as error:
            self._failed_at = now
            self._tell(JobRan(DISCOVERY.name, "failed", str(error), now))
            self._tell(AlertRaised("DISCOVERY_FAILED", f"discovery failed: {error}", {}, now))
            return
        self._last, self._failed_at = now, None
        log.info(said["words"])
        self._tell(JobRan(DISCOVERY.name, "done", said["words"], now))
        for refused in said["refused"]:
            self._tell(AlertRaised("DISCOVERY_REFUSED", refused["words"], refused, now))


def work(question: Question) -> dict[str, Any]:
    """Discover as the job asks; the answer is what is told of it."""
    settings = DiscoverySettings.model_validate(question["settings"])
    at = datetime.fromisoformat(question["at"])
    report = discover(Path(question["recordings"]), settings, new_york_day(at), at)
    written = write(report, Path(question["config"]))
    return {"words": in_words(report, written), "refused": [_refusal(*each) for each in report.refused]}


def in_words(report: DiscoveryReport, written: Path | None) -> str:
    """Return in a sentence what came of it."""
    days = f"{report.days[0]} to {report.days[-1]}" if report.days else "no recorded day"
    falls = sum(each.value is None for own in report.numbers.values() for each in own)
    where = f"written to {written.name}" if written is not None else "nothing was found and nothing is written"
    return f"{report.found} numbers found in {days}, {falls} fall back, {len(report.refused)} refused; {where}"


def _refusal(symbol: str, each: DiscoveredNumber) -> dict[str, Any]:
    words = f"{symbol} {each.name}: {each.why}; {each.default:g} stays"
    return {"symbol": symbol, "number": each.name, "words": words, "evidence": _rounded(dict(each.evidence))}


if __name__ == "__main__":
    sys.exit(serve(work))
