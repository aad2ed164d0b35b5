"""What the data vendors' endpoints took, and what became of the last edit of the settings."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import Connection, select

from bot.domain.events import EndpointReported
from bot.store.read.reading import columns_of, read
from bot.store.tables.alert import ALERT
from bot.store.tables.endpoint_day import ENDPOINT_DAY

_OF_EDITS: Final = ("SETTINGS_REFUSED", "SETTINGS_TAKEN")


def endpoint_days(connection: Connection, since: date) -> list[EndpointReported]:
    """Return what each endpoint took, day by day from a New York day on."""
    table = ENDPOINT_DAY
    query = columns_of(EndpointReported, table).where(table.c.day >= since.isoformat())
    return read(connection, EndpointReported, query.order_by(table.c.day, table.c.feed, table.c.dataset))


def refused_edit(connection: Connection) -> str:
    """Return why the last edit of the settings is refused; empty: it is not."""
    table = ALERT
    newest = select(table.c.code, table.c.text).where(table.c.code.in_(_OF_EDITS)).order_by(table.c.at.desc()).limit(1)
    row = connection.execute(newest).first()
    return str(row.text) if row is not None and row.code == _OF_EDITS[0] else ""
