"""What one client of the venue is told, as TWS tells it: of its own orders and fills alone, and of what the account
holds whoever traded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.events import Event
from bot.domain.events.account import BookFault, BookPart, BrokerSnapshot, PositionTold
from bot.domain.events.orders import BrokerOrderView, CommissionReported, ExecutionReported, OrderReported
from bot.engine.state.ports import Clock, Sink
from bot.sim import engine_facts
from bot.sim.naming import Names
from bot.sim.order_ids import ClientOrderIds
from bot.sim.vocabulary import (
    Filled,
    OrderChanged,
    PositionChanged,
    Venue,
    VenueEvent,
    VenueOrder,
    VenuePosition,
    VenueRefused,
)


class ClientView:
    """`client_id` is whose view it is; what is told goes to `sink`."""

    def __init__(self, client_id: int, names: Names, ids: ClientOrderIds, clock: Clock, sink: Sink) -> None:
        self._client_id, self._names, self._ids = client_id, names, ids
        self._clock, self._sink = clock, sink

    def hear(self, events: Sequence[VenueEvent]) -> None:
        now = self._clock.now()
        for event in events:
            for fact in self._told(event, now):
                self._sink(fact)

    def _told(self, event: VenueEvent, now: datetime) -> Iterator[Event]:
        """Yield what the client hears of something that happened."""
        if isinstance(event, OrderChanged) and event.order.ticket.client_id == self._client_id:
            yield OrderReported(self._order(event.order, now))
        elif isinstance(event, Filled) and event.execution.client_id == self._client_id:
            yield ExecutionReported(engine_facts.execution(event.execution, self._names))
            yield OrderReported(self._order(event.order, now))
            yield CommissionReported(event.execution.exec_id, event.execution.commission, now)
        elif isinstance(event, PositionChanged):
            yield from self._holds(event.position, now)
        elif isinstance(event, VenueRefused) and event.client_id == self._client_id:
            yield engine_facts.refused(event, self._ids.ref_of(event.order_id), now)

    def _holds(self, held: VenuePosition, now: datetime) -> Iterator[PositionTold]:
        """Of shares TWS's rows are read when they are asked for, and not before."""
        if held.instrument.sec_type == "OPT":
            yield PositionTold(self._names.key(held.instrument), held.quantity, now)

    def book(self, venue: Venue) -> BrokerSnapshot:
        """Return the whole book, complete. Asking for positions subscribes to them anew."""
        now, executions = self._clock.now(), venue.executions()
        for held in venue.positions():
            for fact in self._holds(held, now):
                self._sink(fact)
        completed = (self._order(order, now) for order in venue.completed_orders())
        return BrokerSnapshot(
            open_orders=[self._order(order, now) for order in venue.open_orders()],
            # TWS shows what is over with neither its order id nor its client's.
            completed_orders=[replace(view, order_id=0, client_id=0) for view in completed],
            executions=[engine_facts.execution(fill, self._names) for fill in executions],
            commissions={fill.exec_id: fill.commission for fill in executions},
            positions=[engine_facts.holding(held, self._names) for held in venue.positions()],
            next_order_id=self._ids.at_the_venue(venue.next_order_id(self._client_id)),
            complete=True,
            faults=(),
            at=now,
            asked_at=now,
        )

    def no_book(self) -> BrokerSnapshot:
        """Return what is known of it without a connection: nothing."""
        now = self._clock.now()
        faults = (BookFault(BookPart.OPEN_ORDERS, "not connected"),)
        return BrokerSnapshot((), (), (), {}, (), self._ids.next, False, faults, now, now)

    def _order(self, order: VenueOrder, now: datetime) -> BrokerOrderView:
        if order.ticket.client_id == self._client_id:
            self._ids.seen(order.ticket.order_id, order.ticket.order_ref)
        return engine_facts.order_view(order, self._names, now)
