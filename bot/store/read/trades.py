"""The journal of closed trades: filtered, sorted, page by page or as a stream, and as performance counts them.

P&L is `Position.realized_pnl`, as everywhere; the exit price is what the contracts brought in the mean, sold or
settled; best and worst are the highest bid of the position and its lowest sampled bid or sale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, func, literal_column, select, text

from bot.analytics.performance import ClosedTrade
from bot.domain.money import from_units
from bot.store.bounded import bounded
from bot.store.read.reading import first
from bot.store.tables.account_snapshot import ACCOUNT_SNAPSHOT
from bot.store.tables.execution import EXECUTION
from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from bot.store.values import parse_time
from bot.store.views import seconds_sql, slippage_sql

WON, LOST = "won", "lost"
STREAMED: Final = 500
"""Rows that a stream holds at a time."""
MOST_NAMED: Final = 400
"""Days that a query names; of more, whoever asked picks from all."""


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which closed trades are wanted; None: any. The days are New York's of the close, both included."""

    since: date | None = None
    until: date | None = None
    strategy: str | None = None
    symbol: str | None = None
    reason: str | None = None
    result: str | None = None
    days: tuple[str, ...] | None = None
    """Only trades of these New York days."""

    def takes(self, trade: ClosedTrade) -> bool:
        """Say of a trade that was read already what the query says of its row."""
        return (
            (self.since is None or trade.day >= self.since)
            and (self.until is None or trade.day <= self.until)
            and self.strategy in {None, trade.strategy}
            and self.symbol in {None, trade.symbol}
            and self.reason in {None, trade.reason}
            and (self.days is None or trade.day.isoformat() in self.days)
            and (self.result not in {WON, LOST} or (trade.pnl > 0 if self.result == WON else trade.pnl < 0))
        )


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One closed trade. Prices a share; `best` and `worst` a share as well, None where nothing was sampled."""

    id: str
    signal_id: str | None
    strategy: str
    symbol: str
    contract_key: str
    contracts: int
    entry_price: Decimal
    exit_price: Decimal | None
    premium: Decimal
    fees: Decimal
    pnl: Decimal
    opened_at: datetime
    closed_at: datetime
    day: date
    reason: str
    best: Decimal | None
    worst: Decimal | None

    @property
    def held(self) -> timedelta:
        return self.closed_at - self.opened_at

    @property
    def part(self) -> Decimal | None:
        """The P&L as a fraction of the premium."""
        return self.pnl / self.premium if self.premium else None

    def excursion(self, price: Decimal | None) -> Decimal | None:
        """Return a price as a fraction of the entry: 0.5 is half again as much."""
        return price / self.entry_price - 1 if price is not None and self.entry_price else None


_P: Final = POSITION.c
_NEWEST: Final = "closed"
_LOWEST_SALE: Final = (
    select(func.min(EXECUTION.c.price))
    .where(EXECUTION.c.position_id == _P.id, EXECUTION.c.side == "SELL")
    .scalar_subquery()
)
_SLIPPED_BY_TRADE: Final = text(
    f"""
SELECT position_id, SUM(slippage) FROM ({slippage_sql()}) s WHERE position_id IS NOT NULL GROUP BY position_id
"""  # noqa: S608  (the pieces are our own constants)
)


def _lowest(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Return the lowest sampled bid or sale of each of some positions, in units."""
    mark, fill = POSITION_MARK.c, EXECUTION.c
    bids = select(mark.position_id, func.min(mark.bid)).where(mark.position_id.in_(ids)).group_by(mark.position_id)
    sales = select(fill.position_id, func.min(fill.price)).where(fill.position_id.in_(ids), fill.side == "SELL")
    found: dict[str, int] = {}
    for query in (bids, sales.group_by(fill.position_id)):
        for known, low in connection.execute(query):
            if low is not None:
                found[known] = min(int(low), found.get(known, int(low)))
    return found


def _sorts(dialect: str) -> Mapping[str, ColumnElement[Any]]:
    return {
        _NEWEST: _P.closed_at,
        "contract": _P.contract_key,
        "pnl": _P.realized_pnl,
        "part": _P.realized_pnl * 1.0 / func.nullif(_P.entry_value * _P.multiplier, 0),
        "contracts": _P.entry_quantity,
        "held": literal_column(seconds_sql(dialect, "position.opened_at", "position.closed_at")),
        "best": _P.high * 1.0 / func.nullif(_P.entry_price, 0),
        "reason": _P.close_reason,
        "strategy": _P.strategy,
    }


SORTS: Final = frozenset(_sorts("sqlite"))
"""By what the journal can be sorted; the lowest price is a question of its own for each row and is not among them."""


def found_trades(
    connection: Connection, wanted: TradeFilter, limit: int, skip: int = 0, sort: str = _NEWEST, *, down: bool = True
) -> list[TradeRow]:
    """Return closed trades that pass a filter, sorted; the newest first where the sort leaves it open."""
    query = _sorted(connection, _narrowed(_columns(), wanted), sort, down=down)
    return _trades(connection, connection.execute(query.limit(limit).offset(skip)).all())


def each_trade(
    connection: Connection, wanted: TradeFilter, sort: str = _NEWEST, *, down: bool = True
) -> Iterator[TradeRow]:
    """Yield every closed trade that passes a filter, in constant memory."""
    query = _sorted(connection, _narrowed(_columns(), wanted), sort, down=down)
    for rows in connection.execute(query, execution_options={"yield_per": STREAMED}).partitions():
        yield from _trades(connection, rows)


