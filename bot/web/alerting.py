"""The alerts' own page: by day, severity and code, each with what its code means and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from bot.domain.alert import OPEN, AlertState
from bot.domain.errors import StoreError
from bot.domain.notices import SEVERITIES, UnknownNotice, notice_of
from bot.store.queries import day_of
from bot.store.read.alerting import OPEN_ALERTS, AlertFilter, alert_codes, count_alerts, found_alerts
from bot.store.read.running import AlertRow
from bot.store.values import parse_json

SHOWN: Final = 50
STATES: Final = (OPEN_ALERTS, *(state.value for state in AlertState))
CSV_COLUMNS: Final = ("at", "severity", "code", "text", "facts")


@dataclass(frozen=True, slots=True)
class AlertView:
    row: AlertRow
    meaning: str
    deed: str
    path: str

    @property
    def is_open(self) -> bool:
        return self.row.state in OPEN


@dataclass(frozen=True, slots=True)
class AlertList:
    """A page of alerts; `page` counts from 0, `problem` says why there is none."""

    alerts: tuple[AlertView, ...] = ()
    total: int = 0
    page: int = 0
    codes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def has_older(self) -> bool:
        return (self.page + 1) * SHOWN < self.total


def filter_of(given: Mapping[str, str], today: date) -> AlertFilter:
    """Return what an address asks for; raises StoreError, which names the parameter, for what cannot be."""
    day, severity = given.get("day", "").strip(), given.get("severity", "").strip()
    if severity and severity not in SEVERITIES:
        raise StoreError(f"severity={severity} is none: there are {', '.join(SEVERITIES)}")
    code = given.get("code", "").strip().upper()
    wanted = date.fromisoformat(day_of("day", day, today)) if day else None
    state = given.get("state", "").strip()
    if state and state not in STATES:
        raise StoreError(f"state={state} is none: there are {', '.join(STATES)}")
    return AlertFilter(wanted, severity or None, code or None, state or None)


def alert_list(connection: Connection, given: Mapping[str, str], today: date) -> AlertList:
    """Return a page of the alerts that an address asks for."""
    codes = tuple(alert_codes(connection))
    try:
        wanted = filter_of(given, today)
    except StoreError as error:
        return AlertList(codes=codes, problem=str(error))
    text = given.get("page", "0")
    page = int(text) if text.isascii() and text.isdigit() and len(text) < len("1000000") else 0
    rows = found_alerts(connection, wanted, SHOWN, page * SHOWN)
    return AlertList(tuple(alert_view(row) for row in rows), count_alerts(connection, wanted), page, codes)


def alert_view(row: AlertRow) -> AlertView:
    """Return an alert with what its code means, and where it leads."""
    facts = parse_json(row.facts) or {}
    known = ((kind, facts.get(f"{kind}_id")) for kind in ("position", "signal"))
    path = next((f"/{kind}/{which}" for kind, which in known if which), "")
    try:
        notice = notice_of(row.code)
    except UnknownNotice:  # told by an older or newer version than this one
        return AlertView(row, "", "", path)
    return AlertView(row, notice.meaning, notice.deed, path)
