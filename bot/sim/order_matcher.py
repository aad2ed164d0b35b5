"""What an order meets in the market: triggered, filled at the touch or in its turn, its group reduced by what it
got."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bot.sim.account import Account
from bot.sim.admission import STOP_TYPES, group_of
from bot.sim.executions import Executions
from bot.sim.liquidity import Liquidity
from bot.sim.order_terms import comes_to_stop
from bot.sim.venue_orders import CANCELLED, VenueOrders, changed
from bot.sim.venue_state import Working
from bot.sim.vocabulary import LIVE, Filled, Market, PositionChanged, Side, Status, TopOfBook, VenueEvent, VenueOrder


class OrderMatcher:
    """Fills the orders of one venue; `partial_only`: every fill finds only a part of what is displayed."""

    def __init__(
        self,
        market: Market,
        account: Account,
        executions: Executions,
        liquidity: Liquidity,
        orders: VenueOrders,
        *,
        allow_short: bool,
    ) -> None:
        self._market, self._account, self._executions = market, account, executions
        self._liquidity, self._orders, self._allow_short = liquidity, orders, allow_short
        self.partial_only = False

    def match(self, work: Working, top: TopOfBook, now: datetime) -> list[VenueEvent]:
        order, events = work.order, list[VenueEvent]()
        if order.ticket.order_type in STOP_TYPES and not order.triggered:
            if not comes_to_stop(order, top):
                return events
            order.triggered = True
            if order.status is not Status.PENDING_CANCEL:
                order.status = Status.SUBMITTED
            events.append(changed(order))
        touch, size = (top.ask, top.ask_size) if order.ticket.side is Side.BUY else (top.bid, top.bid_size)
        price = self._liquidity.taking_price(work, touch, now)
        if price is not None:
            quantity = self._found(order, size, now)
            return events + self._fill(work, quantity, price, now, taking=True)
        return events + self._rest(work, top, now)

    def _rest(self, work: Working, top: TopOfBook, now: datetime) -> list[VenueEvent]:
        """Let a resting limit wait in the queue of its price for the prints that reach it."""
        self._liquidity.join(work, top, now)
        place, instrument = work.place, work.order.ticket.instrument
        if place is None:
            return []
        prints = self._market.prints(instrument, place.since, now) if place.since < now else []
        quantity = self._liquidity.turn(work, prints, now, only_partial=self.partial_only)
        return self._fill(work, quantity, place.price, now, taking=False)

    def _found(self, order: VenueOrder, size: int, now: datetime) -> int:
        """Return how many of the displayed contracts the order can have."""
        left = self._liquidity.displayed(order, size, now, only_partial=self.partial_only)
        return min(order.remaining, left)

    def _fill(self, work: Working, quantity: int, price: Decimal, now: datetime, *, taking: bool) -> list[VenueEvent]:
        ticket = work.order.ticket
        if ticket.side is Side.SELL and not self._allow_short:
            held = self._account.quantity(ticket.instrument.con_id)
            if held <= 0:
                return self._orders.end(work, now, "Order rejected - reason:Nothing is left to sell.", 201)
            quantity = min(quantity, held)
        if quantity <= 0:
            return []
        if taking:
            self._liquidity.take(ticket, quantity, now)
        return self.execute(work, quantity, price, now)

    def execute(self, work: Working, quantity: int, price: Decimal, now: datetime) -> list[VenueEvent]:
        order, ticket = work.order, work.order.ticket
        execution = self._executions.book(order, quantity, price, now)
        if order.remaining == 0:
            order.status = Status.FILLED
            self._orders.complete(work, now)
        position = self._account.holdings[ticket.instrument.con_id].as_position()
        events: list[VenueEvent] = [Filled(replace(order), execution), changed(order), PositionChanged(position)]
        return events + self._reduce_group(order, quantity, now)

    def _reduce_group(self, order: VenueOrder, quantity: int, now: datetime) -> list[VenueEvent]:
        """After a fill: type 1 cancels the rest of its group, types 2 and 3 reduce it by what was filled."""
        group, events = group_of(order.ticket), list[VenueEvent]()
        if not group:
            return events
        for work in [each for each in self._orders.live() if each.order is not order]:
            if group_of(work.order.ticket) != group or work.order.status not in LIVE:
                continue
            left = work.order.remaining - quantity
            if left <= 0 or (order.ticket.oca_group and order.ticket.oca_type == 1):
                events += self._orders.end(work, now, f"{CANCELLED}Another order of its group was filled.")
                continue
            work.order.ticket = replace(work.order.ticket, quantity=work.order.ticket.quantity - quantity)
            events.append(changed(work.order))
        return events
