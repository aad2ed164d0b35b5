"""What one New York day came to, in the counts that the page shows; money as `bot.store.read.money` defines it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, func, or_, select

from bot.store.read.money import DayMoney, bounds, money_of_day, slippage_of_day
from bot.store.read.reading import columns_of, read
from bot.store.tables.execution import EXECUTION
from bot.store.values import time_text


@dataclass(frozen=True, slots=True)
class DayCounters:
    """What one New York day came to. `slippage` is dollars paid against the mid at decision (a stop: against its stop
    price), None before the first fill that can be compared, `slippage_percent` that of the premium. Of what others at
    the account did, only the fees count of sales that took contracts of ours."""

    closed: int
    wins: int
    realized: Decimal
    executions: int
    fees: Decimal
    slippage: Decimal | None
    slippage_percent: Decimal | None = None


def counters(connection: Connection, day: date, known: DayMoney | None = None) -> DayCounters:
    """Return what a New York day came to so far; `known`: its money where that was read already."""
    money, slipped = known or money_of_day(connection, day), slippage_of_day(connection, day)
    return DayCounters(
        money.closed,
        money.wins,
        money.realized,
        _executions(connection, day),
        money.fees,
        slipped.dollars if slipped else None,
        slipped.percent if slipped else None,
    )


def _executions(connection: Connection, day: date) -> int:
    fill = EXECUTION.c
    start, end = (time_text(at) for at in bounds(day))
    ours = or_(fill.order_id.is_not(None), fill.position_id.is_not(None))
    found = connection.execute(
        select(func.count()).select_from(EXECUTION).where(ours, fill.executed_at.between(start, end))
    )
    return int(found.scalar() or 0)


@dataclass(frozen=True, slots=True)
class _FillRow:
    executed_at: datetime
    side: str
    quantity: int
    price: Decimal
    contract_key: str


@dataclass(frozen=True, slots=True)
class DayFill:
    """An order's fills of a day as one: when the first of them was, contracts, mean price a share."""

    at: datetime
    side: str
    quantity: int
    price: Decimal
    contract_key: str


def fills_of_day(connection: Connection, day: date, most: int = 200) -> list[DayFill]:
    """Return what was bought and sold of positions of ours on a New York day, the latest `most` executions of it, those
    of one contract, side and minute together; oldest first."""
    fill = EXECUTION.c
    start, end = (time_text(at) for at in bounds(day))
    query = columns_of(_FillRow, EXECUTION).where(fill.position_id.is_not(None), fill.executed_at.between(start, end))
    rows = read(connection, _FillRow, query.order_by(fill.executed_at.desc()).limit(most))[::-1]
    found: dict[tuple[str, str, str], DayFill] = {}
    for row in rows:
        key = (row.contract_key, row.side, f"{row.executed_at:%H:%M}")
        known = found.get(key)
        quantity = row.quantity + (known.quantity if known else 0)
        paid = row.price * row.quantity + (known.price * known.quantity if known else 0)
        at = known.at if known else row.executed_at
        found[key] = DayFill(at, row.side, quantity, paid / quantity if quantity else row.price, row.contract_key)
    return list(found.values())
