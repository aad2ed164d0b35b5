"""Option flow, the close, dark pools and insiders as measures, each of an underlying."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any, Final

from bot.analytics.closing import closing_pressure
from bot.analytics.dark_pool import dark_pool_z, dark_share
from bot.analytics.flow import crowd_lean, divergence, momentum, smart_lean, trend
from bot.analytics.insiders import insider_cluster
from bot.analytics.measure import Measure, MeasuredView, absent, moment_of, rows_of, told
from bot.domain.calendar import new_york_day
from bot.domain.data.sets import (
    CONGRESS_TRADES,
    DARK_POOL,
    INSIDER_TRADES,
    MARKET_WIDE,
    NET_PREMIUM,
    OFF_LIT_LEVELS,
)
from bot.domain.readings import Reading

EVERY_S: Final = 60.0
MAX_AGE_S: Final = 180.0
DAY_S: Final = 86_400.0
DARK_MAX_AGE_S: Final = 900.0
STANDING: Final = 15
"""Minutes whose change stands for momentum."""
DAILY: Final = "options_volume"


def _momentum(view: MeasuredView, key: str, now: datetime) -> Reading:
    found = momentum(rows_of(view, NET_PREMIUM, key), now)
    at = moment_of(view, NET_PREMIUM, key, now)
    if STANDING not in found:
        return absent("no flow" if not found else "too few minutes", at, "$", MAX_AGE_S)
    parts: dict[str, float | None] = {"value": found[STANDING].change, "trend": trend(_daily(view, key))}
    for minutes, each in found.items():
        parts |= {f"change_{minutes}": each.change, f"acceleration_{minutes}": each.acceleration}
    return told(parts, at, "$", MAX_AGE_S)


def _daily(view: MeasuredView, key: str) -> list[tuple[date, float]]:
    """Return net premium by day, of the rows that the vendor keeps of the last days."""
    rows = (_net_of_day(row) for row in rows_of(view, DAILY, key))
    return [row for row in rows if row is not None]


def _net_of_day(row: Any) -> tuple[date, float] | None:
    try:
        day, calls, puts = row["date"], row["net_call_premium"], row["net_put_premium"]
    except (KeyError, TypeError):
        return None
    known = isinstance(day, date) and calls is not None and puts is not None
    return (day, float(calls) - float(puts)) if known else None


def _divergence(view: MeasuredView, key: str, now: datetime) -> Reading:
    at = moment_of(view, NET_PREMIUM, key, now)
    people = rows_of(view, CONGRESS_TRADES, MARKET_WIDE), rows_of(view, INSIDER_TRADES, MARKET_WIDE)
    smart, crowd = smart_lean(*people, key, new_york_day(now)), crowd_lean(rows_of(view, NET_PREMIUM, key))
    if smart is None or crowd is None:
        return absent("too few filings" if smart is None else "too few minutes", at, "deviations", DAY_S)
    found = divergence(smart, crowd)
    parts = {
        "value": found.z,
        "smart": smart.share,
        "crowd": crowd.share,
        "filings": smart.count,
        "told": found.is_told,
    }
    return told(parts, at, "deviations", DAY_S)


def _moc(view: MeasuredView, key: str, now: datetime) -> Reading:
    at, session = moment_of(view, NET_PREMIUM, key, now), view.session
    if session is None:
        return absent("no session", at, "percent", MAX_AGE_S)
    levels = rows_of(view, OFF_LIT_LEVELS, key)
    found = closing_pressure(rows_of(view, NET_PREMIUM, key), rows_of(view, DARK_POOL, key), levels, session, now)
    if found is None:
        return absent("too early" if now < session.close_at else "no flow", at, "percent", MAX_AGE_S)
    parts = {
        "value": found.confidence * found.direction, "direction": found.direction, "confidence": found.confidence,
        "asymmetry": abs(found.asymmetry), "dark_share": dark_share(levels), "size": found.size,
        "expected_move": found.expected_move, "score": found.score,
    }  # fmt: skip
    return told(parts, at, "percent", MAX_AGE_S)


def _dark_pool(view: MeasuredView, key: str, now: datetime) -> Reading:
    trades = rows_of(view, DARK_POOL, key)
    at = moment_of(view, DARK_POOL, key, now)
    newest = max((trade.at for trade in trades if trade.at <= now), default=None)
    found = None if newest is None else dark_pool_z(trades, newest)
    if found is None:
        return absent("no prints" if newest is None else "too few prints", at, "deviations", DARK_MAX_AGE_S)
    signed = math.copysign(found.z, found.lean) if found.z > 0 and found.lean else found.z
    return told(
        {"value": signed, "z": found.z, "lean": found.lean, "dollars": found.dollars}, at, "deviations", DARK_MAX_AGE_S
    )


def _insiders(view: MeasuredView, key: str, now: datetime) -> Reading:
    at = moment_of(view, INSIDER_TRADES, MARKET_WIDE, now)
    if view.datum(INSIDER_TRADES, MARKET_WIDE) is None:
        return absent("no filings", at, "people", DAY_S)
    found = insider_cluster(rows_of(view, INSIDER_TRADES, MARKET_WIDE), key, new_york_day(now))
    if found is None:
        return told({"value": 0, "cluster": False, "dollars": 0.0}, at, "people", DAY_S)
    return told({"value": found.count, "cluster": found.is_cluster, "dollars": found.dollars}, at, "people", DAY_S)


MEASURES: Final = (
    Measure("flow_momentum", (NET_PREMIUM, DAILY), EVERY_S, MAX_AGE_S, "$", _momentum),
    Measure("divergence", (CONGRESS_TRADES, INSIDER_TRADES, NET_PREMIUM), EVERY_S, DAY_S, "deviations", _divergence),
    Measure("moc", (NET_PREMIUM, DARK_POOL, OFF_LIT_LEVELS), EVERY_S, MAX_AGE_S, "percent", _moc),
    Measure("dark_pool_z", (DARK_POOL,), EVERY_S, DARK_MAX_AGE_S, "deviations", _dark_pool),
    Measure("insider_cluster", (INSIDER_TRADES,), EVERY_S, DAY_S, "people", _insiders),
)
