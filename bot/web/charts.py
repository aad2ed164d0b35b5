"""Geometry of the price path; `templates/web/parts/` draws it as inline SVG.

Prices per share on the left, New York time below. Coordinates are SVG user units; a chart scales to its box.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.domain.calendar import NEW_YORK
from bot.domain.wording import clock_time

WIDTH, HEIGHT = 760.0, 300.0
_LABEL = 13.0  # from one label to the next
LEFT, RIGHT, TOP, BOTTOM = 58.0, 124.0, 14.0, 30.0
STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400, 172800, 604800)


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A fill: `kind` is `entry` or `exit`."""

    x: float
    y: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Level:
    """A price that was aimed at: `kind` is `entry` or `rung`."""

    y: float
    kind: str
    label: str
    label_y: float
    done: bool = False


@dataclass(frozen=True, slots=True)
class PriceChart:
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    times: tuple[Tick, ...]
    prices: tuple[Tick, ...]
    bid: str
    spread: str
    stop: str
    stop_label: Level | None
    dots: tuple[Dot, ...]
    levels: tuple[Level, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class PathPoint:
    at: datetime
    bid: Decimal | None
    ask: Decimal | None


@dataclass(frozen=True, slots=True)
class Fill:
    at: datetime
    price: Decimal
    quantity: int
    kind: str


@dataclass(frozen=True, slots=True)
class StopStep:
    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class RungMark:
    price: Decimal
    gain: Decimal
    done: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps a value range on a pixel range; `low` and `high` are never equal."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def price_chart(
    path: Sequence[PathPoint],
    fills: Sequence[Fill],
    stops: Sequence[StopStep],
    rungs: Sequence[RungMark],
    entry: Decimal | None,
    until: datetime | None,
) -> PriceChart | None:
    """Return the drawing of a position's price path, None while there is none; `until` ends the last stop step."""
    times = [p.at for p in path] + [f.at for f in fills] + [s.at for s in stops]
    if not times:
        return None
    x = _time_scale(min(times), max([*times, until] if until else times))
    y = _price_scale(_values(path, fills, stops, rungs, entry))
    levels = _apart([*_levels(y, rungs, entry), *_stop_level(y, stops)])
    return PriceChart(
        WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM,
        times=tuple(time_ticks(x)),
        prices=tuple(Tick(y(v), f"{v:,.2f}") for v in nice_steps(y.low, y.high, 6)),
        bid=_line((x(_s(p.at)), _y(y, p.bid)) for p in path if p.bid is not None),
        spread=_band(path, x, y),
        stop=_stairs(stops, x, y, x.high),
        stop_label=next((level for level in levels if level.kind == "stop"), None),
        dots=tuple(Dot(x(_s(f.at)), _y(y, f.price), f.kind, _fill_words(f)) for f in fills),
        levels=tuple(level for level in levels if level.kind != "stop"),
        summary=_summary(path, fills, entry),
    )  # fmt: skip


def _s(at: datetime) -> float:
    return at.timestamp()


def _y(scale: Scale, price: Decimal | None) -> float:
    return scale(float(price or 0))


def _values(
    path: Sequence[PathPoint],
    fills: Sequence[Fill],
    stops: Sequence[StopStep],
    rungs: Sequence[RungMark],
    entry: Decimal | None,
) -> list[float]:
    found = [p.bid for p in path] + [p.ask for p in path] + [f.price for f in fills] + [s.price for s in stops]
    values = [float(v) for v in [*found, entry] if v is not None]
    # A rung far above everything that happened would squeeze the path flat: it is drawn only when it comes near.
    reach = max(values) * 1.35
    return values + [float(r.price) for r in rungs if float(r.price) <= reach]


def _time_scale(first: datetime, last: datetime) -> Scale:
    low, high = _s(first), _s(last)
    pad = max(5.0, (high - low) * 0.03)
    return Scale(low - pad, high + pad, LEFT, WIDTH - RIGHT)


def _price_scale(values: Sequence[float]) -> Scale:
    low, high = min(values), max(values)
    pad = max(0.02, (high - low) * 0.08)
    return Scale(max(0.0, low - pad), high + pad, HEIGHT - BOTTOM, TOP)


