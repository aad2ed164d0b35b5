"""Where an order is found: by the broker's names of it, by what it is for, by what it may still do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from bot.domain.order import Order, OrderSide, Purpose
from bot.engine.state.tallies import UNSETTLED
from bot.engine.state.undo import NotedDict, Undo


class OrderIndex:
    """Kept true by the ledger with every change. `by_ref`: our reference; `by_perm`: the broker's permId; `open`: what
    may still fill, by id."""

    def __init__(self, undo: Undo) -> None:
        self.by_ref: dict[str, Order] = {}
        self.by_perm: dict[int, Order] = {}
        self.open: dict[str, Order] = NotedDict(undo)
        self._live_on: dict[tuple[str, OrderSide], dict[str, Order]] = defaultdict(dict)  # the open orders once more
        self._asked_keys: set[str] = set()  # contracts that an order of ours was ever for
        self._of_position: dict[str, list[Order]] = defaultdict(list)
        self._of_signal: dict[str, list[Order]] = defaultdict(list)

    # ---- told by the ledger

    def add(self, order: Order) -> None:
        """Take in an order that is new here."""
        self.by_ref[order.order_ref] = order
        self._asked_keys.add(order.contract_key)
        self.changed(order)
        self.named(order)
        if order.position_id:
            self._of_position[order.position_id].append(order)
        if order.signal_id and order.purpose is Purpose.ENTRY:
            self._of_signal[order.signal_id].append(order)

    def changed(self, order: Order) -> None:
        """Keep what is open true after a change."""
        on_contract = self._live_on[order.contract_key, order.side]
        if order.is_done:
            self.open.pop(order.id, None)
            on_contract.pop(order.id, None)
        else:
            self.open[order.id] = on_contract[order.id] = order

    def named(self, order: Order) -> None:
        """The broker may have told its permId."""
        if order.perm_id:
            self.by_perm[order.perm_id] = order

    def tie(self, order: Order, position_id: str) -> None:
        """An entry has made a position."""
        self._of_position[position_id].append(order)

    def begin_anew(self) -> None:
        """Forget everything but what is open: each order is added again."""
        derived: tuple[dict[Any, Any], ...] = (
            self.by_ref, self.by_perm, self._of_position, self._of_signal, self._live_on,
        )  # fmt: skip
        for index in derived:
            index.clear()
        self._asked_keys.clear()

    # ---- asked

    def find(self, reference: str, perm_id: int) -> Order | None:
        """Return the order that the broker speaks of: by our reference, by permId where it names none."""
        order = self.by_ref.get(reference)
        if order is None and perm_id and not reference:
            order = self.by_perm.get(perm_id)
        return order

    def live_on(self, key: str, side: OrderSide) -> list[Order]:
        """Return our orders on one side of a contract that may still fill."""
        return list(self._live_on.get((key, side), {}).values())

    def of_position(self, position_id: str) -> list[Order]:
        """Return the orders of a position as they were made."""
        return self._of_position.get(position_id, [])

    def entries_of(self, signal_id: str) -> list[Order]:
        """Return the entry orders of a signal as they were made."""
        return self._of_signal.get(signal_id, [])

    def awaiting_answer(self) -> Iterable[Order]:
        """Return the orders that the broker owes a word on."""
        return [o for o in self.open.values() if o.state in UNSETTLED or o.wanted is not None]

    def was_for(self, key: str) -> bool:
        """Say whether an order of ours that is remembered was ever for a contract."""
        return key in self._asked_keys
