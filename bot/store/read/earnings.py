"""What the bot earned over a stretch of days: closed trades, curve and drawdown, open trades beside them.

The curve is of what was realized, by the day of the close, as `v_daily_pnl` counts it; what open trades came to so far
stands beside it and is added to the whole, never to a day that is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from bot.analytics import performance
from bot.analytics.performance import ClosedTrade, CurvePoint, Figures
from bot.domain.money import ZERO
from bot.store.read.closed_days import ClosedBook
from bot.store.read.money import open_of
from bot.store.read.trades import TradeFilter, closed_trades, days_seen, equity_before
from bot.store.read.trading import open_positions

RANGES: Final = ("day", "week", "month", "all")
"""Of a day: that one; week and month: since their first day; all: since the first trade."""


@dataclass(frozen=True, slots=True)
class Earnings:
    """`open` is what open trades came to since their entry, realized and at the bid; `start` the equity before it."""

    since: date | None
    until: date
    figures: Figures
    trades: Sequence[ClosedTrade]
    curve: Sequence[CurvePoint]
    start: Decimal | None
    open: Decimal
    held: int
    sharpe: float | None
    drawdown: Decimal | None

    @property
    def total(self) -> Decimal:
        return self.figures.pnl + self.open

    @property
    def part(self) -> Decimal | None:
        """The whole as a fraction of the equity that it began with."""
        return self.total / self.start if self.start else None


def first_day(range_: str, day: date) -> date | None:
    """Return the first day of a range that ends with a day, None for all."""
    match range_:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case _:
            return None


def earnings(connection: Connection, range_: str, day: date, known: ClosedBook | None = None) -> Earnings:
    """Return what was earned in a range of `RANGES` that ends with a New York day; `known`: the trades where they were
    read already."""
    since = first_day(range_, day)
    wanted = TradeFilter(since=since, until=day)
    trades = known.of(wanted) if known is not None else closed_trades(connection, wanted)
    days = [each for each in days_seen(connection, since) if each <= day]
    begins = min([*days, *(trade.day for trade in trades)], default=day)
    start = equity_before(connection, since or begins)
    held = open_positions(connection)
    points = performance.curve(performance.daily(trades, days), start)
    return Earnings(
        since=since,
        until=day,
        figures=performance.figures(trades),
        trades=trades,
        curve=points,
        start=start,
        open=sum((row.realized_pnl + (open_of(row) or ZERO) for row in held), ZERO),
        held=len(held),
        sharpe=performance.sharpe(points),
        drawdown=performance.worst_drawdown(points),
    )
