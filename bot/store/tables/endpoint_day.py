"""What each endpoint took of its vendor, day by day, and its breaker as it stands."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, String

from bot.domain.events.feeds import EndpointReported
from bot.store.fields import day, label, money, of_column, utc, whole
from bot.store.stored import Stored

ENDPOINT_DAYS: Final = Stored(
    EndpointReported,
    "endpoint_day",
    of_column(Column("feed", String(64), primary_key=True)),
    of_column(Column("dataset", String(64), primary_key=True)),
    day("day", "New York", primary_key=True),
    whole("calls"),
    whole("errors"),
    money("cost", "dollars"),
    label("breaker", "closed, open, half_open"),
    whole("breaker_failures", "in a row"),
    utc("breaker_retry_at", maybe=True),
    utc("at"),
    comment="what each endpoint of a vendor took, day by day",
)
ENDPOINT_DAY: Final = ENDPOINT_DAYS.table
