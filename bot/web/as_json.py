"""Every page's data as JSON at its own address with `.json`: the same look at the store, the same objects.

Money and prices are text in dollars, fractions are fractions, times are ISO-8601 UTC, days ISO dates, ages seconds;
what is not known is null. The names are the fields of the classes that the pages are drawn of (docs/page_json.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from flask import Blueprint, Response, abort, jsonify, request

from bot.domain.calendar import new_york_day
from bot.domain.errors import StoreError
from bot.domain.lifecycles import LIFECYCLES
from bot.domain.overseer import ModelTask
from bot.store import read as ask
from bot.store.queries import QUERIES
from bot.store.read.configs import differences, versions
from bot.web import alerting, auditing, markets, rows_shown, watching
from bot.web.answers import three_answers
from bot.web.dealers import dealers_page
from bot.web.exposing import book_risk
from bot.web.model import Overview
from bot.web.pages import story
from bot.web.plots import Plot
from bot.web.store_reader import reader

blueprint = Blueprint("as_json", __name__)

OVERVIEW: Final = ("now", "mode", "speed", "scenario", "session", "connection", "market", "account", "money",
                   "counters", "positions", "signals", "waiting_for", "alerts", "breakers", "unsettled",
                   "others", "asked", "critical")  # fmt: skip
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "overview": OVERVIEW,
    "signals": ("now", "signals", "signal_counts", "recent_signals"),
    "positions": ("now", "money", "positions", "unsettled", "closed_positions"),
    "exposure": ("now", "premium", "exposure", "breakers", "halted_symbols"),
    "feeds": ("now", "session", "connection", "feeds", "quotas", "endpoints", "jobs"),
}
"""What of the overview's model each page of its parts shows."""


def plain(value: Any) -> Any:
    """Return a value of the pages as JSON has it; a chart is its points."""
    if isinstance(value, Plot):
        return [dict(row) for row in value.chart.rows]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, str) or not isinstance(value, (Sequence, AbstractSet)):
        return value
    return [plain(each) for each in value]


def _answer(found: Any) -> Response:
    return jsonify(plain(found))


@blueprint.get("/<any(overview, signals, positions, exposure, feeds):view>.json")
def of_parts(view: str) -> Response:
    seen = reader().overview()
    if seen.trouble is not None:
        raise StoreError(f"{seen.trouble.title} {seen.trouble.text}")
    found = _chosen(seen, PARTS[view])
    if view == "overview":
        found |= {"answers": _answers(seen)}
    if view == "exposure":
        symbol = request.args.get("symbol", "").upper()
        dealt = reader().look(lambda connection: dealers_page(connection, symbol, seen.now))
        found |= {"risk": reader().look(lambda connection: book_risk(connection, seen.now))}
        found |= {"dealers": replace(dealt, drawn=None)}
    return _answer(found)


def _chosen(seen: Overview, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in names}


def _answers(seen: Overview) -> Any:
    return three_answers(seen, reader().alone())


@blueprint.get("/market.json")
@blueprint.get("/market/<symbol>.json")
def market(symbol: str = "") -> Response:
    now = reader().clock.now()
    found = reader().look(lambda connection: markets.market(connection, symbol.upper(), now))
    return _answer(found or abort(404, f"No strategy looks at {symbol}."))


@blueprint.get("/feeds/<name>.json")
def feed_rows(name: str) -> Response:
    return _answer(rows_shown.shown_page(name))


@blueprint.get("/position/<entity_id>.json", defaults={"kind": "position"})
@blueprint.get("/signal/<entity_id>.json", defaults={"kind": "signal"})
def one(kind: str, entity_id: str) -> Response:
    return _answer(story(kind, entity_id))


@blueprint.get("/alerts.json")
def alerts() -> Response:
    today = new_york_day(reader().clock.now())
    found = reader().look(lambda connection: alerting.alert_list(connection, request.args, today))
    return _answer(found) if not found.problem else abort(400, f"{found.problem}.")


@blueprint.get("/overseer.json")
def overseer() -> Response:
    task = next((each for each in ModelTask if each.value == request.args.get("task")), None)
    return _answer(reader().look(lambda connection: watching.overseen(connection, task)))


@blueprint.get("/people.json")
def people() -> Response:
    return _answer(watching.seen_people())


@blueprint.get("/config.json")
def config() -> Response:
    rows = reader().look(versions)
    ids = [row.id for row in rows]
    after = request.args.get("after", ids[0] if ids else "")
    before = request.args.get("before", ids[1] if len(ids) > 1 else "")
    known = {before, after} <= set(ids)
    found = reader().look(lambda connection: differences(connection, before, after)) if known else []
    return _answer({"versions": rows, "before": before, "after": after, "differences": found})


@blueprint.get("/machines.json")
def machines() -> Response:
    counts = reader().look(ask.state_counts)
    found = {name: {"states": list(life.states), "now": counts.get(name, {})} for name, life in LIFECYCLES.items()}
    return _answer(found)


@blueprint.get("/audit.json")
def audit() -> Response:
    """The questions; of one that `query` names its answer, the first rows of it (`.csv` has all)."""
    chosen = QUERIES.get(request.args.get("query", ""))
    if chosen is None:
        return _answer([{"name": q.name, "title": q.title, "explanation": q.explanation,
                         "parameters": [p.name for p in q.parameters]} for q in auditing.questions()])  # fmt: skip
    if missing := auditing.missing(chosen, request.args):
        abort(400, f"{chosen.name} needs {', '.join(missing)}.")
    table = auditing.run(reader().place.database_url, chosen, request.args)
    return _answer({"columns": table.columns, "rows": table.rows, "total": table.total})


JSON_BESIDE: Final = frozenset({
    "/signals", "/positions", "/exposure", "/feeds", "/market", "/alerts", "/overseer", "/people", "/config",
    "/machines", "/audit", "/trades", "/performance", "/strategies",
})  # fmt: skip


def json_beside() -> str:
    """Return the address of this page's data, filter and all; empty for a page that has none."""
    path, query = request.path, request.query_string.decode("ascii", "replace")
    if path == "/":
        path = "/overview"
    elif path not in JSON_BESIDE and not path.startswith(("/position/", "/signal/", "/market/", "/feeds/")):
        return ""
    return f"{request.script_root}{path}.json{f'?{query}' if query else ''}"
