"""What a New York day came to, each figure defined once: realized and open P&L, slippage, win rate, exposure, holding.

- realized: dollars of what was sold or settled, net of every commission so far (`Position.realized_pnl`)
- open: dollars on what is left, at the latest bid, before the commissions of leaving (`open_pnl`)
- today: realized of today + change of open since the close before = the headline; its parts are of one instant
- slippage: whole filled orders of the day (entries, exits, stops) against the mid at their decision, a stop against its
  price; dollars and percent of the premium at those prices (`bot.store.views.slippage_sql`, as `v_slippage` has it)
- win rate: trades closed today with a realized gain, of all closed today
- exposure: dollars of premium at the latest bid; at risk: what falls away if every position were sold at its stop
- holding time: from the first fill to the end, mean of the trades closed today
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, func, select, text

from bot.domain.calendar import NEW_YORK
from bot.domain.money import ZERO, from_units, to_cents
from bot.domain.position import open_pnl
from bot.store.read.running import account
from bot.store.read.trading import PositionRow, closed_positions, open_positions
from bot.store.tables.execution import EXECUTION
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from bot.store.values import time_text
from bot.store.views import slippage_sql

_ALL: Final = 1_000_000
_OF_DAY: Final = "WHERE order_id IN (SELECT order_id FROM execution WHERE executed_at BETWEEN :start AND :end)"
_LAST_FILL: Final = """(SELECT MAX(e.executed_at) FROM execution e JOIN broker_order o ON o.id = e.order_id
       WHERE o.order_ref = s.order_ref) BETWEEN :start AND :end"""
_SLIPPED: Final = text(
    f"""
SELECT SUM(s.slippage), SUM(s.reference_price * s.quantity * COALESCE(p.multiplier, 100)), COUNT(*)
FROM ({slippage_sql(_OF_DAY)}) s LEFT JOIN position p ON p.id = s.position_id
WHERE {_LAST_FILL}"""  # noqa: S608  (the pieces are our own constants)
)
_SLIPPED_BY: Final = text(
    f"""
SELECT COALESCE(p.strategy, g.strategy, ''), s.purpose, COUNT(*), SUM(s.slippage)
FROM ({slippage_sql(_OF_DAY)}) s LEFT JOIN position p ON p.id = s.position_id LEFT JOIN signal g ON g.id = s.signal_id
WHERE {_LAST_FILL} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608  (the pieces are our own constants)
)


@dataclass(frozen=True, slots=True)
class Slippage:
    """What execution cost against the prices at decision: dollars, percent of the premium at those prices (None without
    any), and over how many orders. Positive is a cost."""

    dollars: Decimal
    percent: Decimal | None
    orders: int