def _line(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if i else 'M'}{px:.1f} {py:.1f}" for i, (px, py) in enumerate(points))


def _band(path: Sequence[PathPoint], x: Scale, y: Scale) -> str:
    both = [(x(_s(p.at)), _y(y, p.bid), _y(y, p.ask)) for p in path if p.bid is not None and p.ask is not None]
    if len(both) < 2:
        return ""
    there = [(px, ask) for px, _, ask in both]
    back = [(px, bid) for px, bid, _ in reversed(both)]
    return f"{_line([*there, *back])} Z"


def _stairs(stops: Sequence[StopStep], x: Scale, y: Scale, end_s: float) -> str:
    if not stops:
        return ""
    corners: list[tuple[float, float]] = []
    for step in stops:
        px, py = x(_s(step.at)), _y(y, step.price)
        if corners:
            corners.append((px, corners[-1][1]))
        corners.append((px, py))
    corners.append((x(end_s), corners[-1][1]))
    return _line(corners)


def _levels(y: Scale, rungs: Sequence[RungMark], entry: Decimal | None) -> list[Level]:
    found = [] if entry is None else [Level(_y(y, entry), "entry", f"entry {entry:.2f}", _y(y, entry))]
    for rung in rungs:
        if float(rung.price) <= y.high:
            at = _y(y, rung.price)
            found.append(Level(at, "rung", f"+{rung.gain * 100:.0f} % {rung.price:.2f}", at, rung.done))
    return found


def _stop_level(y: Scale, stops: Sequence[StopStep]) -> list[Level]:
    if not stops:
        return []
    at = _y(y, stops[-1].price)
    return [Level(at, "stop", f"stop {stops[-1].price:.2f}", at)]


def _apart(levels: Sequence[Level]) -> tuple[Level, ...]:
    """Move labels that would cover each other, from the dearest down, so that they stand in the order of their prices;
    what would leave the drawing is pushed back up. The lines stay where they are."""
    placed = sorted(levels, key=lambda found: found.y)
    at = [level.y for level in placed]
    for i in range(1, len(at)):
        at[i] = max(at[i], at[i - 1] + _LABEL)
    bottom = HEIGHT - BOTTOM
    for i in reversed(range(len(at))):
        at[i] = min(at[i], bottom)
        bottom = at[i] - _LABEL
    return tuple(replace(level, label_y=y) for level, y in zip(placed, at, strict=True))


def _fill_words(fill: Fill) -> str:
    verb = "bought" if fill.kind == "entry" else "sold"
    return f"{clock_time(fill.at)} {verb} {fill.quantity} at {fill.price:.2f}"


def _summary(path: Sequence[PathPoint], fills: Sequence[Fill], entry: Decimal | None) -> str:
    bids = [p.bid for p in path if p.bid is not None]
    spoken = f"Price path, {len(path)} points, {len(fills)} fills"
    if entry is not None:
        spoken += f", entry {entry:.2f}"
    return f"{spoken}, bid between {min(bids):.2f} and {max(bids):.2f}" if bids else spoken


def nice_steps(low: float, high: float, about: int) -> list[float]:
    """Return round values inside [low, high], about so many, in steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / max(1, about)
    power: float = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
    first = math.ceil(low / step)
    return [round(k * step, 10) for k in range(first, math.floor(high / step) + 1)]


def time_ticks(x: Scale) -> list[Tick]:
    """Return at most seven round New York times with labels."""
    reach = x.high - x.low
    step = next((s for s in STEPS_S if reach / s <= 6), STEPS_S[-1])
    shape = "%H:%M:%S" if step < 60 else ("%H:%M" if step < 86400 else "%d %b")
    zone = datetime.fromtimestamp(x.low, NEW_YORK)
    midnight = zone.replace(hour=0, minute=0, second=0, microsecond=0)
    skipped = math.ceil((zone - midnight).total_seconds() / step)
    ticks, at = [], midnight + timedelta(seconds=skipped * step)
    while at.timestamp() <= x.high:
        ticks.append(Tick(x(at.timestamp()), f"{at:{shape}}"))
        at += timedelta(seconds=step)
    return ticks
