"""The day's money as a chart: realized and open at the bid, with what was bought and sold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from bot.charts.chart import Axis, Chart, LineMark, Mark, Pane, Row, Shown, thinned, wall_ms
from bot.domain.wording import clock_time, key_words
from bot.store import read as ask
from bot.store.read.day import DayFill, fills_of_day
from bot.store.read.money import DayMoney
from bot.web import formats
from bot.web.plots import Plot, plot


def today_chart(connection: Connection, day: date, money: DayMoney | None, now: datetime) -> Plot | None:
    """Return the day's chart for the page, which goes on by itself."""
    return plot(day_chart(connection, day, money, now), "/plots/today")


def day_chart(connection: Connection, day: date, money: DayMoney | None, now: datetime) -> Chart | None:
    """Return the chart of the account's change of the day, which ends with what realized and open come to now; None
    before the second reading."""
    readings = [(row.at, float(row.day_pnl)) for row in ask.account_day(connection, day)]
    if len(readings) < 2:
        return None
    rows: list[Row] = [{"x": wall_ms(at), "v": round(pnl, 2)} for at, pnl in readings]
    if money is not None and money.as_of is not None and money.as_of > readings[-1][0]:
        rows.append({"x": wall_ms(money.as_of), "v": round(float(money.total), 2)})
    marks = _marks(fills_of_day(connection, day), rows, day)
    tone = "loss" if (rows[-1]["v"] or 0) < 0 else "gain"
    values = [row["v"] or 0.0 for row in rows]
    words = f"Today's change of the account, now {formats.gain(money.total if money else None)}"
    pane = Pane("Dollars: the account's change of the day", Shown.GAIN, (LineMark("v", "today", tone, area=True),),
                marks=marks, height=170, zero=True)  # fmt: skip
    if max(values) - min(values) < 1:
        pane = Pane(pane.title, pane.shown, pane.lines, marks=(), height=170)
    ends = wall_ms(max(now, readings[-1][0]))
    return Chart("today", words, Axis.TIME, (pane,), thinned(rows, "v", 600), ends=ends)


def _marks(fills: Sequence[DayFill], rows: Sequence[Row], day: date) -> tuple[Mark, ...]:
    found = []
    for fill in fills:
        x = wall_ms(fill.at)
        near = min(rows, key=lambda row: abs((row["x"] or 0.0) - x))
        verb = "bought" if fill.side == "BUY" else "sold"
        words = f"{clock_time(fill.at)} {verb} {fill.quantity} {key_words(fill.contract_key, day)} at {fill.price:.2f}"
        found.append(Mark(x, near["v"] or 0.0, verb, words))
    return tuple(found)