@dataclass(frozen=True, slots=True)
class SlippagePart:
    """The part of a day's slippage that a strategy's orders of one purpose (entry, protect, exit) have."""

    strategy: str
    purpose: str
    orders: int
    dollars: Decimal


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """One open position's money: `open` at the bid (None before the first), `day` what it brought today."""

    id: str
    realized: Decimal
    open: Decimal | None
    day: Decimal
    exposure: Decimal | None
    at_risk: Decimal | None
    marked_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayMoney:
    """A day's figures of one instant. `total` = `realized` + `open`: the headline. `equity` is the broker's last word,
    `equity_change` its change since the day's first, `difference` that less our total; they have a time of their own.
    `as_of`: the oldest mark among the open positions, None with none."""

    day: date
    realized: Decimal
    open: Decimal
    as_of: datetime | None
    unmarked: int
    equity: Decimal | None
    equity_change: Decimal | None
    equity_at: datetime | None
    closed: int
    wins: int
    holding: timedelta | None
    exposure: Decimal
    at_risk: Decimal
    fees: Decimal
    positions: Sequence[OpenPosition]

    @property
    def total(self) -> Decimal:
        return self.realized + self.open

    @property
    def difference(self) -> Decimal | None:
        return None if self.equity_change is None else self.equity_change - self.total

    @property
    def win_rate(self) -> Decimal | None:
        return Decimal(self.wins) / self.closed if self.closed else None


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first and the last instant of a New York day."""
    return datetime.combine(day, time(), NEW_YORK), datetime.combine(day, time.max, NEW_YORK)


def money_of_day(connection: Connection, day: date, now_open: Sequence[PositionRow] | None = None) -> DayMoney:
    """Return what a day came to so far; of a day that is over, what was closed in it (nothing is open in the past).
    `now_open`: the open positions where they were read already."""
    held = open_positions(connection) if now_open is None else now_open
    over = closed_positions(connection, day, _ALL)
    before = carried(connection, [*held, *over], day)
    parts = [_open_position(row, before.get(row.id, (ZERO, ZERO))) for row in held]
    realized = sum((row.realized_pnl - before.get(row.id, (ZERO, ZERO))[0] for row in [*held, *over]), ZERO)
    was_open = sum((open_then for _, open_then in before.values()), ZERO)
    marks = [part.marked_at for part in parts if part.marked_at is not None]
    said = account(connection)
    today = said if said is not None and said.day == day else None
    held_for = [row.closed_at - row.opened_at for row in over if row.closed_at is not None]
    return DayMoney(
        day=day,
        realized=realized,
        open=sum((part.open or ZERO for part in parts), ZERO) - was_open,
        as_of=min(marks, default=None),
        unmarked=sum(part.open is None for part in parts),
        equity=today.net_liquidation if today else None,
        equity_change=today.day_pnl if today else None,
        equity_at=today.at if today else None,
        closed=len(over),
        wins=sum(row.realized_pnl > 0 for row in over),
        holding=sum(held_for, timedelta()) / len(held_for) if held_for else None,
        exposure=sum((part.exposure or ZERO for part in parts), ZERO),
        at_risk=sum((part.at_risk or ZERO for part in parts), ZERO),
        fees=fees(connection, day),
        positions=parts,
    )


def open_of(row: PositionRow) -> Decimal | None:
    """Return the open dollars of a position at its latest bid, None before the first bid."""
    if row.bid is None:
        return None
    return open_pnl(row.entry_value, row.entry_quantity, row.quantity, row.bid, row.multiplier)


def _open_position(row: PositionRow, before: tuple[Decimal, Decimal]) -> OpenPosition:
    now_open = open_of(row)
    exposure = None if row.bid is None else to_cents(row.bid * row.quantity * row.multiplier)
    falls = None if row.bid is None else max(row.bid - (row.stop_price or ZERO), ZERO)
    return OpenPosition(
        id=row.id,
        realized=row.realized_pnl,
        open=now_open,
        day=row.realized_pnl + (now_open or ZERO) - sum(before, ZERO),
        exposure=exposure,
        at_risk=None if falls is None else to_cents(falls * row.quantity * row.multiplier),
        marked_at=row.marked_at,
    )


def carried(connection: Connection, rows: Sequence[PositionRow], day: date) -> Mapping[str, tuple[Decimal, Decimal]]:
    """Return (realized, open) as they stood before a day began, of the positions that are older than it."""
    start, _ = bounds(day)
    return {row.id: _as_it_stood(connection, row, start) for row in rows if row.opened_at < start}


def _as_it_stood(connection: Connection, row: PositionRow, start: datetime) -> tuple[Decimal, Decimal]:
    fill, mark = EXECUTION.c, POSITION_MARK.c
    before = (fill.position_id == row.id) & (fill.executed_at < time_text(start))
    sums = select(fill.side, func.sum(fill.quantity), func.sum(fill.quantity * fill.price), func.sum(fill.commission))
    done = {side: (int(n), from_units(int(v)), from_units(int(c or 0))) for side, n, v, c in
            connection.execute(sums.where(before).group_by(fill.side))}  # fmt: skip
    bought, cost, paid = done.get("BUY", (row.entry_quantity, row.entry_value, ZERO))
    sold, came_back, charged = done.get("SELL", (0, ZERO, ZERO))
    basis = cost * sold / bought if bought else ZERO
    realized = to_cents((came_back - basis) * row.multiplier - paid - charged)
    last = select(mark.bid).where((mark.position_id == row.id) & (mark.at < time_text(start)) & mark.bid.is_not(None))
    bid = connection.execute(last.order_by(mark.at.desc()).limit(1)).scalar()
    if bid is None:
        return realized, ZERO
    return realized, open_pnl(cost, bought, bought - sold, from_units(int(bid)), row.multiplier)


def fees(connection: Connection, day: date) -> Decimal:
    """Return the commissions of our executions of a day, and of the sales by others that took contracts of ours."""
    start, end = (time_text(at) for at in bounds(day))
    fill, held = EXECUTION.c, POSITION.c
    ours = fill.order_id.is_not(None) | fill.position_id.is_not(None)
    paid = connection.execute(select(func.sum(fill.commission)).where(ours, fill.executed_at.between(start, end)))
    others = connection.execute(
        select(func.sum(held.elsewhere_commission)).where(held.elsewhere_at.between(start, end))
    )
    return from_units(int(paid.scalar() or 0) + int(others.scalar() or 0))


def slippage_of_day(connection: Connection, day: date) -> Slippage | None:
    """Return what execution cost over the orders whose last fill was on a day, None before the first such order."""
    start, end = (time_text(at) for at in bounds(day))
    cost, premium, orders = connection.execute(_SLIPPED, {"start": start, "end": end}).one()
    if not orders:
        return None
    dollars = to_cents(Decimal(repr(float(cost))))
    return Slippage(dollars, dollars * 100 / Decimal(repr(float(premium))) if premium else None, int(orders))


def slippage_parts(connection: Connection, day: date) -> list[SlippagePart]:
    """Return the same by strategy and purpose; the parts add up to the whole, but for a cent of rounding each."""
    start, end = (time_text(at) for at in bounds(day))
    rows = connection.execute(_SLIPPED_BY, {"start": start, "end": end})
    return [
        SlippagePart(name, word, int(count), to_cents(Decimal(repr(float(cost))))) for name, word, count, cost in rows
    ]
