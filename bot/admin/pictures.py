"""Charts as pictures: what the account did, and the path of a position. Drawn in a child that ends, one at a time."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final

from sqlalchemy import Connection

from bot.charts.chart import Axis, Chart, Level, LineMark, Pane, Shown, thinned, wall_ms
from bot.charts.chart import Band as Between
from bot.domain.calendar import NEW_YORK
from bot.domain.wording import key_words, price
from bot.store import read as ask
from bot.store.read.earnings import Earnings

_LEAST: Final = 2
"""Points below which there is nothing to see."""


def money(connection: Connection, earned: Earnings) -> Chart | None:
    """Return the sum of P&L by day, on a first day the account's change; None where there is too little to see."""
    days: list[dict[str, float | None]] = [
        {"x": wall_ms(datetime.combine(point.day, time(16), NEW_YORK)), "v": float(point.total)}
        for point in earned.curve
    ]
    if len(days) >= _LEAST:
        pane = Pane("Sum of P&L, dollars at each close", Shown.GAIN, (LineMark("v", "sum", area=True),), zero=True)
        return Chart("money", "The sum of what closed trades brought", Axis.DAY, (pane,), thinned(days, "v"))
    readings = ask.account_day(connection, earned.until)
    rows: list[dict[str, float | None]] = [{"x": wall_ms(row.at), "v": float(row.day_pnl)} for row in readings]
    if len(rows) < _LEAST:
        return None
    pane = Pane("Dollars: the account's change of the day", Shown.GAIN, (LineMark("v", "today", area=True),), zero=True)
    return Chart("today", "What the account did today", Axis.TIME, (pane,), thinned(rows, "v", 600))


def path(connection: Connection, row: Any) -> Chart | None:
    """Return the quotes of a position with its entry and its stop; None where there are too few."""
    rows: list[dict[str, float | None]] = [
        {"x": wall_ms(mark.at), "bid": _number(mark.bid), "ask": _number(mark.ask)}
        for mark in ask.marks(connection, row.id)
    ]
    if len(rows) < _LEAST:
        return None
    levels = [Level(float(row.entry_price), f"entry {price(row.entry_price)}", "ink", dashed=False)]
    if row.stop_price is not None and row.closed_at is None:
        levels.append(Level(float(row.stop_price), f"stop {price(row.stop_price)}", "loss"))
    pane = Pane(
        "Option, dollars a share: bid, band to ask", Shown.PRICE, (LineMark("bid", "bid"),), (Between("bid", "ask"),),
        levels=tuple(levels), height=240, digits=2,
    )  # fmt: skip
    return Chart("path", key_words(row.contract_key), Axis.TIME, (pane,), thinned(rows, "bid"))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
