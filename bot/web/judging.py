"""Are the product's own numbers any good: what it stated against what came, and what it found before the open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, render_template
from pydantic import ValidationError
from sqlalchemy import Connection

from bot.config.discovery import DiscoveredSettings, DiscoverySettings, FoundMaker, bounds_of
from bot.domain.forecast import ForecastKind
from bot.store.read.forecasts import Calibrated, ForecastRow, calibrations, latest_forecasts
from bot.store.read.settings import settings_in_force
from bot.web.store_reader import reader

blueprint = Blueprint("judging", __name__)

LATEST: Final = 30
KIND_WORDS: Final[Mapping[ForecastKind, str]] = {
    ForecastKind.CONFIDENCE: "Confidence: the trade wins",
    ForecastKind.PIN_RISK: "Pin risk: the expiry ends at its max pain",
    ForecastKind.MOC: "Closing auction: it presses the way that was said",
    ForecastKind.EXPECTED_MOVE: "Expected move: realized over implied",
}


@dataclass(frozen=True, slots=True)
class DiscoveredRow:
    """One number of a symbol: what is used now and why. `why` empty: it was found, and is."""

    symbol: str
    name: str
    unit: str
    used: float
    found: bool
    bounds: str
    evidence: str
    why: str


@dataclass(frozen=True, slots=True)
class DiscoveryPage:
    """`since` is when it was found, `until` when it is too old; None: nothing was found yet."""

    rows: tuple[DiscoveredRow, ...]
    makers: tuple[tuple[str, FoundMaker], ...]
    correlations: tuple[tuple[str, float], ...]
    since: datetime | None
    until: datetime | None
    is_valid: bool
    days: tuple[str, ...]


@blueprint.get("/calibration")
def calibration() -> str:
    found = reader().look(lambda connection: (calibrations(connection), latest_forecasts(connection, LATEST)))
    groups: list[Calibrated] = found[0]
    latest: list[ForecastRow] = found[1]
    return render_template(
        "web/calibration.html", active="Calibration", groups=groups, latest=latest, kind_words=KIND_WORDS
    )


@blueprint.get("/calibration.json")
def calibration_json() -> dict[str, Any]:
    groups = reader().look(calibrations)
    return {
        "forecasts": [
            {"kind": each.kind.value, "stated_by": each.stated_by, "settled": each.count, "open": each.open,
             "void": each.void, "reliability": asdict(each.reliability) if each.reliability else None,
             "moves": asdict(each.moves) if each.moves else None}
            for each in groups
        ]
    }  # fmt: skip


@blueprint.get("/discovery")
def discovery() -> str:
    now = reader().clock.now()
    found = reader().look(lambda connection: discovery_page(connection, now))
    return render_template("web/discovery.html", active="Discovery", d=found)


@blueprint.get("/discovery.json")
def discovery_json() -> dict[str, Any]:
    now = reader().clock.now()
    found = reader().look(lambda connection: discovery_page(connection, now))
    return {
        "since": found.since.isoformat() if found.since else None, "valid": found.is_valid, "days": list(found.days),
        "numbers": [asdict(row) for row in found.rows], "correlations": dict(found.correlations),
        "market_makers": {name: maker.model_dump() for name, maker in found.makers},
    }  # fmt: skip


def discovery_page(connection: Connection, now: datetime) -> DiscoveryPage:
    """Return the numbers that measures go by, as the settings in force have them."""
    tree = settings_in_force(connection)
    try:
        how = DiscoverySettings.model_validate(tree.get("discovery") or {})
        found = DiscoveredSettings.model_validate(tree.get("discovered") or {})
    except ValidationError:  # settings of another version of the program
        how, found = DiscoverySettings(), DiscoveredSettings()
    is_valid = found.is_valid(how, now)
    until = None if found.timestamp is None else found.timestamp + timedelta(hours=how.valid_hours)
    rows = [row for symbol in how.symbols for row in _rows(symbol, how, found, now, is_valid=is_valid)]
    days = found.evidence.get("days")
    return DiscoveryPage(
        tuple(rows), tuple(sorted(found.market_makers.items())), tuple(sorted(found.correlations.items())),
        found.timestamp, until, is_valid, tuple(str(day) for day in days) if isinstance(days, list | tuple) else (),
    )  # fmt: skip


def _rows(
    symbol: str, how: DiscoverySettings, found: DiscoveredSettings, now: datetime, *, is_valid: bool
) -> list[DiscoveredRow]:
    evidence = _inside(_inside(found.evidence, "symbols"), symbol)
    rows = []
    for name, unit, default in (("vpin_bucket", "shares", how.vpin_bucket), ("lookback", "minutes", how.lookback)):
        least, most = bounds_of(name, how)
        value = found.parameter(name, symbol, how, now)
        shown = value if value is not None else float(default)
        rows.append(_row(symbol, name, unit, shown, value is not None, f"{least:g} to {most:g}", evidence, is_valid))
    volatility = found.volatility.get(symbol) if is_valid else None
    for name, default_ in (("low", how.low_volatility), ("high", how.high_volatility)):
        shown = default_ if volatility is None else float(getattr(volatility, name))
        rows.append(_row(symbol, name, "a year", shown, volatility is not None, "above 0", evidence, is_valid))
    return rows


def _row(
    symbol: str, name: str, unit: str, used: float, found: bool, bounds: str, evidence: Any, is_valid: bool
) -> DiscoveredRow:
    own = _inside(evidence, name)
    counts = [f"{own[key]} {key}" for key in ("prints", "bars", "returns", "windows") if key in own]
    why = str(own.get("why", "")) or ("" if found else "nothing was found yet")
    if not found and not is_valid and own:
        why = "what was found is too old"
    return DiscoveredRow(symbol, name, unit, used, found, bounds, ", ".join(counts), "" if found else why)


def _inside(tree: Any, name: str) -> Mapping[str, Any]:
    inner = tree.get(name) if isinstance(tree, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}
