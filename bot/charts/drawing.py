"""A chart as plain SVG: what is drawn without JavaScript, in print and before the library has loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bot.charts.chart import Axis, Bars, Chart, LineMark, Pane, apart, nice_steps
from bot.charts.words import axis_words, value_words, x_ticks, x_words

RIGHT: Final = 62.0
"""The room for the labels at the right edge, more where one is longer than that by LETTER each."""
LETTER: Final = 7.0
TITLE: Final = 18.0
FOOT: Final = 22.0
BETWEEN: Final = 10.0
LABEL: Final = 14.0
WIDE, NARROW = 760, 340


@dataclass(frozen=True, slots=True)
class Stroke:
    """A path with its colour; `fill` where it is an area."""

    path: str
    colour: str
    dashed: bool = False
    fill: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a place; `line` is where their line stands, None without one; `axis` whether they only measure."""

    at: float
    words: str
    colour: str = ""
    line: float | None = None
    dashed: bool = False
    axis: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    x: float
    y: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class PaneDrawing:
    title: str
    top: float
    bottom: float
    labels: tuple[Label, ...]
    strokes: tuple[Stroke, ...]
    signs: tuple[Sign, ...]
    uprights: tuple[Label, ...]
    zero: float | None


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    right: float
    panes: tuple[PaneDrawing, ...]
    times: tuple[Label, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Legend:
    """One value of the line above a chart: `field` is what the crosshair replaces."""

    field: str
    label: str
    words: str
    shown: str
    digits: int
    colour: str


class _Scale:
    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self._start, self._end = low, high, start, end

    def __call__(self, value: float) -> float:
        return round(self._start + (value - self.low) / (self.high - self.low) * (self._end - self._start), 1)


def drawing(chart: Chart, width: int = WIDE) -> Drawing | None:
    """Return the geometry of a chart for a width in pixels, None while there is nothing to draw."""
    if not chart.rows:
        return None
    right = width - _room(chart)
    x = _Scale(*chart.span(), 2, right)
    top, panes = 0.0, []
    for pane in chart.panes:
        panes.append(_pane(chart, pane, x, top))
        top = panes[-1].bottom + BETWEEN
    ticks = x_ticks(x.low, x.high, chart.axis, max(2, int(right // 90)))
    times = tuple(Label(x(at), words) for at, words in ticks if 16 <= x(at) <= right - 12)
    return Drawing(width, top - BETWEEN + FOOT, right, tuple(panes), times, chart.summary)


def _room(chart: Chart) -> float:
    """Return what the longest label of an axis needs."""
    named = [level.label for pane in chart.panes for level in pane.levels if level.across]
    for pane in chart.panes:
        ends = (*_last(chart, pane), *chart.bounds(pane))
        named += [axis_words(value, pane.shown, pane.digits) for value in ends]
    return max(RIGHT, 10 + LETTER * max(map(len, named), default=0))


def legend(chart: Chart) -> list[Legend]:
    """Return the values of the last row, one a series, that the crosshair replaces."""
    if not chart.rows:
        return []
    last = chart.rows[-1]
    found = [Legend("x", "", x_words(last["x"] or 0.0, chart.axis), chart.axis.value, 0, "")]
    for pane in chart.panes:
        series: Iterable[LineMark | Bars] = [*pane.lines, *pane.bars]
        for each in series:
            colour = each.colour if isinstance(each, LineMark) else each.plus
            words = value_words(last.get(each.field), pane.shown, pane.digits)
            found.append(Legend(each.field, each.label, words, pane.shown.value, pane.digits, colour))
    return found


def _pane(chart: Chart, pane: Pane, x: _Scale, above: float) -> PaneDrawing:
    top, bottom = above + TITLE, above + TITLE + pane.height
    y = _Scale(*chart.bounds(pane), bottom, top)
    return PaneDrawing(
        pane.title,
        top,
        bottom,
        tuple(_labels(chart, pane, y)),
        tuple(_strokes(chart, pane, x, y)),
        tuple(Sign(x(mark.x), y(mark.value), mark.kind, mark.text) for mark in pane.marks),
        tuple(
            Label(x(each.value), each.label, each.colour, x(each.value), each.dashed)
            for each in pane.levels
            if not each.across
        ),
        y(0.0) if y.low <= 0.0 <= y.high else None,
    )


def _labels(chart: Chart, pane: Pane, y: _Scale) -> Iterable[Label]:
    """Yield the named levels and the last value, moved apart, then the ticks that touch none of them."""
    named = [(each.value, each.label, each.colour, each.dashed) for each in pane.levels if each.across]
    named += [(value, axis_words(value, pane.shown, pane.digits), "tag", False) for value in _last(chart, pane)]
    places = apart((y(value) for value, _, _, _ in named), LABEL)
    for (value, words, colour, dashed), place in zip(named, places, strict=True):
        yield Label(place, words, colour, None if colour == "tag" else y(value), dashed)
    for value in nice_steps(y.low, y.high, max(2, pane.height // 45)):
        if all(abs(y(value) - place) >= LABEL for place in places):
            yield Label(y(value), axis_words(value, pane.shown, pane.digits), "", y(value), axis=True)


def _last(chart: Chart, pane: Pane) -> list[float]:
    if chart.axis is Axis.NUMBER or not pane.lines:
        return []
    value = chart.rows[-1].get(pane.lines[0].field)
    return [] if value is None else [value]


def _strokes(chart: Chart, pane: Pane, x: _Scale, y: _Scale) -> Iterable[Stroke]:
    for band in pane.bands:
        for run in _runs(chart, band.low):
            pairs = [(row["x"] or 0.0, row.get(band.low) or 0.0, row.get(band.high)) for row in run]
            up = [f"{x(at)} {y(high if high is not None else low)}" for at, low, high in pairs]
            down = [f"{x(at)} {y(low)}" for at, low, _ in reversed(pairs)]
            yield Stroke(f"M{' L'.join([*up, *down])} Z", band.colour, fill=True)
    for bar in pane.bars:
        yield from _bars(chart, bar, x, y)
    for line in pane.lines:
        for run in _runs(chart, line.field):
            points = [(x(row["x"] or 0.0), y(row.get(line.field) or 0.0)) for row in run]
            path = _path(points, line.step)
            if line.area:
                yield Stroke(
                    f"{path} L{points[-1][0]} {y(0.0)} L{points[0][0]} {y(0.0)} Z", f"{line.colour}-fill", fill=True
                )
            yield Stroke(path, line.colour, line.dashed)


def _bars(chart: Chart, bar: Bars, x: _Scale, y: _Scale) -> Iterable[Stroke]:
    places = sorted({row["x"] or 0.0 for row in chart.rows})
    step = min((b - a for a, b in pairwise(places)), default=1.0)
    half = max(1.0, min(12.0, (x(x.low + step) - x(x.low)) * 0.36))
    for colour, wanted in ((bar.plus, True), (bar.less, False)):
        path = " ".join(
            f"M{x(row['x'] or 0.0) - half:.1f} {y(0.0)} V{y(value)} h{2 * half:.1f} V{y(0.0)} Z"
            for row in chart.rows
            if (value := row.get(bar.field)) is not None and (value >= 0) is wanted
        )
        if path:
            yield Stroke(path, colour, fill=True)


def _runs(chart: Chart, field: str) -> Iterable[Sequence[dict[str, float | None]]]:
    """Yield the stretches of rows in which a field is known: gaps in data are gaps in the line."""
    run: list[dict[str, float | None]] = []
    for row in chart.rows:
        if row.get(field) is not None:
            run.append(dict(row))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _path(points: Sequence[tuple[float, float]], step: bool) -> str:
    first, *rest = points
    parts = [f"M{first[0]} {first[1]}"]
    for at, value in rest:
        parts.append(f"H{at} V{value}" if step else f"L{at} {value}")
    return " ".join(parts)
