"""What the data vendors' endpoints took, and what became of the last edit of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, select

from bot.domain.events.feeds import EndpointReported
from bot.engine.state.records import FeedRows
from bot.store.bounded import bounded
from bot.store.read.reading import columns_of, read
from bot.store.tables.alert import ALERT
from bot.store.tables.endpoint_day import ENDPOINT_DAY
from bot.store.tables.feed_rows import FEED_ROW

_OF_EDITS: Final = ("SETTINGS_REFUSED", "SETTINGS_TAKEN")


def endpoint_days(connection: Connection, since: date) -> list[EndpointReported]:
    """Return what each endpoint took, day by day from a New York day on."""
    table = ENDPOINT_DAY
    query = columns_of(EndpointReported, table).where(table.c.day >= since.isoformat())
    return read(connection, EndpointReported, query.order_by(table.c.day, table.c.feed, table.c.dataset))


def feed_rows(connection: Connection, dataset: str = "", key: str = "") -> list[FeedRows]:
    """Return the last rows of data sets by name and key, of all where neither is named."""
    table = FEED_ROW
    query = columns_of(FeedRows, table)
    for column, wanted in ((table.c.dataset, dataset), (table.c.key, key)):
        query = query.where(column == wanted) if wanted else query
    found = read(connection, FeedRows, query.order_by(table.c.dataset, table.c.key))
    return [replace(each, rows=_objects(each.rows)) for each in found]


def shown_sets(connection: Connection) -> list[str]:
    """Return the names of data sets that have rows to read."""
    names = connection.execute(select(bounded(FEED_ROW.c.dataset)).distinct().order_by(FEED_ROW.c.dataset))
    return [str(row[0]) for row in names]


def _objects(rows: Any) -> list[Mapping[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def refused_edit(connection: Connection) -> str:
    """Return why the last edit of the settings is refused; empty: it is not."""
    table = ALERT
    newest = select(table.c.code, table.c.text).where(table.c.code.in_(_OF_EDITS)).order_by(table.c.at.desc()).limit(1)
    row = connection.execute(newest).first()
    return str(row.text) if row is not None and row.code == _OF_EDITS[0] else ""
