"""Dealers' exposure of an underlying: ours beside the vendor's, by strike and by expiry, with spot, flip, walls,
pin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from bot.charts.chart import Axis, Bars, Chart, Level, Pane, Row, Shown
from bot.domain.wording import clock_time, price
from bot.engine.state.records import FeedRows
from bot.engine.state.shown import DEALERS
from bot.store.read.vendors import feed_rows
from bot.web.plots import Plot, plot

MILLION: Final = 1e6
STRIKES: Final = 41


@dataclass(frozen=True, slots=True)
class Beside:
    """One figure, ours of the contracts that came and the vendor's of the whole chain; `kind` says how it is written:
    millions, price or percent. None: not told."""

    name: str
    unit: str
    kind: str
    ours: float | None
    vendors: float | None


@dataclass(frozen=True, slots=True)
class OfExpiry:
    """One expiry: GEX and DEX in millions of dollars, None where only the vendor told of it; `vendors` its GEX."""

    expiry: str
    gex: float | None
    dex: float | None
    max_pain: float | None
    pin_risk: float | None
    contracts: int
    vendors: float | None


@dataclass(frozen=True, slots=True)
class DealersPage:
    """`absent` says by name why an underlying has no exposure; then there is nothing else of it."""

    symbols: tuple[str, ...]
    chosen: str
    at: datetime | None = None
    age: float = 0.0
    is_late: bool = False
    absent: str = ""
    spot: float | None = None
    figures: tuple[Beside, ...] = ()
    expiries: tuple[OfExpiry, ...] = ()
    drawn: Plot | None = None


def dealers_page(connection: Connection, symbol: str, now: datetime) -> DealersPage:
    """Return the exposure of one underlying, of the first one that has any where none is named or the named has
    none."""
    known = feed_rows(connection, DEALERS)
    names = tuple(each.key for each in known)
    chosen = next((each for each in known if each.key == symbol), known[0] if known else None)
    if chosen is None:
        return DealersPage((), "")
    none: Mapping[str, Any] = {}
    whole = next((row for row in chosen.rows if row.get("of") == "total"), none)
    at = chosen.source_at or chosen.at
    age = max(0.0, (now - at).total_seconds())
    late = age > chosen.max_age_s
    absent = str(whole.get("absent", "")) if whole else "no chain"
    if absent:
        return DealersPage(names, chosen.key, at, age, late, absent)
    return DealersPage(
        names, chosen.key, at, age, late, "", _number(whole, "spot"), figures(whole), expiries(chosen.rows),
        plot(exposure_chart(chosen, whole)),
    )  # fmt: skip


def figures(whole: Mapping[str, Any]) -> tuple[Beside, ...]:
    """Return the figures of a chain in the order in which they are read."""
    unit = str(whole.get("unit", "$ for a move of 1 %")).replace("$", "$ M").replace("shares", "M shares")
    table = (
        ("GEX", unit, "millions", "gex", "vendor_gex"), ("DEX", "$ M", "millions", "dex", ""),
        ("Flip", "$", "price", "flip", "vendor_flip"), ("Pin", "$", "price", "pin", "vendor_pin"),
        ("Call wall", "$", "price", "call_wall", ""), ("Put wall", "$", "price", "put_wall", ""),
        ("Max pain, next expiry", "$", "price", "max_pain", "vendor_max_pain"),
        ("Pin risk, next expiry", "%", "percent", "pin_risk", ""),
        ("Vanna", "$ M a point of volatility", "millions", "vanna", ""), ("Charm", "$ M a day", "millions", "charm",
        ""),
    )  # fmt: skip
    scales = {"millions": 1 / MILLION, "price": 1.0, "percent": 100.0}
    return tuple(
        Beside(name, said, kind, _scaled(whole, ours, scales[kind]), _scaled(whole, vendors, scales[kind]))
        for name, said, kind, ours, vendors in table
    )


def expiries(rows: Sequence[Mapping[str, Any]]) -> tuple[OfExpiry, ...]:
    """Return the expiries of a chain, the nearest first."""
    found = sorted((row for row in rows if row.get("of") == "expiry"), key=lambda row: str(row.get("expiry")))
    return tuple(
        OfExpiry(
            str(row.get("expiry")), _scaled(row, "gex", 1 / MILLION), _scaled(row, "dex", 1 / MILLION),
            _number(row, "max_pain"), _scaled(row, "pin_risk", 100.0), int(_number(row, "contracts") or 0),
            _scaled(row, "vendor_gex", 1 / MILLION),
        )
        for row in found
    )  # fmt: skip


def exposure_chart(chosen: FeedRows, whole: Mapping[str, Any]) -> Chart | None:
    """Return GEX and DEX by strike around the price, and the vendor's GEX of all expiries below."""
    spot = _number(whole, "spot")
    rows = [row for row in chosen.rows if row.get("of") == "strike" and _number(row, "strike") is not None]
    if spot is None or not rows:
        return None
    near = sorted(rows, key=lambda row: abs((_number(row, "strike") or 0.0) - spot))[:STRIKES]
    drawn: list[Row] = [
        {"x": _number(row, "strike"), "gex": _scaled(row, "gex", 1 / MILLION), "dex": _scaled(row, "dex", 1 / MILLION),
         "vendor": _scaled(row, "vendor_gex", 1 / MILLION)}
        for row in sorted(near, key=lambda row: _number(row, "strike") or 0.0)
    ]  # fmt: skip
    levels = _levels(whole, spot, drawn)
    panes = [
        Pane("GEX by strike, $ M for a 1 % move, our expiries", Shown.NUMBER, bars=(Bars("gex", "GEX, $ M"),),
             levels=levels, height=220, digits=1),
        Pane("DEX by strike, $ M", Shown.NUMBER, bars=(Bars("dex", "DEX, $ M"),), levels=levels[:1], height=120,
        digits=1),
    ]  # fmt: skip
    if any(row["vendor"] is not None for row in drawn):
        panes.append(
            Pane("Vendor's GEX by strike, $ M, all expiries", Shown.NUMBER,
                 bars=(Bars("vendor", "vendor's GEX, $ M"),), levels=levels[:1], height=120, digits=1)
        )  # fmt: skip
    words = f"Dealers' exposure of {chosen.key} by strike at {clock_time(chosen.source_at or chosen.at)}"
    return Chart(f"dealers-{chosen.key}", words, Axis.NUMBER, panes, drawn)


def _levels(whole: Mapping[str, Any], spot: float, drawn: Sequence[Row]) -> list[Level]:
    low, high = drawn[0]["x"] or 0.0, drawn[-1]["x"] or 0.0
    found = [Level(spot, f"spot {_words(spot)}", "ink", dashed=False, across=False)]
    for name in ("flip", "pin", "call wall", "put wall"):
        at = _number(whole, name.replace(" ", "_"))
        if at is not None and low <= at <= high:
            found.append(Level(at, f"{name} {_words(at)}", "s3", across=False))
    return found


def _words(value: float) -> str:
    return price(Decimal(str(round(value, 2))))


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _scaled(row: Mapping[str, Any], name: str, by: float) -> float | None:
    value = _number(row, name)
    return None if value is None else value * by
