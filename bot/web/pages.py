"""The pages: overview, timelines, machines, audit. Whole without JavaScript; live parts are the same templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import Connection

from bot.domain.calendar import new_york_day
from bot.domain.errors import StoreError
from bot.domain.lifecycles import LIFECYCLES, state_rows
from bot.store import read as ask
from bot.store.queries import QUERIES
from bot.store.read.alerting import count_alerts, found_alerts
from bot.web import alerting, auditing
from bot.web.access import safe_next
from bot.web.answers import three_answers
from bot.web.dealers import dealers_page
from bot.web.diagram import Diagram, draw
from bot.web.downloads import csv_file
from bot.web.exposing import book_risk
from bot.web.store_reader import reader
from bot.web.timeline import Story, position_timeline, signal_timeline

blueprint = Blueprint("pages", __name__)

VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    "overview": ("answers", "status", "asked", "positions", "activity", "waiting", "alerts", "next", "others"),
    "signals": ("status", "signals"),
    "positions": ("status", "positions", "unsettled", "closed"),
    "exposure": ("status", "risk", "exposure", "by_symbol", "moves", "alike", "breakers"),
    "feeds": ("standing", "quotas", "feeds", "endpoints", "jobs"),
}
"""The live parts of each view; each is a template of its own, drawn of one look at the store."""
TITLES: Final = {
    "signals": ("Signals", (("signals", ""),)),
    "positions": ("Positions", (("positions", "Open positions"), ("unsettled", "Price not certain yet"),
                                ("closed", "Closed today"))),
    "feeds": ("Feeds", (("standing", "Session and broker"), ("quotas", "Vendors' quotas"),
                        ("feeds", "Data sets, age against limit"),
                        ("endpoints", "Endpoints today"), ("jobs", "Jobs by the clock"))),
}  # fmt: skip
"""The pages that are a few live parts below each other: title, and each part with its head."""
DIAGRAMS: Final[Mapping[str, Diagram]] = {name: draw(life) for name, life in LIFECYCLES.items()}
STORY_PARTS: Final = ("story_head", "story_why", "timeline")
STORIES: Final[Mapping[str, Callable[[Connection, str, datetime], Story | None]]] = {
    "position": position_timeline,
    "signal": signal_timeline,
}


def chosen_machine() -> str | None:
    name = request.args.get("machine", "")
    return name if name in LIFECYCLES else None


@blueprint.get("/")
def overview() -> str:
    machine = chosen_machine()
    return render_template("web/overview.html", active="Overview", **_seen(machine))


@blueprint.get("/exposure")
def exposure() -> str:
    """What a move would do, what a day may cost, which bets are one bet, how much of each limit is used, and what
    dealers hold of the underlying that is asked for."""
    chosen, now = request.args.get("symbol", "").upper(), reader().clock.now()
    found = reader().look(lambda connection: dealers_page(connection, chosen, now))
    return render_template("web/exposure.html", active="Exposure", d=found, **_seen(None), **_risk())


def _risk() -> dict[str, Any]:
    """Return what the exposure page alone asks: it costs more than a glance."""
    return {"risk": reader().look(lambda connection: book_risk(connection, reader().clock.now()))}


@blueprint.get("/<any(signals, positions, feeds):view>")
def of_parts(view: str) -> str:
    """A page that is a few live parts below each other."""
    title, shown = TITLES[view]
    return render_template("web/of_parts.html", active=title, title=title, shown=shown, view=view, **_seen(None))


def _seen(machine: str | None) -> dict[str, Any]:
    m = reader().overview(machine)
    return {"m": m, "answers": three_answers(m, reader().alone()), "machine": machine or ""}


@blueprint.get("/pages")
def places() -> str:
    """Every page by name: what a phone's bar calls More."""
    return render_template("web/places.html", active="More")


def story(kind: str, entity_id: str) -> Story:
    """Return a signal's or position's story; 404 when there is none."""
    found = reader().look(lambda connection: STORIES[kind](connection, entity_id, reader().clock.now()))
    if found is None:
        abort(404, f"The store knows no {kind} {entity_id}.")
    return found


@blueprint.get("/signal/<entity_id>")
def signal(entity_id: str) -> str:
    return render_template("web/timeline.html", t=story("signal", entity_id))


@blueprint.get("/position/<entity_id>")
def position(entity_id: str) -> str:
    return render_template("web/timeline.html", t=story("position", entity_id))