def closed_trades(connection: Connection, wanted: TradeFilter) -> list[ClosedTrade]:
    """Return closed trades as performance counts them, oldest first."""
    columns = (_P.id, _P.strategy, _P.symbol, _P.entry_quantity, cast(_P.entry_value * _P.multiplier, Integer),
               _P.realized_pnl, _P.commissions, _P.opened_at, _P.closed_at, _P.session_day,
               _P.close_reason, _P.entry_price, _P.high, _P.low, _LOWEST_SALE)  # fmt: skip
    query = _narrowed(select(*columns), wanted).order_by(_P.closed_at, _P.id)
    return [
        ClosedTrade(
            row[0], row[1], row[2], row[3], _quick(row[4]), _quick(row[5]), _quick(row[6]),
            parse_time(row[7]), parse_time(row[8]), date.fromisoformat(row[9]), row[10] or "",
            _part(row[12], row[11]), _part(min((low for low in row[13:15] if low is not None), default=None), row[11]),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _part(price: int | None, entry: int) -> Decimal | None:
    """Return how far a price is from the entry's, as a fraction of that."""
    return Decimal(price) / entry - 1 if price and entry else None


def with_slippage(connection: Connection, trades: Sequence[ClosedTrade]) -> list[ClosedTrade]:
    """Return trades with what their orders cost against the mid at their decision, where that was measured."""
    paid = {row[0]: from_units(round(row[1])) for row in connection.execute(_SLIPPED_BY_TRADE) if row[1] is not None}
    return [replace(trade, slippage=paid[trade.id]) if trade.id in paid else trade for trade in trades]


def _quick(units: int) -> Decimal:
    return Decimal(units).scaleb(-4)  # thousands of them for one page: written as neatly as `from_units` when shown


def equity_before(connection: Connection, day: date) -> Decimal | None:
    """Return the account's equity before a day: what its first reading of that day or later began from. None before
    the first reading."""
    table = ACCOUNT_SNAPSHOT.c
    later = select(table.net_liquidation, table.day_pnl).where(
        table.day >= day.isoformat(), table.net_liquidation.is_not(None)
    )
    found = first(list(connection.execute(later.order_by(table.day, table.at).limit(1))))
    return None if found is None else from_units(int(found[0]) - int(found[1] or 0))


def days_seen(connection: Connection, since: date | None) -> list[date]:
    """Return the New York days on which the account was read: the days on which the bot traded or could have."""
    day = ACCOUNT_SNAPSHOT.c.day
    query = select(day).distinct().order_by(day)
    return [date.fromisoformat(found) for found in connection.execute(_since(query, day, since)).scalars()]


def _since(query: Select[Any], column: ColumnElement[Any], since: date | None) -> Select[Any]:
    return query if since is None else query.where(column >= since.isoformat())


def _columns() -> Select[Any]:
    brought = _P.exit_value + _P.settled_value
    return select(
        _P.id, _P.signal_id, bounded(_P.strategy), _P.symbol, bounded(_P.contract_key), _P.entry_quantity,
        _P.entry_price, brought, _P.exit_quantity + _P.settled_quantity, _P.entry_value * _P.multiplier,
        _P.commissions, _P.realized_pnl, _P.opened_at, _P.closed_at, _P.session_day, _P.close_reason, _P.high,
    )  # fmt: skip


def _trades(connection: Connection, rows: Sequence[Any]) -> list[TradeRow]:
    lowest = _lowest(connection, [row[0] for row in rows])
    return [_trade(row, lowest.get(row[0])) for row in rows]


def _trade(row: Any, lowest: int | None) -> TradeRow:
    left = int(row[8] or 0)
    entry = from_units(int(row[6]))
    return TradeRow(
        row[0], row[1], row[2], row[3], row[4], int(row[5]), entry,
        from_units(round(int(row[7]) / left)) if left else None,
        from_units(int(row[9])), from_units(int(row[10])), from_units(int(row[11])), parse_time(row[12]),
        parse_time(row[13]), date.fromisoformat(row[14]), row[15] or "",
        from_units(int(row[16])) if row[16] else None, None if lowest is None else from_units(lowest),
    )  # fmt: skip


def _narrowed(query: Select[Any], wanted: TradeFilter) -> Select[Any]:
    query = query.where(_P.session_day.is_not(None), _P.closed_at.is_not(None))
    query = _since(query, _P.session_day, wanted.since)
    if wanted.until is not None:
        query = query.where(_P.session_day <= wanted.until.isoformat())
    if wanted.days is not None and len(wanted.days) <= MOST_NAMED:
        query = query.where(_P.session_day.in_(wanted.days))
    for column, value in ((_P.strategy, wanted.strategy), (_P.symbol, wanted.symbol), (_P.close_reason, wanted.reason)):
        if value is not None:
            query = query.where(column == value)
    if wanted.result == WON:
        return query.where(_P.realized_pnl > 0)
    return query.where(_P.realized_pnl < 0) if wanted.result == LOST else query


def _sorted(connection: Connection, query: Select[Any], sort: str, *, down: bool) -> Select[Any]:
    if sort == _NEWEST and down:
        return query.order_by(_P.closed_at.desc(), _P.id.desc())  # as the index has it
    column = _sorts(connection.dialect.name)[sort]
    order = column.desc() if down else column.asc()
    return query.order_by(order, _P.closed_at.desc(), _P.id.desc())
