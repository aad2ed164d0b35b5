"""A position as a trader asks about it: what it is worth, what moves it, what it can lose, and its path as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from bot.analytics.greeks import OptionGreeks, black_scholes, implied_volatility
from bot.charts.chart import Axis, Band, Chart, Level, LineMark, Mark, Pane, Row, Shown, thinned, wall_ms
from bot.domain.calendar import NEW_YORK, new_york_day
from bot.domain.instruments import OptionContract, Right, option_of_key
from bot.domain.wording import NOTHING, clock_time, dollars, price, signed
from bot.store import read as ask
from bot.store.read.plan_rules import plan_rules
from bot.web import formats

EXPIRES_AT: Final = time(16, 0)
AT_ENTRY_S: Final = 300.0
YEAR_S: Final = 365 * 86400.0
Fact = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class StopStep:
    """Where the stop stood from when on."""

    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    at: datetime
    price: Decimal
    quantity: int
    side: str


def outlook(row: ask.PositionRow, now: datetime) -> tuple[Fact, ...]:
    """Return break-even, time left and what is at risk of what is left, as facts; what is not known is left out."""
    option = option_of_key(row.contract_key)
    if option is None or row.closed_at is not None:
        return ()
    even = option.strike + row.entry_price * (1 if option.right is Right.CALL else -1)
    away = None if not row.underlying else even / row.underlying - 1
    paid = row.entry_price * row.quantity * row.multiplier
    falls = None if row.bid is None else max(row.bid - (row.stop_price or Decimal(0)), Decimal(0))
    facts = [
        ("Underlying", price(row.underlying), ""),
        ("Break-even at expiry", price(even) + (f", {formats.percent(away, 2)} away" if away is not None else ""), ""),
        ("Time left", _left(option.expiry, now), ""),
        ("Premium at risk", dollars(paid), ""),
    ]
    if falls is not None:
        gives = dollars(falls * row.quantity * row.multiplier)
        facts.append(("Falls to its stop", gives, ""))
    return tuple(facts)


def _left(expiry: date, now: datetime) -> str:
    ends = datetime.combine(expiry, EXPIRES_AT, NEW_YORK)
    days = (expiry - new_york_day(now)).days
    seconds = (ends - now).total_seconds()
    if days <= 0:
        return f"expires today, {formats.span(max(0.0, seconds))} to 16:00" if seconds > 0 else "past its expiry"
    return f"{days} day{'' if days == 1 else 's'} to expiry"


@dataclass(frozen=True, slots=True)
class GreekLine:
    """One of the greeks, a share now and at the entry, and in dollars for all that is left."""

    name: str
    now: str
    entry: str
    all: str


def greek_lines(row: ask.PositionRow, entry: ask.MarkRow | None, now: datetime) -> tuple[GreekLine, ...]:
    """Return volatility and greeks: now by the latest mark while the position is open, at the entry by the first quote
    that was kept within AT_ENTRY_S of its first fill; nothing where neither implies a volatility."""
    option = option_of_key(row.contract_key)
    if option is None:
        return ()
    last_day = option.expiry <= new_york_day(row.closed_at or now)
    today = greeks_of(row, option, now) if row.closed_at is None else None
    near = entry is not None and abs((entry.at - row.opened_at).total_seconds()) <= AT_ENTRY_S
    then = _implied(option, entry.bid, entry.ask, entry.underlying, entry.at) if entry is not None and near else None
    if today is None and then is None:
        return ()
    words = zip(_shares(today, last_day=last_day), _shares(then, last_day=last_day), strict=True)
    return tuple(
        GreekLine(name, each, before, whole)
        for name, (each, before), whole in zip(
            _NAMES[last_day], words, _whole(row, today, last_day=last_day), strict=True
        )
    )


_NAMES: Final = tuple(
    ("Implied volatility", "Delta", "Gamma, a dollar", f"Theta, {unit}", "Vega, a point")
    for unit in ("a day", "an hour")
)


def _shares(found: tuple[float, OptionGreeks] | None, *, last_day: bool) -> tuple[str, ...]:
    if found is None:
        return (NOTHING,) * 5
    volatility, each = found
    theta = each.theta_hour * (1 if last_day else 24)
    return (
        f"{signed(volatility * 100, 1, plus=False)} %", signed(each.delta), signed(each.gamma, 4, plus=False),
        signed(theta, 3), signed(each.vega, 3, plus=False),
    )  # fmt: skip


def _whole(row: ask.PositionRow, found: tuple[float, OptionGreeks] | None, *, last_day: bool) -> tuple[str, ...]:
    if found is None:
        return (NOTHING,) * 5
    each, size, one = found[1], row.quantity * row.multiplier, float(row.underlying or 0) / 100
    return (
        "", f"{_usd(each.delta * size * one)} for 1 %", f"{_usd(each.gamma * size * one * one)} for 1 %",
        _usd(each.theta_hour * size * (1 if last_day else 24)), _usd(each.vega * size),
    )  # fmt: skip


def greeks_of(row: ask.PositionRow, option: OptionContract, now: datetime) -> tuple[float, OptionGreeks] | None:
    """Return volatility and greeks a share that the latest mark implies, None without a mark that does."""
    return _implied(option, row.bid, row.ask, row.underlying, row.marked_at or now)


def _implied(
    option: OptionContract, bid: Decimal | None, offer: Decimal | None, underlying: Decimal | None, at: datetime
) -> tuple[float, OptionGreeks] | None:
    if bid is None or offer is None or underlying is None or offer < bid:
        return None
    years = years_left(option, at)
    mid, spot, strike = float((bid + offer) / 2), float(underlying), float(option.strike)
    call = option.right is Right.CALL
    volatility = implied_volatility(mid, spot, strike, years, call=call)
    return None if volatility is None else (volatility, black_scholes(spot, strike, years, volatility, call=call))


def years_left(option: OptionContract, at: datetime) -> float:
    """Return the time to an option's expiry in years of 365 days, negative past it."""
    return (datetime.combine(option.expiry, EXPIRES_AT, NEW_YORK) - at).total_seconds() / YEAR_S


