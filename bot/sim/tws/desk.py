"""The order desk: holds what is not yet transmitted, hands the rest to the venue, and tells each client what happened.

The venue knows orders only once they are transmitted. An order with transmit=0 waits here until a member of its family
(itself, its parent, its children, or its siblings) comes with transmit=1; then the family goes out, parent first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from bot.sim.hours import EXCHANGE_ZONE
from bot.sim.tws import messages
from bot.sim.tws.order_messages import OrderView, completed_order, open_order, order_status
from bot.sim.tws.requests import PlaceOrder
from bot.sim.tws.tickets import Denial, read_ticket
from bot.sim.tws.wire import WireMessage
from bot.sim.vocabulary import (
    Filled,
    OrderChanged,
    PositionChanged,
    SimulatedVenue,
    Status,
    VenueEvent,
    VenueExecution,
    VenueOrder,
    VenuePosition,
    VenueRefused,
    VenueTicket,
)

LIVE_EXECUTION: Final = -1
# States that TWS reports by orderStatus alone, and those that it reaches without PreSubmitted before.
_STATUS_ONLY: Final = frozenset({Status.PENDING_CANCEL, Status.CANCELLED, Status.API_CANCELLED, Status.INACTIVE})
_NO_PRELUDE: Final = _STATUS_ONLY | {Status.PRE_SUBMITTED, Status.PENDING_SUBMIT}


class Client(Protocol):
    """A connection as the desk sees it."""

    client_id: int
    version: int

    def send(self, message: WireMessage) -> None: ...

    def error(self, req_id: int, code: int, text: str) -> None: ...

    def position_changed(self, position: VenuePosition) -> None: ...


class ClientDesk:
    """Orders of all clients. `clients` returns those that are connected; `master_client_id` hears of everyone's."""

    def __init__(
        self,
        simulated: SimulatedVenue,
        now: Callable[[], datetime],
        clients: Callable[[], Iterable[Client]],
        master_client_id: int | None = None,
    ) -> None:
        self._simulated = simulated
        self._venue = simulated.venue
        self._now = now
        self._clients = clients
        self._master = master_client_id
        self._held: dict[tuple[int, int], VenueTicket] = {}
        self._attributes: dict[tuple[int, int], Mapping[str, str]] = {}
        self._told: dict[int, tuple[Any, ...]] = {}

    def place(self, client: Client, request: PlaceOrder) -> None:
        """Place, modify, hold or preview one order of `client`."""
        now = self._now()
        ticket = read_ticket(request, client.client_id, self._venue.market, self._venue.account_id, now)
        if isinstance(ticket, Denial):
            client.error(request.order_id, ticket.code, ticket.text)
            return
        if ticket.what_if:
            self._preview(client, ticket, request.attributes, now)
            return
        self._attributes[_key(ticket)] = request.attributes
        if not ticket.transmit:
            self._held[_key(ticket)] = ticket
            return
        for member in self._family(ticket):
            self._transmit(client, member, now)

    def cancel(self, client: Client, order_id: int) -> None:
        """Cancel a held order here, a transmitted one at the venue."""
        ticket = self._held.pop((client.client_id, order_id), None)
        if ticket is None:
            self._simulated.publish(self._venue.cancel(client.client_id, order_id, self._now()))
            return
        untransmitted = VenueOrder(ticket, 0, Status.CANCELLED, self._now(), self._now())
        client.send(order_status(untransmitted, Status.CANCELLED))
        client.error(order_id, 202, "Order Canceled - reason:")

    def cancel_everything(self, client: Client) -> None:
        """Cancel every order of every client, held ones included."""
        for client_id, order_id in [*self._held]:
            holder = next((each for each in self._clients() if each.client_id == client_id), client)
            self.cancel(holder, order_id) if holder.client_id == client_id else self._held.pop((client_id, order_id))
        self._simulated.publish(self._venue.cancel_all(self._now()))

    def forget_held(self, client_id: int) -> None:
        """Drop what a client never transmitted: it does not survive its connection."""
        for key in [key for key in self._held if key[0] == client_id]:
            del self._held[key]

    def open_orders(self, client: Client, *, everyone: bool) -> list[WireMessage]:
        """Return (5, 3) for each open order of the client, or of all clients."""
        found = [order for order in self._venue.open_orders() if everyone or order.ticket.client_id == client.client_id]
        return [message for order in found for message in self._open(order, order.status, client.version)]

    def completed_orders(self, client: Client) -> list[WireMessage]:
        return [
            completed_order(self._view(order, order.status), order, self._account, EXCHANGE_ZONE, client.version)
            for order in self._venue.completed_orders()
        ]

    def on_events(self, events: Sequence[VenueEvent]) -> None:
        """Tell the clients concerned, in the order in which TWS would."""
        for event in events:
            match event:
                case OrderChanged(order):
                    self._order_changed(order)
                case Filled(order, fill):
                    self._filled(order, fill)
                case VenueRefused(client_id, order_id, code, text):
                    for client in self._audience(client_id):
                        client.error(order_id, code, text)
                case PositionChanged(position):
                    for client in self._clients():
                        client.position_changed(position)

    @property
    def _account(self) -> str:
        return self._venue.account_id

    def _audience(self, client_id: int) -> list[Client]:
        return [each for each in self._clients() if each.client_id in {client_id, self._master}]

    def _preview(self, client: Client, ticket: VenueTicket, attributes: Mapping[str, str], now: datetime) -> None:
        effect = self._venue.what_if(ticket, now)
        if effect.reject_code:
            client.error(ticket.order_id, effect.reject_code, effect.reject_text)
            return
        view = OrderView(ticket, 0, Status.PRE_SUBMITTED, what_if=effect, attributes=attributes)
        client.send(open_order(view, self._account, EXCHANGE_ZONE, client.version))

    def _family(self, ticket: VenueTicket) -> list[VenueTicket]:
        """Take the held relatives of a transmitted ticket; return all of them with it, parents before children."""
        self._held.pop(_key(ticket), None)
        related = [
            held for held in self._held.values() if held.client_id == ticket.client_id and _related(held, ticket)
        ]
        for held in related:
            del self._held[_key(held)]
        return sorted([*related, ticket], key=lambda each: each.parent_id != 0)

    def _transmit(self, client: Client, ticket: VenueTicket, now: datetime) -> None:
        if ticket.parent_id and not self._parent_lives(ticket):
            client.error(ticket.order_id, 10006, f"Missing parent order: {ticket.parent_id}")
            return
        self._expect_answer(ticket)
        self._simulated.publish(self._venue.place(replace(ticket, transmit=True), now))

    def _parent_lives(self, ticket: VenueTicket) -> bool:
        parent = (ticket.client_id, ticket.parent_id)
        done = [order for order in self._venue.completed_orders() if order.status is Status.FILLED]
        return any(_key(order.ticket) == parent for order in [*self._venue.open_orders(), *done])

    def _expect_answer(self, ticket: VenueTicket) -> None:
        """Let a modification be answered even where it changes nothing that was told before."""
        for order in self._venue.open_orders():
            if _key(order.ticket) == _key(ticket):
                self._told[order.perm_id] = ()

    def _order_changed(self, order: VenueOrder) -> None:
        state = (order.status, order.filled, order.ticket)
        known = self._told.get(order.perm_id)
        if known == state:
            return
        self._told[order.perm_id] = state
        audience = self._audience(order.ticket.client_id)
        if known is None and order.status not in _NO_PRELUDE and not order.filled:
            self._tell(audience, order, Status.PRE_SUBMITTED)
        self._tell(audience, order, order.status)

    def _tell(self, audience: Iterable[Client], order: VenueOrder, status: Status) -> None:
        for client in audience:
            for message in self._open(order, status, client.version):
                if status not in _STATUS_ONLY or message.id == 3:
                    client.send(message)

    def _filled(self, order: VenueOrder, fill: VenueExecution) -> None:
        """Say the execution, the order's new state, the same again with the commission, and the commission report."""
        done = fill.cumulative >= order.ticket.quantity
        status = Status.FILLED if done else Status.SUBMITTED
        audience = self._audience(order.ticket.client_id)
        if order.perm_id not in self._told:
            self._tell(audience, replace(order, filled=0, average_price=_ZERO), Status.PRE_SUBMITTED)
        self._told[order.perm_id] = (status, fill.cumulative, order.ticket)
        state = order_status(order, status, filled=fill.cumulative, average=fill.average_price)
        for client in audience:
            client.send(messages.execution(LIVE_EXECUTION, fill, self._account, EXCHANGE_ZONE, client.version))
            for commission in (None, order.commission or fill.commission):
                view = replace(self._view(order, status), commission=commission)
                client.send(open_order(view, self._account, EXCHANGE_ZONE, client.version))
                client.send(state)
            client.send(messages.commission(fill))

    def _open(self, order: VenueOrder, status: Status, version: int) -> tuple[WireMessage, WireMessage]:
        view = self._view(order, status)
        return open_order(view, self._account, EXCHANGE_ZONE, version), order_status(order, status)

    def _view(self, order: VenueOrder, status: Status) -> OrderView:
        return OrderView(
            ticket=order.ticket,
            perm_id=order.perm_id,
            status=status,
            commission=order.commission if order.filled else None,
            stop_price=order.stop_price,
            attributes=self._attributes.get(_key(order.ticket), {}),
        )


_ZERO: Final = Decimal(0)


def _key(ticket: VenueTicket) -> tuple[int, int]:
    return ticket.client_id, ticket.order_id


def _related(held: VenueTicket, ticket: VenueTicket) -> bool:
    siblings = ticket.parent_id != 0 and held.parent_id == ticket.parent_id
    return siblings or held.order_id == ticket.parent_id or held.parent_id == ticket.order_id
