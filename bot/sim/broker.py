"""The venue as a broker port, without a socket: what replay and in-process tests trade on.

Same market model, same matching engine, same events as through TWS; only the wire is missing. It is pumped by hand, so
two runs with one seed see the same quotes at the same moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.domain.errors import BrokerError, BrokerUnavailable, OrderRejected
from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.order import OrderTicket
from bot.engine.state.ports import Clock, Sink
from bot.sim import broker_data, engine_facts
from bot.sim.account_stream import AccountStream
from bot.sim.client_stream import ClientStream
from bot.sim.client_view import ClientView
from bot.sim.hours import USUAL
from bot.sim.naming import Names
from bot.sim.order_ids import ClientOrderIds
from bot.sim.vocabulary import Side, SimulatedVenue, VenueTicket


class SimBroker:
    """Implements the engine's Broker port on a `SimulatedVenue`. `pump` sends market data and account values."""

    client_id = 17

    def __init__(
        self, simulated: SimulatedVenue, clock: Clock, sink: Sink, bot_id: str, names: Names | None = None
    ) -> None:
        self._clock = clock
        self._sink = sink
        self._bot_id = bot_id
        self.ids = ClientOrderIds()
        self._qualified: set[str] = set()
        self._held_lines: dict[tuple[str, str], str] = {}
        self.account_stream = AccountStream(clock, sink)
        self._up = False
        self._stand_at(simulated, names or Names(simulated.venue.market))
        self.account = self._venue.account_id

    def _stand_at(self, simulated: SimulatedVenue, names: Names) -> None:
        self._simulated, self._venue, self._names = simulated, simulated.venue, names
        self._view = ClientView(self.client_id, names, self.ids, self._clock, self._sink)
        self.stream = ClientStream(simulated.venue, names, self._clock, self._sink)

    async def start(self) -> None:
        if self._up:
            return
        self.listen()
        now = self._clock.now()
        self._sink(BrokerTimeTold(now, now, now, self._clock.steady_s()))
        self._sink(LinkChanged(LinkChange.CONNECTING, "in process", now))
        self._sink(LinkChanged(LinkChange.ACCEPTED, f"account {self.account}", now))

    def listen(self) -> None:
        """Be connected without a word about it."""
        self._up = True
        self._simulated.listeners.append(self._view.hear)

    async def stop(self) -> None:
        """Be no longer connected, without a word about it."""
        if self._up:
            self._up = False
            self._simulated.listeners.remove(self._view.hear)

    def reserve_order_ids(self, at_least: int) -> None:
        self.ids.reserve(at_least, self._venue.next_order_id(self.client_id))

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        self._qualified.update(contracts)

    # ---- orders

    def submit(self, ticket: OrderTicket) -> int:
        order_id = self.take_order_id(ticket)
        self.amend(replace(ticket, order_id=order_id))
        return order_id

    def amend(self, ticket: OrderTicket) -> None:
        order_id = ticket.order_id or self.ids.of_ref(ticket.order_ref)
        if order_id is None:
            raise OrderRejected(f"{ticket.order_ref} has no order id of ours to amend")
        placed = self._venue_ticket(ticket, order_id)
        self._simulated.publish(self._venue.place(placed, self._clock.now()))

    def cancel(self, order_ref: str, order_id: int) -> None:
        self._may_send(order_ref, order_id)
        self.ids.owns(order_id, order_ref)
        self._simulated.publish(self._venue.cancel(self.client_id, order_id, self._clock.now()))

    def take_order_id(self, ticket: OrderTicket) -> int:
        """Return the id under which a ticket may go out, its own or the next, which nobody gets again; raises as
        `submit`."""
        order_id = self._venue_ticket(ticket, ticket.order_id or self.ids.next).order_id
        self.ids.take(order_id, ticket.order_ref)
        return order_id

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        now = self._clock.now()
        try:
            answer = self._venue.what_if(self._venue_ticket(ticket, 0, what_if=True), now)
        except BrokerError as error:
            return engine_facts.no_preview(signal_id, str(error), now)
        return engine_facts.preview(signal_id, answer, now)

    def _may_send(self, order_ref: str, order_id: int) -> None:
        """Raise BrokerUnavailable or, when the id is another order's, OrderRejected."""
        if not self._up:
            raise BrokerUnavailable("not connected")
        self.ids.check(order_id, order_ref)

    def _venue_ticket(self, ticket: OrderTicket, order_id: int, *, what_if: bool = False) -> VenueTicket:
        """Return what goes out; raises as `submit`, and then nothing did."""
        self._may_send(ticket.order_ref, order_id)
        instrument = self._names.find(ticket.contract_key) if ticket.contract_key in self._qualified else None
        if instrument is None:
            raise OrderRejected(f"{ticket.contract_key.strip()} is not qualified at the broker")
        return VenueTicket(
            client_id=self.client_id,
            order_id=order_id,
            instrument=instrument,
            side=Side(ticket.side.value),
            quantity=ticket.terms.quantity,
            order_type=ticket.order_type.value,
            limit_price=ticket.terms.limit_price,
            aux_price=ticket.terms.stop_price,
            order_ref=ticket.order_ref,
            account=self.account,
            what_if=what_if,
            good_after=ticket.good_after,
        )

    async def snapshot(self) -> BrokerSnapshot:
        return self._view.book(self._venue) if self._up else self._view.no_book()

    # ---- market data

    def subscribe(self, wanted: Subscribe) -> None:
        self._qualified.update(self.stream.subscribe(wanted))
        before, self._held_lines = self._held_lines, broker_data.held_lines(wanted)
        for told in broker_data.lines_told(before, self._held_lines, self.stream.keys, self._clock.now()):
            self._sink(told)

    def ask_chains(self, symbols: Sequence[str]) -> None:
        if self._up:
            self.stream.tell_chains(symbols)

    def ask_quotes(self, keys: Sequence[str]) -> None:
        if self._up:
            self.stream.tell_quotes(keys)

    def ask_hours(self, keys: Sequence[str]) -> None:
        if self._up:
            self.stream.tell_hours(keys, USUAL)

    def pump(self) -> None:
        """See `ClientStream.pump`; then the account now and then."""
        self.stream.pump()
        self.account_stream.pump(self._venue, self._names)
