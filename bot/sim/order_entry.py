"""What clients ask of the venue's orders: one is placed, changed, cancelled, or its effect looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.sim.account import ZERO, Account, Mark, commission
from bot.sim.admission import RECORDED, Refusal, Situation, cost_of, judge, judge_change, reserved
from bot.sim.order_terms import changed_stop
from bot.sim.valuation import mark
from bot.sim.venue_orders import VenueOrders, changed, refused
from bot.sim.venue_state import Working
from bot.sim.vocabulary import LIVE, Market, Side, Status, VenueEvent, VenueOrder, VenueRefused, VenueTicket, WhatIf

_HELD: Final = "Order Message:\nWarning: your order will not be placed at the exchange until the market opens."


class OrderEntry:
    """See the module; `allow_short`: options may be sold short here."""

    def __init__(self, market: Market, account: Account, orders: VenueOrders, *, allow_short: bool) -> None:
        self._market, self._account, self._orders, self._allow_short = market, account, orders, allow_short

    def situation(self, now: datetime, but: VenueOrder | None = None) -> Situation:
        """Return what an order is judged by; `but`: without this one."""
        return Situation(self._market, self._account, self._orders.but(but), now, self._allow_short)

    def place(self, ticket: VenueTicket, now: datetime) -> list[VenueEvent]:
        """See `Venue.place`. A what-if ticket places nothing."""
        if ticket.what_if:
            return []
        known = self._orders.of(ticket.client_id, ticket.order_id)
        if known is not None:
            return self._modify(known, ticket, now)
        refusal = judge(ticket, self.situation(now))
        if refusal is not None and refusal.code not in RECORDED:
            return [refused(ticket, refusal)]
        self._orders.note_id(ticket.client_id, ticket.order_id)
        work = self._orders.accept(ticket, now)
        if refusal is not None:
            return self._orders.keep_rejected(work, refusal, now)
        self._orders.keep(work)
        events: list[VenueEvent] = [changed(work.order)]
        if work.transmitted and not is_open(self._market, now):
            events.append(refused(ticket, Refusal(399, _HELD)))
        return [*events, *self._transmit_family(work, now)]

    def cancel(self, client_id: int, order_id: int, now: datetime) -> list[VenueEvent]:
        work = self._orders.of(client_id, order_id)
        if work is None:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            return [VenueRefused(client_id, order_id, 10147, text)]
        status = work.order.status
        if status not in LIVE or status is Status.PENDING_CANCEL:
            text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {status}."
            return [VenueRefused(client_id, order_id, 10148, text)]
        work.order.status = Status.PENDING_CANCEL
        work.cancel_at = now + self._orders.latency
        return [changed(work.order)]

    def cancel_all(self, now: datetime) -> list[VenueEvent]:
        live = [each.order for each in self._orders.live()]
        tickets = [order.ticket for order in live if order.status is not Status.PENDING_CANCEL]
        return [event for each in tickets for event in self.cancel(each.client_id, each.order_id, now)]

    def what_if(self, ticket: VenueTicket, now: datetime) -> WhatIf:
        """Return the effect of a ticket; a cash account sets its whole cost aside as initial margin."""
        at = self.situation(now)
        values = self._account.values(marks(self._market, now), reserved(at))
        refusal = judge(ticket, at) or Refusal(0, "")
        cost, fee = ZERO, ZERO
        if refusal.code not in {200, 434}:
            fee = commission(ticket.instrument, ticket.side, 0, ticket.quantity) if _has_fee(ticket) else ZERO
            cost = cost_of(ticket, ticket.quantity, at) - fee if _has_fee(ticket) else ZERO
        change = cost if ticket.side is Side.BUY else ZERO
        return WhatIf(
            init_margin_before=values["InitMarginReq"],
            init_margin_change=change,
            maint_margin_before=values["MaintMarginReq"],
            maint_margin_change=change,
            equity_before=values["EquityWithLoanValue"],
            equity_change=-fee,
            commission=fee,
            reject_code=refusal.code,
            reject_text=refusal.text,
        )

    def _modify(self, work: Working, ticket: VenueTicket, now: datetime) -> list[VenueEvent]:
        order = work.order
        if order.status is Status.FILLED:
            return [refused(ticket, Refusal(104, "Cannot modify a filled order."))]
        if order.status not in LIVE:
            return [refused(ticket, Refusal(103, "Duplicate order id"))]
        refusal = judge_change(order, ticket, self.situation(now, but=order))
        if refusal is not None:
            return [refused(ticket, refusal)]
        order.stop_price = changed_stop(order, ticket)
        if ticket.quantity > order.ticket.quantity:
            work.place = None  # who asks for more goes to the end of the queue
        order.ticket = ticket
        order.live_from = now + self._orders.latency
        if ticket.transmit and not work.transmitted:
            work.transmitted, order.status = True, Status.PRE_SUBMITTED
        return [changed(order), *self._transmit_family(work, now)]

    def _transmit_family(self, work: Working, now: datetime) -> list[VenueEvent]:
        """A child that is transmitted sends its parent and its held siblings with it."""
        ticket, events = work.order.ticket, list[VenueEvent]()
        if not ticket.parent_id or not work.transmitted:
            return events
        for each in self._orders.live():
            other = each.order.ticket
            kin = other.client_id == ticket.client_id and ticket.parent_id in {other.order_id, other.parent_id}
            if kin and not each.transmitted:
                each.transmitted, each.order.status = True, Status.PRE_SUBMITTED
                each.order.live_from = now + self._orders.latency
                events.append(changed(each.order))
        return events


def is_open(market: Market, now: datetime) -> bool:
    return market.session_open() <= now < market.session_close()


def marks(market: Market, now: datetime) -> Mark:
    return lambda instrument: mark(market, instrument, now)


def _has_fee(ticket: VenueTicket) -> bool:
    return ticket.instrument.sec_type != "IND"
