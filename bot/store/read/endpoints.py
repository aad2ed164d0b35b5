"""What each endpoint of a vendor took on a New York day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from bot.domain.events.feeds import EndpointReported
from bot.store.read.reading import columns_of, read
from bot.store.tables.endpoint_day import ENDPOINT_DAY


def endpoints(connection: Connection, day: date) -> list[EndpointReported]:
    """Return calls, errors, dollars and the breaker of every endpoint that was asked on a day."""
    table = ENDPOINT_DAY
    chosen = columns_of(EndpointReported, table).where(table.c.day == day.isoformat())
    return read(connection, EndpointReported, chosen.order_by(table.c.feed, table.c.dataset))