@blueprint.get("/machines")
def machines() -> str:
    return render_template(
        "web/machines.html",
        active="Lifecycles",
        diagrams=list(DIAGRAMS.values()),
        tables={name: state_rows(life) for name, life in LIFECYCLES.items()},
        counts=reader().look(ask.state_counts),
    )


def parts() -> dict[str, str]:
    """Return the live parts of the view that the address names, by the name of their place on the page.

    Forms inside a live part lead back to the page, which the address names by `at`, not to the stream that redrew them.
    """
    view, at = request.args.get("view", "overview"), safe_next(request.args.get("at", "/"))
    told = {"here": at}
    found = _parts_of(view, told)
    return found | {name: render_template(f"web/parts/{name}.html", **told) for name in ("bar", "notice")}


def _parts_of(view: str, told: dict[str, Any]) -> dict[str, str]:
    if view == "machines":
        counts = reader().look(ask.state_counts)
        return {
            f"machine-{name}": render_template("web/parts/machine.html", d=diagram, counts=counts)
            for name, diagram in DIAGRAMS.items()
        }
    if view in STORIES:
        entity_id = request.args.get("id", "")
        told = told | {"t": story(view, entity_id)}
        return {name: render_template(f"web/parts/{name}.html", **told) for name in STORY_PARTS}
    known = _seen(chosen_machine()) | told if view in VIEWS else told
    if view == "exposure":
        known |= _risk()
    return {part: render_template(f"web/parts/{part}.html", **known) for part in VIEWS.get(view, ())}


def _kept() -> dict[str, str]:
    """Return what the address filters by."""
    return {name: request.args[name] for name in ("day", "severity", "code", "state") if request.args.get(name)}


@blueprint.get("/alerts")
def alerts() -> str:
    today = new_york_day(reader().clock.now())
    found = reader().look(lambda connection: alerting.alert_list(connection, request.args, today))
    return render_template(
        "web/alerts.html",
        active="Alerts",
        found=found,
        given=request.args,
        kept=_kept(),
        states=alerting.STATES,
    )


@blueprint.get("/alerts.csv")
def alerts_csv() -> Response:
    try:
        wanted = alerting.filter_of(request.args, new_york_day(reader().clock.now()))
    except StoreError as error:
        abort(400, f"{error}.")
    rows = reader().look(lambda connection: found_alerts(connection, wanted, count_alerts(connection, wanted)))
    columns = alerting.CSV_COLUMNS
    text = auditing.csv_of(columns, [[str(getattr(row, name)) for name in columns] for row in rows])
    headers = {"Content-Disposition": 'attachment; filename="alerts.csv"'}
    return Response(text, mimetype="text/csv; charset=utf-8", headers=headers)


@blueprint.get("/audit")
def audit() -> str:
    chosen = QUERIES.get(request.args.get("query", ""))
    table, problem = None, ""
    if chosen is not None and not auditing.missing(chosen, request.args):
        try:
            table = auditing.run(reader().place.database_url, chosen, request.args)
        except StoreError as error:
            problem = str(error)
    return render_template(
        "web/audit.html",
        active="Audit",
        queries=auditing.questions(),
        chosen=chosen,
        given=request.args,
        table=table,
        problem=problem,
        wide=bool(request.args.get("wide")),
        story_path=auditing.story_path,
        csv_path=f"/audit.csv?{request.query_string.decode('ascii', 'replace')}",
    )


@blueprint.get("/audit.csv")
def audit_csv() -> Response:
    chosen = QUERIES.get(request.args.get("query", ""))
    if chosen is None:
        abort(404, "There is no such question.")
    if auditing.missing(chosen, request.args):
        abort(400, f"{chosen.name} needs {', '.join(auditing.missing(chosen, request.args))}.")
    try:
        lines = auditing.whole(reader().place.database_url, chosen, request.args)
    except StoreError as error:
        abort(400, f"{error}.")
    return csv_file(chosen.name, lines)


@blueprint.get("/audit/history.csv")
def history_csv() -> Response:
    """The whole chain, every column as it is stored, in constant memory."""
    return csv_file("history", auditing.history_lines(reader().place.database_url))


@blueprint.post("/audit/chain")
def chain() -> str | tuple[str, int]:
    """Walk the whole chain of transitions and say whether it is sound; one such walk at a time."""
    checked = auditing.check_chain(reader().place.database_url)
    if checked is None:
        return render_template("web/problem.html", title="Under way", text="The history is being checked already."), 409
    return render_template("web/chain.html", active="Audit", c=checked)
