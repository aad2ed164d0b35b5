"""Performance: does it earn, where, when, how deep were the holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Response, render_template, request
from sqlalchemy import Connection

from bot.analytics.performance import Figures, SignalQuality, daily, grouped, groups, signal_quality
from bot.analytics.timing import TimeSlot, time_slots
from bot.charts.chart import Axis, Chart, Level, LineMark, Pane, Row, Shown, thinned, wall_ms
from bot.domain.calendar import NEW_YORK, new_york_day
from bot.store import read as ask
from bot.store.read.earnings import RANGES, Earnings, earnings
from bot.store.read.running import BreakerRow
from bot.store.read.trades import with_slippage
from bot.web.downloads import csv_file, csv_lines
from bot.web.plots import Plot, plot
from bot.web.store_reader import reader

blueprint = Blueprint("performing", __name__)

RANGE_WORDS: Final = {"day": "Today", "week": "Week", "month": "Month", "all": "All"}
TABLES: Final = (("strategy", "By strategy"), ("symbol", "By symbol"), ("reason", "By exit reason"),
                 ("hour", "By hour of entry"))  # fmt: skip
PERIODS: Final = ("day", "week", "month")
FILE_COLUMNS: Final = ("day", "trades", "pnl", "total", "equity", "drawdown_pct")
MOST_PERIODS: Final = 15
MOST_MONTHS: Final = 12
DEPTHS: Final = 3


@dataclass(frozen=True, slots=True)
class HeatDay:
    """A day of the calendar: `depth` is its class, h or r with 1 to 3, h0 for nothing; empty outside the range."""

    day: date | None
    pnl: Decimal | None = None
    depth: str = ""


@dataclass(frozen=True, slots=True)
class HeatMonth:
    title: str
    weeks: tuple[tuple[tuple[HeatDay, ...], Decimal], ...]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group's figures; `bar` is where its P&L lies from the middle of a bar of 84, and how wide it is."""

    name: str
    figures: Figures
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Performance:
    range: str
    period: str
    earned: Earnings
    curve: Plot | None
    months: tuple[HeatMonth, ...]
    tables: tuple[tuple[str, str, tuple[GroupRow, ...]], ...]
    periods: tuple[GroupRow, ...]
    quality: tuple[tuple[str, SignalQuality], ...]
    slots: tuple[TimeSlot, ...]
    limit: Decimal | None


Shapes = tuple[
    Plot | None, tuple[HeatMonth, ...], tuple[tuple[str, str, tuple[GroupRow, ...]], ...], tuple[GroupRow, ...],
    tuple[tuple[str, SignalQuality], ...], tuple[TimeSlot, ...],
]  # fmt: skip


@blueprint.get("/performance")
def page() -> str:
    range_, period = _range(), _period()
    now = reader().clock.now()
    found = reader().look(lambda connection: performance(connection, range_, period, new_york_day(now)))
    return render_template(
        "web/performance.html", active="Performance", p=found, ranges=RANGE_WORDS, periods=PERIODS,
        mode=reader().place.mode, period_words=_period_words, plain_words=str,
    )  # fmt: skip


@blueprint.get("/performance.csv")
def as_csv() -> Response:
    found = _earned()
    by_day: dict[date, int] = {}
    for trade in found.trades:
        by_day[trade.day] = by_day.get(trade.day, 0) + 1
    rows = [
        [p.day.isoformat(), by_day.get(p.day, 0), p.pnl, p.total, p.equity, _percent(p.drawdown)] for p in found.curve
    ]
    return csv_file("performance", csv_lines(FILE_COLUMNS, rows))


@blueprint.get("/performance.json")
def as_json() -> dict[str, Any]:
    found = _earned()
    return {
        "range": _range(), "until": found.until.isoformat(), "closed": str(found.figures.pnl), "open": str(found.open),
        "total": str(found.total), "trades": found.figures.trades, "fees": str(found.figures.fees),
        "sharpe": found.sharpe, "drawdown_pct": _percent(found.drawdown),
        "days": [{"day": p.day.isoformat(), "pnl": str(p.pnl), "total": str(p.total)} for p in found.curve],
    }  # fmt: skip


def _period_words(name: str) -> str:
    """Return a period as people read it: a day with its weekday, a month by its name."""
    if len(name) == len("2026-11"):
        return f"{date.fromisoformat(f'{name}-01'):%B %Y}"
    day = date.fromisoformat(name)
    return f"{day:%a} {day.day} {day:%b %Y}"


def _earned() -> Earnings:
    today = new_york_day(reader().clock.now())
    return reader().look(lambda c: earnings(c, _range(), today, reader().closed.book(c)))


def _range() -> str:
    given = request.args.get("range", "all")
    return given if given in RANGES else "all"


def _period() -> str:
    given = request.args.get("by", "day")
    return given if given in PERIODS else "day"


def _percent(part: Decimal | None) -> str | None:
    return None if part is None else f"{part * 100:.2f}"


def performance(connection: Connection, range_: str, period: str, today: date) -> Performance:
    """Return what the page shows of a range that ends today."""
    book = reader().closed.book(connection)
    earned = earnings(connection, range_, today, book)
    limit = drawdown_limit(ask.breakers(connection))
    stamp = (book.stamp, today, limit, earned.start)
    asked = ("performance", range_, period)
    shapes = reader().remembered.once(asked, stamp, lambda: _shapes(connection, earned, range_, period, limit))
    return Performance(range_, period, earned, *shapes, limit)


