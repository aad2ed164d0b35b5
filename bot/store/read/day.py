"""What one New York day came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from sqlalchemy import Connection, case, func, or_, select

from bot.domain.calendar import NEW_YORK
from bot.domain.money import from_units
from bot.domain.order import Purpose
from bot.store import schema
from bot.store.values import time_text


@dataclass(frozen=True, slots=True)
class DayCounters:
    """What one New York day came to. `slippage` is dollars paid against the mid at decision (a stop: against its stop
    price), None before the first fill that can be compared. Of what others at the account did, only the fees count of
    sales that took contracts of ours."""

    closed: int
    wins: int
    realized: Decimal
    executions: int
    fees: Decimal
    slippage: Decimal | None


def counters(connection: Connection, day: date) -> DayCounters:
    """Return what a New York day came to so far."""
    table = schema.POSITION
    won = func.sum(case((table.c.realized_pnl > 0, 1), else_=0))
    closed, wins, realized = connection.execute(
        select(func.count(), won, func.sum(table.c.realized_pnl)).where(table.c.session_day == day.isoformat())
    ).one()
    fills, fees, slipped = _fills_of_day(connection, day)
    return DayCounters(int(closed), int(wins or 0), from_units(int(realized or 0)), fills, fees, slipped)


def _fills_of_day(connection: Connection, day: date) -> tuple[int, Decimal, Decimal | None]:
    fill, order, held = schema.EXECUTION, schema.BROKER_ORDER, schema.POSITION
    start = time_text(datetime.combine(day, time(), NEW_YORK))
    end = time_text(datetime.combine(day, time(23, 59, 59, 999999), NEW_YORK))
    # A stop is decided long before it fills, so its mid at decision says nothing: the price that it promised does.
    expected = case((order.c.purpose == Purpose.PROTECT.value, order.c.stop_price), else_=order.c.mid_at_decision)
    worse = case((fill.c.side == "BUY", fill.c.price - expected), else_=expected - fill.c.price)
    cost = worse * fill.c.quantity * func.coalesce(held.c.multiplier, 100)
    joined = fill.outerjoin(order, order.c.id == fill.c.order_id).outerjoin(held, held.c.id == fill.c.position_id)
    query = select(func.count(), func.sum(fill.c.commission), func.sum(cost)).select_from(joined)
    ours = or_(fill.c.order_id.is_not(None), fill.c.position_id.is_not(None))
    number, fees, slipped = connection.execute(query.where(ours, fill.c.executed_at.between(start, end))).one()
    elsewhere = select(func.sum(held.c.elsewhere_commission)).where(held.c.elsewhere_at.between(start, end))
    paid = int(fees or 0) + int(connection.execute(elsewhere).scalar() or 0)
    return int(number), from_units(paid), None if slipped is None else from_units(int(slipped))
