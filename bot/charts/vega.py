"""A chart as a Vega-Lite specification: plain dicts, colours by the names of the page's tokens (`$s1`).

The crosshair, the zoom and the words of the legend are the page's own (`bot/web/static/charts.js`): the specification
names the data `rows` and `cross`, and reads the visible stretch of the x axis from its parameters `lo` and `hi`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from bot.charts.chart import Axis, Chart, LineMark, Pane, Shown, apart
from bot.charts.drawing import LABEL

Spec = dict[str, Any]

PALETTE: Final[Mapping[str, str]] = {
    "ink": "#14191f", "soft": "#56616c", "rule": "#e2e6ea", "rule-2": "#c6cdd4", "card": "#ffffff",
    "gain": "#08693f", "loss": "#b4231b", "s1": "#1f5fd0", "s2": "#b04a06", "s3": "#646a72",
    "band": "#1f5fd01f", "gain-fill": "#08693f1f", "loss-fill": "#b4231b1f", "s1-fill": "#1f5fd01f",
}  # fmt: skip
"""The light colours of `page.css`, for pictures; a test holds both the same."""
DARK: Final[Mapping[str, str]] = {
    "ink": "#e8ecef", "soft": "#9dabb5", "rule": "#28323a", "rule-2": "#3e4a54", "card": "#151b20",
    "gain": "#56d08f", "loss": "#ff8c82", "s1": "#7fb0ff", "s2": "#f2a05f", "s3": "#9aa5ae",
    "band": "#7fb0ff26", "gain-fill": "#56d08f22", "loss-fill": "#ff8c8222", "s1-fill": "#7fb0ff26",
}  # fmt: skip
"""The same for who reads on a dark screen."""

_FORMATS: Final[Mapping[Shown, str]] = {
    Shown.MONEY: "$,~f", Shown.GAIN: "$,~f", Shown.PRICE: ",.2f", Shown.PERCENT: ",~f", Shown.NUMBER: ",~f",
}  # fmt: skip
_MONEY: Final = frozenset({Shown.MONEY, Shown.GAIN})
_LARGE: Final = "$,.3~s"
MILLION: Final = 1_000_000
"""From here on an axis of money is in short: $1.2M."""
DAY_MS: Final = 86_400_000
_FONT: Final = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Liberation Sans, DejaVu Sans, sans-serif"


def specification(chart: Chart, width: int = 760) -> Spec:
    """Return the specification of a chart; the page sets each pane's width anew for its box."""
    low, high = chart.span()
    return {
        "params": [{"name": "lo", "value": low}, {"name": "hi", "value": high}],
        "datasets": {
            "rows": [dict(row) for row in chart.rows],
            "cross": [{"x": 2 * low - high - 1}],
        },  # out of sight: the library complains of none
        "vconcat": [_pane(chart, pane, width, pane is chart.panes[-1]) for pane in chart.panes],
        "spacing": 8,
        "background": None,
        "padding": 0,
        "config": {
            "view": {"stroke": None},
            "font": _FONT,
            "axis": {"labelColor": "$soft", "labelFontSize": 12, "domain": False, "ticks": False, "gridColor": "$rule"},
            "title": {"color": "$soft", "fontSize": 12, "fontWeight": "normal", "anchor": "start", "offset": 6},
        },
    }


def coloured(spec: Any, palette: Mapping[str, str] = PALETTE) -> Any:
    """Return a specification in which every `$token` is its colour."""
    if isinstance(spec, dict):
        return {key: coloured(value, palette) for key, value in spec.items()}
    if isinstance(spec, list):
        return [coloured(value, palette) for value in spec]
    return palette.get(spec[1:], spec) if isinstance(spec, str) and spec.startswith("$") else spec


def _pane(chart: Chart, pane: Pane, width: int, last: bool) -> Spec:
    layers = [*_bands(chart, pane, last), *_bars(chart, pane, last), *_levels(chart, pane, last)]
    for line in pane.lines:
        layers += _line(chart, pane, line, last)
    layers += [*_marks(chart, pane, last), _cross(chart, last)]
    return {
        "title": pane.title,
        "width": width - 66,
        "height": pane.height,
        "layer": [_axes(chart, pane, last), *layers],
    }


def _x(chart: Chart, last: bool) -> Spec:
    """The x axis is said alike in each layer: a layer that says none would take it from all."""
    kind = "quantitative" if chart.axis is Axis.NUMBER else "temporal"
    scale: Spec = {"domainMin": {"expr": "lo"}, "domainMax": {"expr": "hi"}, "nice": False, "zero": False}
    if kind == "temporal":
        del scale["zero"]
        scale["type"] = "utc"
    axis: Spec = {"grid": False, "title": None, "labelFlush": True, "labelOverlap": True, "labels": last}
    if chart.axis is not Axis.NUMBER:
        axis["format"] = "%-d %b" if chart.axis is Axis.DAY else "%H:%M"
    if chart.axis is Axis.DAY:
        axis["tickMinStep"] = DAY_MS  # a day has one name
    return {"field": "x", "type": kind, "scale": scale, "axis": axis}


