"""The venue's executions: each is booked into the account and its order, numbered, and at times corrected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bot.sim.account import Account, commission
from bot.sim.vocabulary import Side, VenueExecution, VenueOrder


class Executions:
    """Everything that was executed, oldest first."""

    def __init__(self, seed: int, account: Account) -> None:
        self._prefix = f"{0xE000 + seed % 0x1000:08x}"
        self._account = account
        self._all: list[VenueExecution] = []
        self._of_order: Counter[int] = Counter()

    def all(self) -> list[VenueExecution]:
        return list(self._all)

    def book(self, order: VenueOrder, quantity: int, price: Decimal, now: datetime) -> VenueExecution:
        """Execute `quantity` of an order at `price` per share, in its account and in the order itself."""
        ticket, before = order.ticket, order.filled
        fee = commission(ticket.instrument, ticket.side, before, before + quantity)
        realized = self._account.book(ticket.instrument, ticket.side, quantity, price, fee)
        order.average_price = (order.average_price * before + price * quantity) / (before + quantity)
        order.filled += quantity
        order.last_fill_price = price
        order.commission += fee
        number = self._of_order[order.perm_id] + 1
        execution = VenueExecution(
            exec_id=f"{self._prefix}.{order.perm_id:08x}.{number:02x}.01",
            perm_id=order.perm_id,
            order_id=ticket.order_id,
            client_id=ticket.client_id,
            order_ref=ticket.order_ref,
            instrument=ticket.instrument,
            side=ticket.side,
            quantity=quantity,
            price=price,
            cumulative=order.filled,
            average_price=order.average_price,
            at=now,
            commission=fee,
            realized_pnl=realized,
        )
        self._append(execution)
        return execution

    def correct_last(self, by: Decimal) -> VenueExecution | None:
        """Change the latest execution's price by `by` dollars a share; None where there is none.

        As an exchange does that found a price wrong: the id keeps all but its last part, which is counted up.
        """
        if not self._all:
            return None
        before = self._all[-1]
        base, _, revision = before.exec_id.rpartition(".")
        after = replace(before, exec_id=f"{base}.{int(revision) + 1:02x}", price=before.price + by)
        self._all[-1] = after
        sign = 1 if after.side is Side.BUY else -1
        self._account.adjust(after.instrument.con_id, -sign * by * after.quantity * after.instrument.multiplier)
        return after

    def restore(self, saved: Iterable[VenueExecution]) -> None:
        self._all.clear()
        self._of_order.clear()
        for each in saved:
            self._append(each)

    def _append(self, execution: VenueExecution) -> None:
        self._all.append(execution)
        self._of_order[execution.perm_id] += 1
