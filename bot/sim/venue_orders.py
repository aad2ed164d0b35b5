"""The orders of the venue: which there are, which of them live, in what order they ended, what number comes next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from bot.sim.admission import Refusal
from bot.sim.order_terms import first_stop
from bot.sim.scenario import NEW_YORK
from bot.sim.venue_state import Working, encode_state
from bot.sim.vocabulary import LIVE, OrderChanged, Status, VenueEvent, VenueOrder, VenueRefused, VenueTicket

CANCELLED: Final = "Order Canceled - reason:"
_FIRST_PERM_ID: Final = 1_830_000_001
_FIRST_DAY: Final = date(2026, 11, 20)
_PERM_IDS_A_DAY: Final = 100_000
_PERM_IDS: Final = 2_147_400_000  # as at TWS they fit into 32 bits with a sign


class VenueOrders:
    """See the module. `latency` passes until the exchange has what it was sent."""

    def __init__(self, latency: timedelta) -> None:
        self.latency = latency
        self._all: dict[tuple[int, int], Working] = {}
        self._live: dict[tuple[int, int], Working] = {}
        self._completed: list[VenueOrder] = []
        self._next_perm_id = 0
        self._next_ids: dict[int, int] = {}

    # -- which there are

    def of(self, client_id: int, order_id: int) -> Working | None:
        return self._all.get((client_id, order_id))

    def with_perm_id(self, perm_id: int) -> VenueOrder:
        return next(work.order for work in self._all.values() if work.order.perm_id == perm_id)

    def but(self, order: VenueOrder | None) -> list[VenueOrder]:
        """Return all orders but one."""
        return [work.order for work in self._all.values() if work.order is not order]

    def live(self) -> list[Working]:
        return list(self._live.values())

    def completed(self) -> list[VenueOrder]:
        return list(self._completed)

    def in_turn(self) -> Iterator[Working]:
        """Yield what lives in the order of the permanent ids; what ended since the first was yielded is passed over."""
        for key in sorted(self._live, key=lambda each: self._live[each].order.perm_id):
            work = self._live.get(key)
            if work is not None:
                yield work

    def children(self, ticket: VenueTicket) -> list[Working]:
        key = (ticket.client_id, ticket.order_id)
        return [w for w in self._live.values() if (w.order.ticket.client_id, w.order.ticket.parent_id) == key]

    def waits(self, work: Working) -> bool:
        """Say whether the order is a child whose parent is still working."""
        ticket = work.order.ticket
        return bool(ticket.parent_id) and (ticket.client_id, ticket.parent_id) in self._live

    # -- in and out

    def next_id(self, client_id: int) -> int:
        return self._next_ids.get(client_id, 1)

    def note_id(self, client_id: int, order_id: int) -> None:
        """A client has used a number: its next one is higher."""
        self._next_ids[client_id] = max(self.next_id(client_id), order_id + 1)

    def accept(self, ticket: VenueTicket, now: datetime) -> Working:
        """Return an order with a permanent id of its own; `keep` puts it among the others."""
        perm_id = max(self._next_perm_id, first_perm_id(now.astimezone(NEW_YORK).date()))
        self._next_perm_id = perm_id + 1
        status = Status.PRE_SUBMITTED if ticket.transmit else Status.PENDING_SUBMIT
        order = VenueOrder(ticket, perm_id, status, now, now + self.latency, stop_price=first_stop(ticket))
        return Working(order, transmitted=ticket.transmit)

    def keep(self, work: Working) -> None:
        key = (work.order.ticket.client_id, work.order.ticket.order_id)
        self._all[key] = self._live[key] = work

    def keep_rejected(self, work: Working, refusal: Refusal, now: datetime) -> list[VenueEvent]:
        order = work.order
        self._all[order.ticket.client_id, order.ticket.order_id] = work
        order.status = Status.INACTIVE
        order.reject_code, order.reject_text = refusal
        order.completed_at = now
        self._completed.append(order)
        return [refused(order.ticket, refusal), changed(order)]

    def complete(self, work: Working, now: datetime) -> None:
        ticket = work.order.ticket
        work.order.completed_at = now
        del self._live[ticket.client_id, ticket.order_id]
        self._completed.append(work.order)

    def end(self, work: Working, now: datetime, text: str, code: int = 202) -> list[VenueEvent]:
        """Cancel what is left of an order, and the children that waited for it in vain."""
        order = work.order
        order.status = Status.CANCELLED
        self.complete(work, now)
        events: list[VenueEvent] = [refused(order.ticket, Refusal(code, text)), changed(order)]
        if order.filled == 0:
            for child in self.children(order.ticket):
                events += self.end(child, now, f"{CANCELLED}The parent order was cancelled.")
        return events

    # -- restart

    def saved(self) -> dict[str, Any]:
        return {
            "orders": encode_state(list(self._all.values())),
            "completed": [[o.ticket.client_id, o.ticket.order_id] for o in self._completed],
            "next_perm_id": self._next_perm_id,
            "next_ids": [[client, number] for client, number in self._next_ids.items()],
        }

    def restore(self, orders: list[Working], state: dict[str, Any]) -> None:
        """Go on with orders of an earlier start and the rest of what it `saved`."""
        self._all = {(w.order.ticket.client_id, w.order.ticket.order_id): w for w in orders}
        self._live = {key: work for key, work in self._all.items() if work.order.status in LIVE}
        self._completed = [self._all[client, number].order for client, number in state["completed"]]
        self._next_perm_id = state["next_perm_id"]
        self.restore_ids(state)

    def restore_ids(self, state: dict[str, Any]) -> None:
        """Go on with the clients' numbers only, as a new session does."""
        self._next_ids = dict(state["next_ids"])


def first_perm_id(day: date) -> int:
    """Return the permanent id of a day's first order. TWS never gives one twice, so a venue that is built anew for each
    day must not either; the execIds follow, for they are made of them."""
    return (_FIRST_PERM_ID + (day - _FIRST_DAY).days * _PERM_IDS_A_DAY) % _PERM_IDS


def refused(ticket: VenueTicket, refusal: Refusal) -> VenueRefused:
    return VenueRefused(ticket.client_id, ticket.order_id, refusal.code, refusal.text)


def changed(order: VenueOrder) -> OrderChanged:
    """Report an order as it is now: events keep a copy, for the order itself goes on changing."""
    return OrderChanged(replace(order))
