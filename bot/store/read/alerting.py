"""Alerts as a list to search, and what the latest of them say of the markets of open positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from bot.domain.alert import OPEN
from bot.store.read.money import bounds
from bot.store.read.reading import columns_of, read
from bot.store.read.running import AlertRow
from bot.store.tables.alert import ALERT
from bot.store.tables.transition import TRANSITION
from bot.store.values import parse_json, time_text

BEGINS: Final = ("HELD_IN_HALT", "HELD_WITHOUT_BID", "EXIT_IN_HALT", "EXIT_WITHOUT_BID")
"""Alerts that say that the market of a position has gone silent."""
OPEN_ALERTS: Final = "open"
ENDS: Final = ("QUOTED_AGAIN", "EXIT_GOES_ON")
_LOOKED_AT: Final = 400


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are wanted; None: any. `day` is a New York day."""

    day: date | None = None
    severity: str | None = None
    code: str | None = None
    state: str | None = None
    """A state, or `open`: nobody has taken it up yet."""


def found_alerts(connection: Connection, wanted: AlertFilter, limit: int, skip: int = 0) -> list[AlertRow]:
    """Return the alerts that pass a filter, newest first."""
    table = ALERT.c
    chosen = _narrowed(columns_of(AlertRow, ALERT), wanted).order_by(table.at.desc(), table.id.desc())
    return read(connection, AlertRow, chosen.limit(limit).offset(skip))


def count_alerts(connection: Connection, wanted: AlertFilter) -> int:
    return int(connection.execute(_narrowed(select(func.count()).select_from(ALERT), wanted)).scalar() or 0)


def alert_codes(connection: Connection) -> list[str]:
    """Return the codes that have been told on this store."""
    code = ALERT.c.code
    return list(connection.execute(select(code).distinct().order_by(code)).scalars())


def critical_alerts(connection: Connection) -> int:
    """Return how many critical alerts are open: raised, and taken up by nobody yet."""
    return count_alerts(connection, AlertFilter(severity="critical", state=OPEN_ALERTS))


def alert_state(connection: Connection, alert_id: str) -> str | None:
    """Return the state of an alert, None for one that the store does not know."""
    found = connection.execute(select(ALERT.c.state).where(ALERT.c.id == alert_id)).scalar()
    return None if found is None else str(found)


def open_alert_ids(connection: Connection, most: int = 1000) -> list[str]:
    """Return the ids of the alerts that can be acknowledged, the newest first."""
    table = ALERT.c
    chosen = select(table.id).where(table.state.in_([state.value for state in OPEN])).order_by(table.at.desc())
    return list(connection.execute(chosen.limit(most)).scalars())


def _narrowed(query: Select[Any], wanted: AlertFilter) -> Select[Any]:
    table = ALERT.c
    if wanted.day is not None:
        start, end = bounds(wanted.day)
        query = query.where(table.at.between(time_text(start), time_text(end)))
    if wanted.severity is not None:
        query = query.where(table.severity == wanted.severity)
    if wanted.state is not None:
        states = [state.value for state in OPEN] if wanted.state == OPEN_ALERTS else [wanted.state]
        query = query.where(table.state.in_(states))
    return query if wanted.code is None else query.where(table.code == wanted.code)


def silent_markets(connection: Connection, position_ids: Sequence[str]) -> Mapping[str, AlertRow]:
    """Return, of positions whose market is halted or without a bid, the alert that said so.

    The bot tells the beginning and the end of each; after a start it tells anew what it finds: only alerts since
    the latest start count.
    """
    table, step = ALERT.c, TRANSITION.c
    started = select(func.max(step.event_at)).where(step.machine == "session", step.trigger == "restart")
    since = connection.execute(started).scalar() or ""
    said = columns_of(AlertRow, ALERT).where(table.code.in_([*BEGINS, *ENDS]), table.at >= since)
    newest = read(connection, AlertRow, said.order_by(table.at.desc(), table.id.desc()).limit(_LOOKED_AT))
    last: dict[str, AlertRow] = {}
    for row in newest:
        last.setdefault(str((parse_json(row.facts) or {}).get("position_id", "")), row)
    return {known: last[known] for known in position_ids if known in last and last[known].code in BEGINS}
