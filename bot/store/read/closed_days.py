"""Closed trades kept by the New York day of their close, for who asks again and again: the page.

Context: performance and journal count thousands of trades that have not changed for months. Decision: a day whose count
and sums stand as they did is not read again; the sums are one look into an index. Consequence: a day that is over and
yet changes (a settlement told late, a corrected commission) is read anew by itself, and nobody has to say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Final

from sqlalchemy import Connection, func, select

from bot.analytics.performance import ClosedTrade
from bot.store.read.trades import TradeFilter, closed_trades
from bot.store.tables.position import POSITION

DayStamp = tuple[str, int, int, int, str]
_P: Final = POSITION.c
_STAMPS: Final = (
    select(_P.session_day, func.count(), func.sum(_P.realized_pnl), func.sum(_P.commissions), func.max(_P.closed_at))
    .where(_P.session_day.is_not(None), _P.closed_at.is_not(None))
    .group_by(_P.session_day)
    .order_by(_P.session_day)
)


@dataclass(frozen=True, slots=True)
class ClosedBook:
    """Every closed trade, oldest first; two with the same `stamp` are the same."""

    trades: tuple[ClosedTrade, ...]
    stamp: tuple[DayStamp, ...]

    def of(self, wanted: TradeFilter) -> list[ClosedTrade]:
        """Return the trades that pass a filter, oldest first."""
        return [trade for trade in self.trades if wanted.takes(trade)]

    def choices(self) -> dict[str, list[str]]:
        """Return what the trades can be filtered by: their strategies, symbols and exit reasons."""
        return {name: sorted({getattr(trade, name) for trade in self.trades} - {""})
                for name in ("strategy", "symbol", "reason")}  # fmt: skip


class ClosedDays:
    """What was read of closed days so far; safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, tuple[DayStamp, list[ClosedTrade]]] = {}
        self._book = ClosedBook((), ())

    def book(self, connection: Connection) -> ClosedBook:
        """Return every closed trade as the store has it now; only days that changed are read."""
        stamps = tuple((row[0], int(row[1]), int(row[2]), int(row[3]), row[4]) for row in connection.execute(_STAMPS))
        with self._lock:
            if stamps != self._book.stamp:
                self._read(connection, stamps)
                trades = tuple(trade for stamp in stamps for trade in self._known[stamp[0]][1])
                self._book = ClosedBook(trades, stamps)
            return self._book

    def _read(self, connection: Connection, stamps: tuple[DayStamp, ...]) -> None:
        known = self._known
        changed = [stamp for stamp in stamps if known.get(stamp[0], (None,))[0] != stamp]
        found: dict[str, list[ClosedTrade]] = {stamp[0]: [] for stamp in changed}
        for trade in closed_trades(connection, TradeFilter(days=tuple(found))):
            if (day := trade.day.isoformat()) in found:
                found[day].append(trade)
        kept = {stamp[0]: known[stamp[0]] for stamp in stamps if stamp[0] not in found}
        self._known = kept | {stamp[0]: (stamp, found[stamp[0]]) for stamp in changed}
