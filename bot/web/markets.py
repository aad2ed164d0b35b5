"""The market as the strategies see it: price, pin, flip and lean with their thresholds, and gamma by strike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from flask import Blueprint, abort, render_template
from sqlalchemy import Connection

from bot.charts.chart import Axis, Bars, Chart, Level, Pane, Shown
from bot.domain.calendar import new_york_day
from bot.domain.wording import clock_time, price
from bot.engine.state.shown import MACRO
from bot.store import read as ask
from bot.store.read.market import GammaRow, Sight, gamma_of, sights
from bot.store.read.vendors import feed_rows
from bot.web.plots import Plot, plot
from bot.web.rows_shown import ShownSet, shown_set
from bot.web.store_reader import reader

blueprint = Blueprint("markets", __name__)

STRIKES: Final = 41
"""Strikes that are drawn, those nearest to the price."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One underlying in a line; what is nearer than its limit is met. `old`: measured longer ago than its last look."""

    symbol: str
    strategy: str
    price: Decimal | None
    pin: Decimal | None
    distance: Decimal | None
    pin_limit: Decimal | None
    pinned: bool
    flip: Decimal | None
    net: float | None
    lean: Decimal | None
    lean_limit: Decimal | None
    leaning: bool
    book: str
    seen_at: datetime | None
    reason: str
    needle: float
    """Where the lean stands on a line of 100, its middle 50."""


@dataclass(frozen=True, slots=True)
class MarketPage:
    strips: tuple[Strip, ...]
    chosen: str
    gamma: Plot | None
    gamma_at: datetime | None
    age: float | None
    macro: ShownSet | None = None


@blueprint.get("/market")
@blueprint.get("/market/<symbol>")
def page(symbol: str = "") -> str:
    now = reader().clock.now()
    found = reader().look(lambda connection: market(connection, symbol.upper(), now))
    if found is None:
        abort(404, f"No strategy looks at {symbol}.")
    return render_template("web/market.html", active="Market", m=found)


def market(connection: Connection, symbol: str, now: datetime) -> MarketPage | None:
    """Return the market with one underlying chosen (the first when none is named); None for one nobody looks at."""
    pulse = ask.pulse(connection)
    day = (pulse.session_day if pulse else None) or new_york_day(now)
    strips = tuple(strip(sight) for sight in sights(connection, day))
    known = [each.symbol for each in strips]
    if symbol and symbol not in known:
        return None
    chosen = symbol or (known[0] if known else "")
    gamma = gamma_of(connection, chosen) if chosen else None
    here = next((each for each in strips if each.symbol == chosen), None)
    drawn = plot(gamma_chart(gamma, here), f"/plots/gex/{chosen}") if gamma is not None else None
    at = gamma.at if gamma else None
    macro = next((shown_set(each, now) for each in feed_rows(connection, MACRO)), None)
    return MarketPage(strips, chosen, drawn, at, (now - at).total_seconds() if at else None, macro)


def chart_of(connection: Connection, symbol: str, now: datetime) -> Chart | None:
    """Return an underlying's gamma by strike as a chart, None before the vendor's first answer."""
    gamma = gamma_of(connection, symbol)
    if gamma is None:
        return None
    pulse = ask.pulse(connection)
    day = (pulse.session_day if pulse else None) or new_york_day(now)
    here = next((strip(sight) for sight in sights(connection, day) if sight.symbol == symbol), None)
    return gamma_chart(gamma, here)


def strip(sight: Sight) -> Strip:
    distance, lean = sight.number("distance"), sight.number("imbalance")
    net = sight.number("net_gamma")
    return Strip(
        sight.symbol, sight.strategy, sight.number("price"), sight.number("max_gamma_strike"), distance,
        sight.pin_limit,
        distance is not None and sight.pin_limit is not None and distance <= sight.pin_limit,
        sight.number("gamma_flip"), None if net is None else float(net), lean, sight.lean_limit,
        lean is not None and sight.lean_limit is not None and abs(lean) >= sight.lean_limit,
        str(sight.seen.get("book_symbol", "")), sight.seen_at, sight.last_reason,
        50.0 if lean is None else round(50 + 50 * max(-1.0, min(1.0, float(lean))), 1),
    )  # fmt: skip


def gamma_chart(gamma: GammaRow, here: Strip | None) -> Chart | None:
    """Return the bars of gamma by strike, millions of dollars for a 1 % move, with spot, pin and flip."""
    spot = float(here.price) if here is not None and here.price is not None else float(gamma.price)
    near = sorted(gamma.strikes, key=lambda row: abs(row[0] - spot))[:STRIKES]
    if not near:
        return None
    rows = [{"x": strike, "gex": round(net / 1e6, 3)} for strike, net in sorted(near)]
    low, high = rows[0]["x"], rows[-1]["x"]
    levels = [Level(spot, f"spot {price(Decimal(str(round(spot, 2))))}", "ink", dashed=False, across=False)]
    if here is not None:
        named = ((here.pin, "pin"), (here.flip, "flip"))
        levels += [
            Level(float(at), f"{name} {price(round(at, 2))}", "s3", across=False)
            for at, name in named
            if at is not None and low <= at <= high
        ]
    largest = max(rows, key=lambda row: abs(row["gex"]))
    most = f"the most, {largest['gex']:,.0f} million dollars, at {largest['x']:g}"
    words = f"Gamma by strike at {clock_time(gamma.at)}: {most}"
    pane = Pane("GEX by strike, $ M for a 1 % move", Shown.NUMBER, bars=(Bars("gex", "GEX, $ M"),),
                levels=tuple(levels), height=260, digits=1)  # fmt: skip
    return Chart(f"gex-{gamma.symbol}", words, Axis.NUMBER, (pane,), rows)
