"""What is counted over the whole day, kept with every change instead of counted anew by every tick.

| counted | asked by |
|---|---|
| orders by the moment of their birth | order rate and rejections of the last minutes |
| entries by symbol | whether the broker takes none on it |
| orders of which executions are missing | when the book is asked for again |
| orders that the broker owes a word on, and those in doubt | overdue orders, when the book is asked for again |
| positions that are over, by their end | losses in a row, worth since the account was told |
| positions that are over whose shares or official close are still to come | entries on the symbol, market data lines |

The ledger tells of each change; `counted_anew` is the same from nothing, for a start and for whoever doubts it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from bot.domain.instruments import symbol_of_key
from bot.domain.order import Order, OrderState, Purpose
from bot.domain.position import Position, Settlement

UNSETTLED: Final = frozenset({OrderState.INTENT, OrderState.SUBMITTED, OrderState.CANCELLING, OrderState.UNKNOWN})
"""The states of an order in which the broker owes a word on it."""
_CLOSE_TO_COME = frozenset({Settlement.PENDING, Settlement.SEEN})
E = TypeVar("E", Order, Position)


@dataclass(slots=True)
class Tallies:
    """Written by the ledger alone."""

    unseen: dict[str, Order] = field(default_factory=dict)  # orders of which executions are missing
    awaiting: dict[str, Order] = field(default_factory=dict)  # orders that the broker owes a word on
    in_doubt: dict[str, Order] = field(default_factory=dict)
    _born: list[tuple[datetime, str, Order]] = field(default_factory=list)
    _entries: dict[str, list[Order]] = field(default_factory=lambda: defaultdict(list))  # by symbol, as they were born
    _ended: list[tuple[datetime, str, Position]] = field(default_factory=list)
    _ended_at: dict[str, datetime] = field(default_factory=dict)
    _delivered: dict[str, dict[str, Position]] = field(default_factory=lambda: defaultdict(dict))  # by symbol
    _close_to_come: dict[str, Position] = field(default_factory=dict)
    _keys: Counter[str] = field(default_factory=Counter)  # contracts of positions that are over
    _over: set[str] = field(default_factory=set)

    # ---- told by the ledger

    def order_born(self, order: Order) -> None:
        insort(self._born, (order.created_at, order.id, order))
        if order.purpose is Purpose.ENTRY:
            self._entries[symbol_of_key(order.contract_key)].append(order)
        self.order_changed(order)

    def order_changed(self, order: Order) -> None:
        _keep_if(self.unseen, order, bool(order.unseen))
        alive = not order.is_done
        _keep_if(self.awaiting, order, alive and (order.state in UNSETTLED or order.wanted is not None))
        _keep_if(self.in_doubt, order, alive and order.state is OrderState.UNKNOWN)

    def position_over(self, position: Position) -> None:
        """Take in a position that is over, or what has changed of it since."""
        if position.id not in self._over:
            self._over.add(position.id)
            self._keys[position.key] += 1
        self._sort_by_end(position)
        delivered = self._delivered[position.contract.symbol]
        _keep_if(delivered, position, position.shares_before is not None)
        _keep_if(self._close_to_come, position, position.settlement in _CLOSE_TO_COME)

    def _sort_by_end(self, position: Position) -> None:
        known, now = self._ended_at.get(position.id), position.closed_at
        if known == now:
            return
        if known is not None:
            del self._ended[bisect_left(self._ended, (known, position.id))]
            del self._ended_at[position.id]
        if now is not None:
            insort(self._ended, (now, position.id, position))
            self._ended_at[position.id] = now

    # ---- asked

    def orders_since(self, moment: datetime) -> list[Order]:
        """Return the orders that were born at `moment` or later."""
        return [order for _, _, order in self._born[bisect_left(self._born, (moment,)) :]]

    def entries_on(self, symbol: str) -> Iterator[Order]:
        """Yield the entries on a symbol, the youngest first."""
        return reversed(self._entries.get(symbol, ()))

    def latest_ended(self) -> Iterator[Position]:
        """Yield the positions that are over, the one that ended last first."""
        return (position for _, _, position in reversed(self._ended))

    def ended_since(self, moment: datetime) -> list[Position]:
        """Return the positions that ended at `moment` or later."""
        return [position for _, _, position in self._ended[bisect_left(self._ended, (moment,)) :]]

    def delivered_on(self, symbol: str) -> Iterable[Position]:
        """Return the positions that are over and whose delivered shares may still be in the account."""
        found = self._delivered.get(symbol)
        return found.values() if found else ()

    @property
    def closes_to_come(self) -> Iterable[Position]:
        """Return the positions that are over and wait for their underlying's official close."""
        return self._close_to_come.values()

    def has_held(self, key: str) -> bool:
        return key in self._keys


def counted_anew(orders: Iterable[Order], over: Iterable[Position]) -> Tallies:
    """Return the tallies of orders in the order of their birth and of positions that are over."""
    tallies = Tallies()
    for order in orders:
        tallies.order_born(order)
    for position in over:
        tallies.position_over(position)
    return tallies


def _keep_if(kept: dict[str, E], entity: E, is_so: bool) -> None:
    if is_so:
        kept[entity.id] = entity
    else:
        kept.pop(entity.id, None)
