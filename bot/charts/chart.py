"""What a chart shows: panes on one x axis, each with its quantity and unit, lines, bands, bars, levels and marks."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.calendar import NEW_YORK

MOST_POINTS: Final = 1500
"""Of a series; more are thinned to the low and the high of each column of pixels."""

Row = Mapping[str, float | None]
"""A point of every series: `x`, and a value by field; None is a gap in the line."""


class Axis(StrEnum):
    TIME = "time"
    DAY = "day"
    NUMBER = "number"


class Shown(StrEnum):
    """How a value is written in axis and legend."""

    MONEY = "money"
    GAIN = "gain"
    PRICE = "price"
    PERCENT = "percent"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class LineMark:
    """A series; `area` fills to zero, `step` holds each value until the next."""

    field: str
    label: str
    colour: str = "s1"
    step: bool = False
    dashed: bool = False
    area: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """What lies between two fields, as bid and ask."""

    low: str
    high: str
    colour: str = "band"


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar from zero at each x: `plus` and `less` are the colours of its signs."""

    field: str
    label: str
    plus: str = "s1"
    less: str = "s2"


@dataclass(frozen=True, slots=True)
class Level:
    """A named value: entry, limit, threshold; on the x axis when `across` is False (a strike, the spot)."""

    value: float
    label: str
    colour: str = "s3"
    dashed: bool = True
    across: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: `kind` is bought, sold or rung; `text` says it in words."""

    x: float
    value: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Pane:
    """One quantity. `title` says quantity and unit; `low` and `high` bound the axis where the data does not."""

    title: str
    shown: Shown
    lines: Sequence[LineMark] = ()
    bands: Sequence[Band] = ()
    bars: Sequence[Bars] = ()
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    height: int = 200
    zero: bool = False
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """`summary` is the chart's message in a sentence; `table` the path of the same as a table; `ends` where the x axis
    ends when that is later than the last row (old data end where they end)."""

    name: str
    summary: str
    axis: Axis
    panes: Sequence[Pane]
    rows: Sequence[Row]
    table: str = ""
    ends: float | None = None

    def span(self) -> tuple[float, float]:
        """Return the bounds of the x axis, never equal."""
        found = [row["x"] for row in self.rows] + [mark.x for pane in self.panes for mark in pane.marks]
        if self.axis is Axis.NUMBER:
            found += [level.value for pane in self.panes for level in pane.levels if not level.across]
        known = [x for x in [*found, self.ends] if x is not None]
        low, high = min(known), max(known)
        pad = 0.5 if self.axis is Axis.NUMBER else 1000.0
        if any(pane.marks for pane in self.panes):
            low -= (high - low) * 0.015  # a mark at the very edge would be cut
        return (low - pad, high + pad) if low == high else (low, high)

    def bounds(self, pane: Pane) -> tuple[float, float]:
        """Return the bounds of a pane's values with some air, zero inside where bars, areas or the pane ask for it."""
        names = [line.field for line in pane.lines] + [bar.field for bar in pane.bars]
        names += [name for band in pane.bands for name in (band.low, band.high)]
        values = [value for row in self.rows for name in names if (value := row.get(name)) is not None]
        values += [level.value for level in pane.levels if level.across] + [mark.value for mark in pane.marks]
        if pane.zero or pane.bars or any(line.area for line in pane.lines):
            values.append(0.0)
        low, high = min(values, default=0.0), max(values, default=1.0)
        if low == high:
            return low - 1.0, high + (0.0 if pane.zero else 1.0)
        air = (high - low) * 0.06
        return low - (0 if low == 0 and pane.zero else air), high + (0 if high == 0 and pane.zero else air)


def wall_ms(at: datetime) -> float:
    """Return a time as New York wall milliseconds."""
    return calendar.timegm(at.astimezone(NEW_YORK).timetuple()) * 1000.0 + at.microsecond // 1000


def thinned(rows: Sequence[Row], field: str, most: int = MOST_POINTS) -> Sequence[Row]:
    """Return at most `most` rows: of each stretch those with the lowest and the highest value of a field, and the
    first and last of all."""
    if len(rows) <= most:
        return rows
    size = math.ceil(len(rows) / ((most - 2) // 2))
    kept: set[int] = {0, len(rows) - 1}
    for start in range(0, len(rows), size):
        known = [i for i in range(start, min(start + size, len(rows))) if rows[i].get(field) is not None]
        if not known:
            kept.add(start)
            continue
        kept |= {min(known, key=lambda i: rows[i][field] or 0.0), max(known, key=lambda i: rows[i][field] or 0.0)}
    return [rows[i] for i in sorted(kept)]


def nice_steps(low: float, high: float, about: int) -> list[float]:
    """Return round values inside [low, high], about so many, in steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / max(1, about)
    power: float = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
    first = math.ceil(low / step)
    return [round(k * step, 10) for k in range(first, math.floor(high / step) + 1)]


def apart(values: Iterable[float], least: float) -> list[float]:
    """Return values moved so that no two are closer than `least`, in the order given; those that need not, stay."""
    given = list(values)
    order = sorted(range(len(given)), key=lambda i: given[i])
    placed = [given[i] for i in order]
    for _ in range(len(placed)):
        for i in range(1, len(placed)):
            gap = placed[i] - placed[i - 1]
            if gap < least:
                push = (least - gap) / 2
                placed[i - 1] -= push
                placed[i] += push
    found = [0.0] * len(given)
    for i, value in zip(order, placed, strict=True):
        found[i] = value
    return found
