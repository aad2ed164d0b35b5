"""Charts on the page: the description, its drawing in two widths, and what the browser's library needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from flask import Blueprint, Response, abort, current_app, request
from markupsafe import Markup

from bot.charts.bundle import Bundle
from bot.charts.chart import Axis, Chart
from bot.charts.drawing import NARROW, WIDE, Drawing, Legend, drawing, legend
from bot.charts.vega import specification

blueprint = Blueprint("plots", __name__)

ZOOMS: Final = {
    Axis.TIME: (("15 min", "900000"), ("1 h", "3600000"), ("All", "all"), ("+", "in"), ("−", "out")),
    Axis.DAY: (("1 month", "2678400000"), ("3 months", "8035200000"), ("All", "all"), ("+", "in"), ("−", "out")),
    Axis.NUMBER: (("All", "all"), ("+", "in"), ("−", "out")),
}
FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart as `macros.plot` draws it."""

    chart: Chart
    wide: Drawing
    narrow: Drawing
    legend: tuple[Legend, ...]
    zooms: tuple[tuple[str, str], ...]
    json: Markup
    mark: str
    news: str
    """Where what is new of it is told, empty for one that does not move (bot/web/moving.py)."""


def mark_of(spec: Mapping[str, Any]) -> str:
    """Return a mark of everything in a description but its points and the ends of its x axis."""
    still = {name: value for name, value in spec.items() if name not in {"datasets", "params"}}
    return f"{crc32(json.dumps(still, sort_keys=True).encode()):08x}"


def plot(chart: Chart | None, news: str = "") -> Plot | None:
    """Return a chart for the page, None while there is nothing to draw; `news`: where it goes on."""
    if chart is None:
        return None
    wide, narrow = drawing(chart, WIDE), drawing(chart, NARROW)
    if wide is None or narrow is None:
        return None
    spec = specification(chart)
    text = json.dumps(spec, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\!--")
    return Plot(chart, wide, narrow, tuple(legend(chart)), ZOOMS[chart.axis],
                Markup(text), mark_of(spec), news)  # noqa: S704  # JSON of ours, its ends escaped  # fmt: skip


def library() -> Bundle | None:
    """Return the library that this page serves, None where `make setup` has not put it into the environment."""
    found: Bundle | None = current_app.extensions["charts"]
    return found


@blueprint.get("/charts/<name>")
def script(name: str) -> Response:
    """Serve the library, compressed where the browser takes that; its name carries its hash."""
    found = library()
    if found is None or name != found.file:
        abort(404)
    packed = found.folder / f"{found.file}.gz"
    if "gzip" in request.headers.get("Accept-Encoding", "") and packed.is_file():
        answer = _of(packed)
        answer.headers["Content-Encoding"] = "gzip"
    else:
        answer = _of(found.folder / found.file)
    answer.headers["Cache-Control"] = FOREVER
    answer.headers["Vary"] = "Accept-Encoding"
    return answer


def _of(path: Path) -> Response:
    return Response(path.read_bytes(), mimetype="text/javascript; charset=utf-8")
