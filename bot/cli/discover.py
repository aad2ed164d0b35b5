"""`discover`: numbers that measures go by, found in recorded days before a day's open, with a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import show
from bot.cli.invocation import configuration, fail

if TYPE_CHECKING:
    from bot.app.discovery import DiscoveryReport, Told

_NUMBERS: Final = ("symbol", "number", "value", "default", "why it falls back")
_MAKERS: Final = ("maker", "prints", "mean size", "bought / sold", "toxicity", "fast")


def discover(
    day: Annotated[str | None, typer.Option(help="As on the morning of this day; else today.")] = None,
    recordings: Annotated[Path | None, typer.Option(help="The folder of recorded days; else the settings'.")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Only report; write nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Find the numbers that measures go by in recorded days, report them, and write config/discovered.yaml.

    VPIN bucket, look-back, volatility bounds, correlations, fast market makers; each with its evidence, or with why it
    falls back. What is outside its bounds is refused. A bot that runs takes the file over at once.
    """
    from bot.app import discovery
    from bot.clocks.clock import SystemClock
    from bot.domain.calendar import new_york_day

    config, now = configuration(), SystemClock().now()
    settings, root = config.settings.discovery, recordings or Path(config.settings.engine.record_dir)
    wanted = _day(day) if day is not None else new_york_day(now)
    with _progress() as tell:
        report = discovery.discover(root, settings, wanted, _morning(wanted) if day is not None else now, tell)
    written = None if dry else discovery.write(report, config.root / "config")
    if json:
        show.as_json({"day": wanted, "written": str(written) if written else None, **discovery.as_settings(report)})
        return
    show.as_table(_NUMBERS, _rows(report), f"discovered before {wanted}", "no symbols are named")
    if report.makers:
        show.as_table(_MAKERS, _makers(report), "market makers and venues")
    pairs = [(pair, f"{value:+.2f}") for pair, value in report.correlations.items()]
    pairs += [(pair, why) for pair, why in report.uncorrelated.items()]
    show.as_table(("pair", "correlation"), pairs, "correlations", "fewer than two symbols have minutes")
    for fault in report.faults:
        print(f"not read: {fault}")
    print("nothing was written, as asked" if dry else discovery.in_words(report, written))


def _rows(report: DiscoveryReport) -> Sequence[tuple[Any, ...]]:
    return [
        (symbol, each.name, "-" if each.value is None else f"{each.value:g}", f"{each.default:g}", each.why)
        for symbol, own in report.numbers.items()
        for each in own
    ]


def _makers(report: DiscoveryReport) -> Sequence[tuple[Any, ...]]:
    return [
        (each.name, each.prints, round(each.mean_size, 1), None if each.balance is None else round(each.balance, 2),
         each.toxicity, "yes" if each.fast else "no")
        for each in report.makers
    ]  # fmt: skip


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--day {text!r} is no day like 2026-11-20")


def _morning(day: date) -> datetime:
    from datetime import time

    from bot.domain.calendar import NEW_YORK

    return datetime.combine(day, time(9), NEW_YORK)


@contextmanager
def _progress() -> Iterator[Told]:
    """Show on a terminal how many recorded days were read."""
    with show.bar("reading recorded days") as move:
        yield move