def _shapes(connection: Connection, earned: Earnings, range_: str, period: str, limit: Decimal | None) -> Shapes:
    """Return curve, calendar and tables: what closed trades alone decide."""
    trades, days = with_slippage(connection, earned.trades), [point.day for point in earned.curve]
    by_strategy = sorted(groups(trades, "strategy").items())
    return (
        plot(equity_chart(earned, limit, range_)), heat(earned),
        tuple((by, title, _rows(grouped(earned.trades, by))) for by, title in TABLES),
        _rows(grouped(earned.trades, period)[::-1][:MOST_PERIODS]),
        tuple((name, signal_quality(own, days, earned.start)) for name, own in by_strategy),
        tuple(slot for slot in time_slots(trades) if slot.speaks),
    )  # fmt: skip


def drawdown_limit(rows: Sequence[BreakerRow]) -> Decimal | None:
    """Return the limit of the drawdown breaker as a percentage, None while it was not measured."""
    words = next((row.limit_words for row in rows if row.id == "drawdown"), "")
    number = words.split("%", maxsplit=1)[0].strip()
    return Decimal(number) if number.replace(".", "", 1).isdigit() else None


def _rows(found: Sequence[tuple[str, Figures]]) -> tuple[GroupRow, ...]:
    most = max((abs(each.pnl) for _, each in found), default=Decimal(0)) or Decimal(1)
    rows = []
    for name, each in found:
        width = float(abs(each.pnl) / most) * 40
        rows.append(GroupRow(name, each, round(42 - width if each.pnl < 0 else 42, 1), round(width, 1)))
    return tuple(rows)


def equity_chart(earned: Earnings, limit: Decimal | None, range_: str = "all") -> Chart | None:
    """Return equity by day with the drawdown below it; without a known equity the sum of P&L with its falls."""
    if not earned.curve:
        return None
    known = earned.start is not None
    rows = _equity_rows(earned, known=known)
    shown = [Level(-float(limit), f"limit {limit:g} %", "loss")] if limit is not None and known else []
    deepest = min((row["dd"] or 0.0 for row in rows), default=0.0)
    panes = _equity_panes([level for level in shown if deepest < level.value / 2], known=known)
    total = earned.curve[-1].total
    words = (
        f"From {earned.curve[0].day:%d %b} to {earned.curve[-1].day:%d %b} closed trades brought {total:,.2f} dollars"
    )
    return Chart("equity", words, Axis.DAY, panes, thinned(rows, "v"), f"/performance.csv?range={range_}")


def _equity_rows(earned: Earnings, *, known: bool) -> list[Row]:
    """Return a row a day, after one of the evening before the first."""
    rows: list[Row] = [
        {
            "x": wall_ms(datetime.combine(point.day, time(16), NEW_YORK)),
            "v": round(float(point.equity if point.equity is not None else point.total), 2),
            "pnl": round(float(point.pnl), 2),
            "dd": round(float((point.drawdown or 0) * 100 if known else point.fall), 2),
        }
        for point in earned.curve
    ]
    before = wall_ms(datetime.combine(earned.curve[0].day - timedelta(days=1), time(16), NEW_YORK))
    return [{"x": before, "v": float(earned.start or 0), "pnl": None, "dd": 0.0}, *rows]


def _equity_panes(levels: Sequence[Level], *, known: bool) -> tuple[Pane, Pane]:
    first = "Equity, dollars at each close" if known else "Sum of P&L, dollars at each close"
    second = "Drawdown from the highest equity, %" if known else "Below the highest sum, dollars"
    return (
        Pane(first, Shown.MONEY, (LineMark("v", "equity" if known else "sum", area=not known),), height=190),
        Pane(
            second,
            Shown.PERCENT if known else Shown.GAIN,
            (LineMark("dd", "drawdown", "loss", area=True),),
            levels=levels,
            height=80,
            zero=True,
            digits=1,
        ),
    )


def heat(earned: Earnings) -> tuple[HeatMonth, ...]:
    """Return the calendar of the range, the newest month first: Monday to Friday, the depth by thirds of the money of
    its days."""
    by_day = daily(earned.trades, [point.day for point in earned.curve])
    sizes = sorted(abs(pnl) for pnl in by_day.values() if pnl)
    bounds = [sizes[len(sizes) * k // DEPTHS] for k in range(1, DEPTHS)] if sizes else []
    months: dict[tuple[int, int], list[date]] = {}
    for day in by_day:
        months.setdefault((day.year, day.month), []).append(day)
    return tuple(_month(year, month, by_day, bounds) for year, month in sorted(months, reverse=True)[:MOST_MONTHS])


def _month(year: int, month: int, by_day: dict[date, Decimal], bounds: Sequence[Decimal]) -> HeatMonth:
    first = date(year, month, 1)
    monday, weeks = first - timedelta(days=first.weekday()), []
    while monday <= first or monday.month == month:
        days = [monday + timedelta(days=i) for i in range(5)]
        known = [day for day in days if day.month == month and day in by_day]
        if known:
            cells = tuple(_cell(day, by_day, bounds) if day.month == month else HeatDay(None) for day in days)
            weeks.append((cells, sum((by_day[day] for day in known), Decimal(0))))
        monday += timedelta(days=7)
    return HeatMonth(f"{first:%B %Y}", tuple(weeks))


def _cell(day: date, by_day: dict[date, Decimal], bounds: Sequence[Decimal]) -> HeatDay:
    pnl = by_day.get(day)
    if not pnl:
        return HeatDay(day, pnl, "h0")
    depth = 1 + sum(abs(pnl) >= bound for bound in bounds)
    return HeatDay(day, pnl, f"{'h' if pnl > 0 else 'r'}{depth}")
