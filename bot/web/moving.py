"""Charts that go on: what is new of one since its last point, so that zoom and crosshair stay where they are.

A browser says which point it has (`since`) and a mark of everything else (`have`): axes, levels, signs of fills. While
that mark stands it gets the later points alone; once it does not, the whole description to draw anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, abort, request
from sqlalchemy import Connection

from bot.charts.chart import Chart
from bot.charts.drawing import legend
from bot.charts.vega import specification
from bot.domain.calendar import new_york_day
from bot.store import read as ask
from bot.store.read.money import money_of_day
from bot.web.day_chart import day_chart
from bot.web.markets import chart_of
from bot.web.plots import mark_of
from bot.web.store_reader import reader
from bot.web.timeline import path_of

blueprint = Blueprint("moving", __name__)

Make = Callable[[Connection, str, datetime], Chart | None]


def _today(connection: Connection, _: str, now: datetime) -> Chart | None:
    pulse = ask.pulse(connection)
    day = (pulse.session_day if pulse else None) or new_york_day(now)
    return day_chart(connection, day, money_of_day(connection, day), now)


CHARTS: Final[Mapping[str, Make]] = {"today": _today, "path": path_of, "gex": chart_of}
"""By the first part of its path, what makes a chart of the second: nothing, a position's id, an underlying."""


@blueprint.get("/plots/<kind>")
@blueprint.get("/plots/<kind>/<name>")
def news(kind: str, name: str = "") -> dict[str, Any]:
    """Return a chart's news as JSON: `mark`, `lo`, `hi`, `legend` {field: words}, and `rows` from `since` on or, where
    `have` is not the mark, the whole `spec`. 404 while there is nothing to draw."""
    make = CHARTS.get(kind)
    now = reader().clock.now()
    chart = None if make is None else reader().look(lambda connection: make(connection, name, now))
    if chart is None or not chart.rows:
        abort(404, "There is nothing to draw yet.")
    spec = specification(chart)
    mark, (low, high) = mark_of(spec), chart.span()
    told = {each.field: each.words for each in legend(chart)}
    found: dict[str, Any] = {"mark": mark, "lo": low, "hi": high, "legend": told, "summary": chart.summary}
    if request.args.get("have") != mark:
        return {**found, "spec": spec}
    since = _number(request.args.get("since", ""))
    return {**found, "rows": [row for row in chart.rows if since is None or (row["x"] or 0.0) >= since]}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