def _y(chart: Chart, pane: Pane, field: str) -> Spec:
    low, high = chart.bounds(pane)
    shape = _LARGE if pane.shown in _MONEY and high >= MILLION else _FORMATS[pane.shown]
    axis: Spec = {"orient": "right", "title": None, "format": shape, "minExtent": 58, "maxExtent": 58,
                  "tickCount": max(2, pane.height // 45)}  # fmt: skip
    if pane.shown is Shown.PERCENT:
        axis["labelExpr"] = "datum.label + ' %'"
    return {"field": field, "type": "quantitative", "axis": axis,
            "scale": {"domain": [low, high], "nice": False, "zero": False}}  # fmt: skip


def _axes(chart: Chart, pane: Pane, last: bool) -> Spec:
    """The layer that bears the axes: points that are not seen, so that the axes are there whatever is drawn."""
    names = [line.field for line in pane.lines] + [bar.field for bar in pane.bars]
    return {"data": {"name": "rows"}, "mark": {"type": "point", "opacity": 0, "clip": True},
            "encoding": {"x": _x(chart, last), "y": _y(chart, pane, names[0] if names else "x")}}  # fmt: skip


def _bands(chart: Chart, pane: Pane, last: bool) -> Iterable[Spec]:
    for band in pane.bands:
        yield {
            "data": {"name": "rows"},
            "mark": {"type": "area", "color": f"${band.colour}", "clip": True},
            "encoding": {"x": _x(chart, last), "y": _y(chart, pane, band.low), "y2": {"field": band.high}},
        }


def _step(chart: Chart) -> float:
    """Return the least distance between two places of the x axis."""
    places = sorted({row["x"] or 0.0 for row in chart.rows})
    return min((b - a for a, b in pairwise(places)), default=1.0)


def _bars(chart: Chart, pane: Pane, last: bool) -> Iterable[Spec]:
    for bar in pane.bars:
        sign = {"test": f"datum['{bar.field}'] < 0", "value": f"${bar.less}"}
        width = {"expr": f"max(2, min(24, {420 * _step(chart):g} / (hi - lo)))"}
        yield {
            "data": {"name": "rows"},
            "mark": {"type": "bar", "size": width, "clip": True},
            "encoding": {"x": _x(chart, last), "y": _y(chart, pane, bar.field), "y2": {"datum": 0},
                         "color": {"condition": sign, "value": f"${bar.plus}"}},
        }  # fmt: skip


def _line(chart: Chart, pane: Pane, line: LineMark, last: bool) -> list[Spec]:
    encoding = {"x": _x(chart, last), "y": _y(chart, pane, line.field)}
    mark: Spec = {"type": "line", "color": f"${line.colour}", "strokeWidth": 1.6, "clip": True}
    mark |= {"interpolate": "step-after"} if line.step else {}
    mark |= {"strokeDash": [5, 3]} if line.dashed else {}
    found: list[Spec] = [{"data": {"name": "rows"}, "mark": mark, "encoding": encoding}]
    if line.area:
        area = {"type": "area", "color": f"${line.colour}-fill", "clip": True}
        found.insert(0, {"data": {"name": "rows"}, "mark": area, "encoding": encoding | {"y2": {"datum": 0}}})
    return found


def _levels(chart: Chart, pane: Pane, last: bool) -> Iterable[Spec]:
    low, high = chart.bounds(pane)
    named = [level for level in pane.levels if level.across]
    places = apart((level.value for level in named), LABEL * (high - low) / pane.height)
    for level, place in zip(named, places, strict=True):
        dash = [4, 3] if level.dashed else [1, 0]
        data = {"values": [{"v": level.value, "at": place}]}
        yield {"data": data, "mark": {"type": "rule", "color": f"${level.colour}", "strokeDash": dash},
               "encoding": {"y": _y(chart, pane, "v")}}  # fmt: skip
        text = {"type": "text", "text": level.label, "align": "right", "dx": -4, "dy": -6, "color": f"${level.colour}",
                "fontSize": 12, "x": "width"}  # fmt: skip
        yield {"data": data, "mark": text, "encoding": {"y": _y(chart, pane, "at")}}
    for place_of, level in enumerate(level for level in pane.levels if not level.across):
        data = {"values": [{"x": level.value}]}
        mark = {
            "type": "rule",
            "color": f"${level.colour}",
            "strokeDash": [4, 3] if level.dashed else [1, 0],
            "clip": True,
        }
        yield {"data": data, "mark": mark, "encoding": {"x": _x(chart, last)}}
        text = {"type": "text", "text": level.label, "align": "left", "dx": 16, "y": 8 + 15 * place_of,
                "color": f"${level.colour}", "fontSize": 12}  # fmt: skip
        yield {"data": data, "mark": text, "encoding": {"x": _x(chart, last)}}


_SHAPES: Final[Mapping[str, Spec]] = {
    "bought": {"shape": "triangle-up", "fill": "$ink", "stroke": "$card"},
    "sold": {"shape": "triangle-down", "fill": "$card", "stroke": "$ink"},
    "rung": {"shape": "circle", "fill": "$gain", "stroke": "$card"},
}


def _marks(chart: Chart, pane: Pane, last: bool) -> Iterable[Spec]:
    for kind, look in _SHAPES.items():
        values = [{"x": mark.x, "v": mark.value, "text": mark.text} for mark in pane.marks if mark.kind == kind]
        if values:
            mark = {"type": "point", "size": 90, "opacity": 1, "clip": True, **look}
            yield {"data": {"values": values}, "mark": mark,
                   "encoding": {"x": _x(chart, last), "y": _y(chart, pane, "v")}}  # fmt: skip


def _cross(chart: Chart, last: bool) -> Spec:
    return {"data": {"name": "cross"}, "mark": {"type": "rule", "color": "$ink", "clip": True},
            "encoding": {"x": _x(chart, last)}}  # fmt: skip
