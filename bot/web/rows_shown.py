"""The last rows of a data set, whatever its fields are: a page for each by its name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, render_template
from sqlalchemy import Connection

from bot.engine.state.records import FeedRows
from bot.store.read.vendors import feed_rows, shown_sets
from bot.web.store_reader import reader

blueprint = Blueprint("rows_shown", __name__)


@dataclass(frozen=True, slots=True)
class ShownSet:
    """One key of a data set; `age` in seconds by its source's own time where it has one."""

    key: str
    source: str
    age: float
    max_age: float
    is_late: bool
    in_all: int
    fields: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def records(self) -> list[dict[str, object]]:
        """Return the rows as fields by name."""
        return [dict(zip(self.fields, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class ShownPage:
    name: str
    sets: tuple[ShownSet, ...]
    others: tuple[str, ...]


@blueprint.get("/feeds/<name>")
def page(name: str) -> str:
    return render_template("web/feed_rows.html", active="Feeds", p=shown_page(name))


def shown_page(name: str) -> ShownPage:
    """Return a data set's rows; 404 for one of which none are kept."""
    now = reader().clock.now()
    found = reader().look(lambda connection: rows_of(connection, name, now))
    return found or abort(404, f"No rows are kept of a data set called {name}.")


def rows_of(connection: Connection, name: str, now: datetime) -> ShownPage | None:
    found = feed_rows(connection, name)
    if not found:
        return None
    return ShownPage(name, tuple(shown_set(each, now) for each in found), tuple(shown_sets(connection)))


def shown_set(each: FeedRows, now: datetime) -> ShownSet:
    age = max(0.0, (now - (each.source_at or each.at)).total_seconds())
    fields = tuple(dict.fromkeys(str(field) for row in each.rows for field in row))
    rows = tuple(tuple(row.get(field) for field in fields) for row in each.rows)
    return ShownSet(each.key, each.source, age, each.max_age_s, age > each.max_age_s, each.rows_in_all, fields, rows)