def _usd(amount: float) -> str:
    return f"{'−' if amount < 0 else ''}${abs(amount):,.2f}" if abs(amount) >= 0.005 else "$0.00"


def plan_lines(row: ask.PositionRow) -> list[tuple[str, str]]:
    """Return the frozen exit plan as lines of (what, at what price), in dollars a share."""
    rungs, plan = ask.plan_rungs(row.plan), ask.plan_numbers(row.plan)
    found = []
    for number, gain in enumerate(rungs):
        if not gain:
            continue  # a target of the underlying: it is named with its rule
        done = "done" if number < row.rungs_done else f"at {price(row.entry_price * (1 + gain))}"
        found.append((f"Rung {number + 1}, {formats.percent(gain, 0)}", done))
    if plan.stop_loss is not None:
        found.append(
            (
                "Stop at the entry",
                f"{price(row.entry_price * (1 - plan.stop_loss))}, {formats.percent(-plan.stop_loss, 0)}",
            )
        )
    if plan.trail is not None:
        found.append(
            ("Trail", f"{formats.percent(plan.trail, 0).lstrip('+')} below the highest bid, {price(row.high)} so far")
        )
    if plan.flat_at is not None:
        found.append(("Flat by the clock", f"{formats.moment(plan.flat_at)} New York"))
    return found + plan_rules(row.plan)


def path_chart(
    row: ask.PositionRow,
    marks: Sequence[ask.MarkRow],
    fills: Sequence[Fill],
    stops: Sequence[StopStep],
    until: datetime | None,
) -> Chart | None:
    """Return underlying and option on one time axis; None before the first quote."""
    points = [_point(mark.at, mark.bid, mark.ask, mark.underlying, stops) for mark in marks]
    if row.closed_at is None and row.marked_at is not None:
        points.append(_point(row.marked_at, row.bid, row.ask, row.underlying, stops))
    if not points:
        return None
    seen = [value for point in points for name in ("bid", "ask") if (value := point.get(name)) is not None]
    reach = [*seen, *(float(fill.price) for fill in fills), float(row.entry_price)]
    levels = [Level(float(row.entry_price), f"entry {price(row.entry_price)}", "ink", dashed=False)]
    levels += _rungs(row, max(reach) + max(max(reach) - min(reach), 0.01))
    if row.stop_price is not None and row.closed_at is None:
        levels.append(Level(float(row.stop_price), f"stop {price(row.stop_price)}", "loss"))
    signs = [Mark(wall_ms(fill.at), float(fill.price), _kind(fill), _words(fill)) for fill in fills]
    stop = (LineMark("stop", "stop", "loss", step=True, dashed=True),) if any(p.get("stop") for p in points) else ()
    option = Pane("Option, dollars a share: bid, band to ask", Shown.PRICE, (LineMark("bid", "bid"), *stop),
                  (Band("bid", "ask"),), levels=tuple(levels), marks=tuple(signs), height=210, digits=2)  # fmt: skip
    under = Pane("Underlying, dollars", Shown.PRICE, (LineMark("u", "underlying", "s3"),), height=90, digits=2)
    has_under = any(point.get("u") is not None for point in points)
    words = f"{len(points)} quotes and {len(fills)} fills"
    if seen:
        words += f", bid and ask between {min(seen):.2f} and {max(seen):.2f}, entry {price(row.entry_price)}"
    ended = row.closed_at or until
    panes = (under, option) if has_under else (option,)
    return Chart(
        f"path-{row.id}", words, Axis.TIME, panes, thinned(points, "bid"), ends=wall_ms(ended) if ended else None
    )


def _point(
    at: datetime, bid: Decimal | None, offer: Decimal | None, under: Decimal | None, stops: Sequence[StopStep]
) -> Row:
    stop = next((step.price for step in reversed(stops) if step.at <= at), None)
    values = {"bid": bid, "ask": offer, "u": under, "stop": stop}
    return {"x": wall_ms(at)} | {name: None if value is None else float(value) for name, value in values.items()}


def _rungs(row: ask.PositionRow, most: float) -> list[Level]:
    """Return the rungs that lie near enough not to squeeze the path; the plan names all."""
    found = []
    for number, gain in enumerate(ask.plan_rungs(row.plan)):
        at = row.entry_price * (1 + gain)
        if gain and float(at) <= most:
            done = " ✓" if number < row.rungs_done else ""
            found.append(Level(float(at), f"{formats.percent(gain, 0)} {price(at)}{done}", "gain"))
    return found


def _kind(fill: Fill) -> str:
    return "bought" if fill.side == "BUY" else "sold"


def _words(fill: Fill) -> str:
    return f"{clock_time(fill.at)} {_kind(fill)} {fill.quantity} at {fill.price:.2f}"
