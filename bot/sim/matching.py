"""The matching engine: a venue that works orders against the market model.

Context: a fill in a simulator is a promise about the real market, and the usual fault is generosity.
Decision: what takes liquidity pays the touch and gets at most the size displayed in that second; what rests fills at
its own price when the quote comes to it, when trades print beyond it, or when prints at its price have used up what was
displayed there before it came (`liquidity`); a stop is triggered by the quote it will have to trade against and may
slip a tick beyond it. What is left of chance is a hash of seed, order and second, so the same calls give the same fills
and a restored venue goes on as the old one would have.
Consequence: an order for more than is displayed takes several seconds; nothing fills while the market is closed or
halted.

An option on an index that expires is exchanged for its intrinsic value at the close. One on shares or a fund is
exercised when it is a cent or more in the money, as OCC does by itself: its shares come into the account, or are sold
short, at the strike. Which of the two cannot be told by an execution: as at TWS positions change, and the cash does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.sim.account import CENT, ZERO, Account, Holding, Mark, commission
from bot.sim.admission import (
    RECORDED,
    STOP_TYPES,
    Refusal,
    Situation,
    cost_of,
    group_of,
    judge,
    judge_change,
    reserved,
)
from bot.sim.executions import Executions
from bot.sim.liquidity import Liquidity
from bot.sim.order_terms import changed_stop, comes_to_stop, first_stop
from bot.sim.scenario import NEW_YORK, Scenario, VenueScript
from bot.sim.valuation import expires, intrinsic, mark
from bot.sim.venue_state import Working, decode_state, encode_state
from bot.sim.vocabulary import (
    LIVE,
    Filled,
    Instrument,
    Market,
    OrderChanged,
    OrderTicket,
    PositionChanged,
    Side,
    Status,
    TopOfBook,
    VenueEvent,
    VenueExecution,
    VenueOrder,
    VenuePosition,
    VenueRefused,
    WhatIf,
)

ACCOUNT_ID: Final = "DU9000001"
HAND_CLIENT: Final = 0
"""The client id under which TWS shows what a person placed in it."""
_FIRST_PERM_ID: Final = 1_830_000_001
_FIRST_DAY: Final = date(2026, 11, 20)
_PERM_IDS_A_DAY: Final = 100_000
_PERM_IDS: Final = 2_147_400_000  # as at TWS they fit into 32 bits with a sign
_CANCELLED: Final = "Order Canceled - reason:"
_HELD: Final = "Order Message:\nWarning: your order will not be placed at the exchange until the market opens."


class MatchingVenue:
    """`bot.sim.vocabulary.Venue`. See the module."""

    def __init__(self, market: Market, seed: int, opening_cash: Decimal, rules: VenueScript) -> None:
        self.market: Market = market
        self.account_id: str = ACCOUNT_ID
        self.partial_fills_only = False  # every fill finds only a part of what is displayed
        self._rules = rules
        self._latency = timedelta(milliseconds=rules.latency_ms)
        self._account = Account(opening_cash)
        self.paid_in = Decimal(0)  # today, dollars
        self._executions = Executions(seed, self._account)
        self._liquidity = Liquidity(seed, rules.partial_fill_probability)
        self._orders: dict[tuple[int, int], Working] = {}
        self._live: dict[tuple[int, int], Working] = {}
        self._completed: list[VenueOrder] = []
        self._next_perm_id = 0
        self._next_ids: dict[int, int] = {}
        self._settled = False

    # -- what clients ask ----------------------------------------------------------------------------------------

    def place(self, ticket: OrderTicket, now: datetime) -> list[VenueEvent]:
        """See `Venue.place`. A what-if ticket places nothing."""
        if ticket.what_if:
            return []
        key = (ticket.client_id, ticket.order_id)
        known = self._orders.get(key)
        if known is not None:
            return self._modify(known, ticket, now)
        refusal = judge(ticket, self._situation(now))
        if refusal is not None and refusal.code not in RECORDED:
            return [_refused(ticket, refusal)]
        self._next_ids[ticket.client_id] = max(self._next_ids.get(ticket.client_id, 1), ticket.order_id + 1)
        work = self._accept(ticket, now)
        self._orders[key] = work
        if refusal is not None:
            return self._reject(work.order, refusal, now)
        self._live[key] = work
        events: list[VenueEvent] = [_changed(work.order)]
        if work.transmitted and not self._is_open(now):
            events.append(_refused(ticket, Refusal(399, _HELD)))
        return [*events, *self._transmit_family(work, now)]

    def cancel(self, client_id: int, order_id: int, now: datetime) -> list[VenueEvent]:
        work = self._orders.get((client_id, order_id))
        if work is None:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            return [VenueRefused(client_id, order_id, 10147, text)]
        status = work.order.status
        if status not in LIVE or status is Status.PENDING_CANCEL:
            text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {status}."
            return [VenueRefused(client_id, order_id, 10148, text)]
        work.order.status = Status.PENDING_CANCEL
        work.cancel_at = now + self._latency
        return [_changed(work.order)]

    def cancel_all(self, now: datetime) -> list[VenueEvent]:
        live = [key for key, work in self._live.items() if work.order.status is not Status.PENDING_CANCEL]
        return [event for client_id, order_id in live for event in self.cancel(client_id, order_id, now)]

    def what_if(self, ticket: OrderTicket, now: datetime) -> WhatIf:
        """Return the effect of a ticket; a cash account sets its whole cost aside as initial margin."""
        at = self._situation(now)
        values = self.account_values(now)
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

    def open_orders(self) -> list[VenueOrder]:
        return [work.order for work in self._live.values()]

    def completed_orders(self) -> list[VenueOrder]:
        return list(self._completed)

    def executions(self) -> list[VenueExecution]:
        return self._executions.all()

    def positions(self) -> list[VenuePosition]:
        return self._account.positions()

    def pay(self, dollars: Decimal) -> None:
        """Pay dollars into the account, or out of it: neither won nor lost."""
        self._account.cash += dollars
        self._account.opening_cash += dollars
        self.paid_in += dollars

    def account_values(self, now: datetime) -> dict[str, Decimal]:
        return self._account.values(self._marks(now), reserved(self._situation(now)))

    def daily_pnl(self, now: datetime) -> tuple[Decimal, Decimal, Decimal]:
        account, marks = self._account, self._marks(now)
        return account.equity(marks) - account.opening_cash, account.unrealized(marks), account.realized()

    def next_order_id(self, client_id: int) -> int:
        return self._next_ids.get(client_id, 1)

    # -- the passing of time -------------------------------------------------------------------------------------

    def step(self, now: datetime) -> list[VenueEvent]:
        """See `Venue.step`. Orders are matched in the order of their permanent ids."""
        events: list[VenueEvent] = []
        for key in sorted(self._live, key=lambda each: self._live[each].order.perm_id):
            work = self._live.get(key)  # an earlier fill of this step may have ended it
            if work is not None:
                events += self._advance(work, now)
        if now >= self.market.session_close() and not self._settled:
            events += self._close_day(now)
        return events

    def _advance(self, work: Working, now: datetime) -> list[VenueEvent]:
        order = work.order
        if work.cancel_at is not None and now >= work.cancel_at:
            return self._end(work, now, _CANCELLED)
        if order.ticket.tif == "GTD" and order.ticket.good_till and now >= order.ticket.good_till:
            return self._end(work, now, f"{_CANCELLED}The order has expired.")
        if not work.transmitted or now < order.live_from or not self._is_open(now) or self._waits(work):
            return []
        events: list[VenueEvent] = []
        if order.status is Status.PRE_SUBMITTED and (order.ticket.order_type not in STOP_TYPES or order.triggered):
            order.status = Status.SUBMITTED
            events.append(_changed(order))
        top = self.market.top(order.ticket.instrument, now)
        if not top.halted:
            events += self._match(work, top, now)
        if order.ticket.tif == "IOC" and order.status in LIVE:
            events += self._end(work, now, f"{_CANCELLED}Immediate or cancel.")
        return events

    def _waits(self, work: Working) -> bool:
        """Say whether the order is a child whose parent is still working."""
        ticket = work.order.ticket
        return bool(ticket.parent_id) and (ticket.client_id, ticket.parent_id) in self._live

    def _close_day(self, now: datetime) -> list[VenueEvent]:
        self._settled = True
        close = self.market.session_close()
        events: list[VenueEvent] = []
        for work in list(self._live.values()):
            ticket = work.order.ticket
            over = ticket.tif in {"", "DAY", "IOC"} and work.order.accepted_at < close
            if over or expires(ticket.instrument, close):
                events += self._end(work, now, f"{_CANCELLED}The order has expired at the close.")
        for position in self.positions():
            if expires(position.instrument, close):
                events += self._settle(position, close)
        return events

    def _settle(self, position: VenuePosition, close: datetime) -> list[VenueEvent]:
        """Pay an expired option out, or exercise it into its shares; a short one is always paid."""
        option, con_id = position.instrument, position.instrument.con_id
        value, stock = intrinsic(self.market, option, close), self.market.by_con_id(option.under_con_id)
        if stock is None or stock.sec_type != "STK" or position.quantity < 0 or option.strike is None:
            return [PositionChanged(self._account.settle(con_id, value).as_position())]
        if value < CENT:
            return [PositionChanged(self._account.settle(con_id, ZERO).as_position())]
        shares = self._account.exercise(con_id, stock, option.strike)
        gone = replace(position, quantity=0, average_cost=ZERO)
        return [PositionChanged(gone), PositionChanged(shares.as_position())]

    # -- orders: in, changed, out --------------------------------------------------------------------------------

    def _situation(self, now: datetime, but: VenueOrder | None = None) -> Situation:
        others = [work.order for work in self._orders.values() if work.order is not but]
        return Situation(self.market, self._account, others, now, self._rules.allow_short_options)

    def _accept(self, ticket: OrderTicket, now: datetime) -> Working:
        perm_id = max(self._next_perm_id, first_perm_id(now.astimezone(NEW_YORK).date()))
        self._next_perm_id = perm_id + 1
        status = Status.PRE_SUBMITTED if ticket.transmit else Status.PENDING_SUBMIT
        order = VenueOrder(ticket, perm_id, status, now, now + self._latency, stop_price=first_stop(ticket))
        return Working(order, transmitted=ticket.transmit)

    def _reject(self, order: VenueOrder, refusal: Refusal, now: datetime) -> list[VenueEvent]:
        order.status = Status.INACTIVE
        order.reject_code, order.reject_text = refusal
        order.completed_at = now
        self._completed.append(order)
        return [_refused(order.ticket, refusal), _changed(order)]

    def _modify(self, work: Working, ticket: OrderTicket, now: datetime) -> list[VenueEvent]:
        order = work.order
        if order.status is Status.FILLED:
            return [_refused(ticket, Refusal(104, "Cannot modify a filled order."))]
        if order.status not in LIVE:
            return [_refused(ticket, Refusal(103, "Duplicate order id"))]
        refusal = judge_change(order, ticket, self._situation(now, but=order))
        if refusal is not None:
            return [_refused(ticket, refusal)]
        order.stop_price = changed_stop(order, ticket)
        if ticket.quantity > order.ticket.quantity:
            work.place = None  # who asks for more goes to the end of the queue
        order.ticket = ticket
        order.live_from = now + self._latency
        if ticket.transmit and not work.transmitted:
            work.transmitted, order.status = True, Status.PRE_SUBMITTED
        return [_changed(order), *self._transmit_family(work, now)]

    def _transmit_family(self, work: Working, now: datetime) -> list[VenueEvent]:
        """A child that is transmitted sends its parent and its held siblings with it."""
        ticket, events = work.order.ticket, list[VenueEvent]()
        if not ticket.parent_id or not work.transmitted:
            return events
        for each in self._live.values():
            other = each.order.ticket
            kin = other.client_id == ticket.client_id and ticket.parent_id in {other.order_id, other.parent_id}
            if kin and not each.transmitted:
                each.transmitted, each.order.status = True, Status.PRE_SUBMITTED
                each.order.live_from = now + self._latency
                events.append(_changed(each.order))
        return events

    def _end(self, work: Working, now: datetime, text: str, code: int = 202) -> list[VenueEvent]:
        """Cancel what is left of an order, and the children that waited for it in vain."""
        order = work.order
        order.status = Status.CANCELLED
        self._complete(work, now)
        events: list[VenueEvent] = [_refused(order.ticket, Refusal(code, text)), _changed(order)]
        if order.filled == 0:
            for child in self._children(order.ticket):
                events += self._end(child, now, f"{_CANCELLED}The parent order was cancelled.")
        return events

    def _children(self, ticket: OrderTicket) -> list[Working]:
        key = (ticket.client_id, ticket.order_id)
        return [w for w in self._live.values() if (w.order.ticket.client_id, w.order.ticket.parent_id) == key]

    def _complete(self, work: Working, now: datetime) -> None:
        ticket = work.order.ticket
        work.order.completed_at = now
        del self._live[ticket.client_id, ticket.order_id]
        self._completed.append(work.order)

    # -- matching ------------------------------------------------------------------------------------------------

    def _match(self, work: Working, top: TopOfBook, now: datetime) -> list[VenueEvent]:
        order, events = work.order, list[VenueEvent]()
        if order.ticket.order_type in STOP_TYPES and not order.triggered:
            if not comes_to_stop(order, top):
                return events
            order.triggered = True
            if order.status is not Status.PENDING_CANCEL:
                order.status = Status.SUBMITTED
            events.append(_changed(order))
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
        prints = self.market.prints(instrument, place.since, now) if place.since < now else []
        quantity = self._liquidity.turn(work, prints, now, only_partial=self.partial_fills_only)
        return self._fill(work, quantity, place.price, now, taking=False)

    def _found(self, order: VenueOrder, size: int, now: datetime) -> int:
        """Return how many of the displayed contracts the order can have."""
        left = self._liquidity.displayed(order, size, now, only_partial=self.partial_fills_only)
        return min(order.remaining, left)

    def _fill(self, work: Working, quantity: int, price: Decimal, now: datetime, *, taking: bool) -> list[VenueEvent]:
        ticket = work.order.ticket
        if ticket.side is Side.SELL and not self._rules.allow_short_options:
            held = self._account.quantity(ticket.instrument.con_id)
            if held <= 0:
                return self._end(work, now, "Order rejected - reason:Nothing is left to sell.", 201)
            quantity = min(quantity, held)
        if quantity <= 0:
            return []
        if taking:
            self._liquidity.take(ticket, quantity, now)
        return self._execute(work, quantity, price, now)

    def _execute(self, work: Working, quantity: int, price: Decimal, now: datetime) -> list[VenueEvent]:
        order, ticket = work.order, work.order.ticket
        execution = self._executions.book(order, quantity, price, now)
        if order.remaining == 0:
            order.status = Status.FILLED
            self._complete(work, now)
        position = self._account.holdings[ticket.instrument.con_id].as_position()
        events: list[VenueEvent] = [Filled(replace(order), execution), _changed(order), PositionChanged(position)]
        return events + self._reduce_group(order, quantity, now)

    def correct_last_execution(self, by: Decimal) -> list[VenueEvent]:
        """Change the latest execution's price by `by` dollars a share, as an exchange does that found it wrong."""
        corrected = self._executions.correct_last(by)
        if corrected is None:
            return []
        order = next(work.order for work in self._orders.values() if work.order.perm_id == corrected.perm_id)
        return [Filled(replace(order), corrected)]

    def trade_by_hand(self, instrument: Instrument, side: Side, quantity: int, now: datetime) -> list[VenueEvent]:
        """Trade at the touch for somebody who is no client of ours: a person in TWS, another program, the liquidation
        desk. Nothing is asked of what is held. Their clients hear of it; the account's position everybody."""
        top = self.market.top(instrument, now)
        price = top.bid if side is Side.SELL else top.ask
        if price is None or quantity <= 0 or not self._is_open(now):
            return []
        number = self.next_order_id(HAND_CLIENT)
        self._next_ids[HAND_CLIENT] = number + 1
        ticket = OrderTicket(HAND_CLIENT, number, instrument, side, quantity, "MKT", account=self.account_id)
        work = self._accept(ticket, now)
        self._orders[HAND_CLIENT, number] = self._live[HAND_CLIENT, number] = work
        return self._execute(work, quantity, price, now)

    def exercise_early(self, con_id: int, now: datetime) -> list[VenueEvent]:
        """The holder exercises an option before its end: it leaves the account and its shares come. No execution tells
        of it."""
        held = self._account.holdings.get(con_id)
        stock = self.market.by_con_id(held.instrument.under_con_id) if held is not None else None
        if held is None or held.quantity <= 0 or stock is None or held.instrument.strike is None:
            return []
        if stock.sec_type != "STK" or not self._is_open(now):
            return []
        option = held.as_position()
        shares = self._account.exercise(con_id, stock, held.instrument.strike)
        return [PositionChanged(replace(option, quantity=0, average_cost=ZERO)), PositionChanged(shares.as_position())]

    def _reduce_group(self, order: VenueOrder, quantity: int, now: datetime) -> list[VenueEvent]:
        """After a fill: type 1 cancels the rest of its group, types 2 and 3 reduce it by what was filled."""
        group, events = group_of(order.ticket), list[VenueEvent]()
        if not group:
            return events
        for work in [each for each in self._live.values() if each.order is not order]:
            if group_of(work.order.ticket) != group or work.order.status not in LIVE:
                continue
            left = work.order.remaining - quantity
            if left <= 0 or (order.ticket.oca_group and order.ticket.oca_type == 1):
                events += self._end(work, now, f"{_CANCELLED}Another order of its group was filled.")
                continue
            work.order.ticket = replace(work.order.ticket, quantity=work.order.ticket.quantity - quantity)
            events.append(_changed(work.order))
        return events

    # -- the market ----------------------------------------------------------------------------------------------

    def _is_open(self, now: datetime) -> bool:
        return self.market.session_open() <= now < self.market.session_close()

    def _marks(self, now: datetime) -> Mark:
        return lambda instrument: mark(self.market, instrument, now)

    # -- restart -------------------------------------------------------------------------------------------------

    def snapshot(self, at: datetime | None = None) -> dict[str, Any]:
        """Return everything that a restarted venue needs, fit for JSON; with `at` also what each holding is worth then,
        for a day to come on which it is listed no more."""
        marks, held = self._marks(at) if at is not None else None, self.positions()
        return {
            "worth": [[p.instrument.con_id, str(_worth(p, marks))] for p in held] if marks is not None else [],
            "cash": str(self._account.cash),
            "opening_cash": str(self._account.opening_cash),
            "holdings": encode_state(list(self._account.holdings.values())),
            "orders": encode_state(list(self._orders.values())),
            "completed": [[o.ticket.client_id, o.ticket.order_id] for o in self._completed],
            "executions": encode_state(self._executions.all()),
            "next_perm_id": self._next_perm_id,
            "next_ids": [[client, number] for client, number in self._next_ids.items()],
            "taken": self._liquidity.saved(),
            "settled": self._settled,
        }

    def carry_on(self, state: dict[str, Any], now: datetime) -> None:
        """Begin a new session with the account of an earlier one: its cash, and what is still held and listed here.
        What is listed no more was paid out in between at what it was last worth. Orders and executions of that day are
        over; order ids go on."""
        account, close = self._account, self.market.session_close()
        account.cash, account.holdings = Decimal(state["cash"]), {}
        worth = {int(con_id): Decimal(dollars) for con_id, dollars in state.get("worth", [])}
        for con_id, quantity, cost in _held(state):
            instrument = self.market.by_con_id(con_id)
            if instrument is None or (instrument.expiry is not None and instrument.expiry < close.date()):
                account.cash += worth.get(con_id, ZERO)
            else:
                account.holdings[con_id] = Holding(instrument, quantity, cost)
        account.opening_cash = account.equity(self._marks(now))  # the day's P&L is counted from here
        self._next_ids = dict(state["next_ids"])

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a snapshot; ValueError when it names a contract that this market does not list."""
        holdings, orders, executions = (
            decode_state(state[name], self.market) for name in ("holdings", "orders", "executions")
        )
        self._account.cash, self._account.opening_cash = Decimal(state["cash"]), Decimal(state["opening_cash"])
        self._account.holdings = {each.instrument.con_id: each for each in holdings}
        self._orders = {(w.order.ticket.client_id, w.order.ticket.order_id): w for w in orders}
        self._live = {key: work for key, work in self._orders.items() if work.order.status in LIVE}
        self._completed = [self._orders[client, number].order for client, number in state["completed"]]
        self._executions.restore(executions)
        self._next_perm_id = state["next_perm_id"]
        self._next_ids = dict(state["next_ids"])
        self._liquidity.restore(state["taken"])
        self._settled = state["settled"]


def _worth(position: VenuePosition, marks: Mark) -> Decimal:
    return marks(position.instrument) * position.quantity * position.instrument.multiplier


def _held(state: Mapping[str, Any]) -> Iterator[tuple[int, int, Decimal]]:
    """Yield contract id, quantity and cost of what a saved account held; its contracts may be unknown here."""
    for record in state["holdings"]:
        kept = record["fields"]
        if kept["quantity"]:
            yield int(kept["instrument"]["$contract"]), int(kept["quantity"]), Decimal(kept["cost"]["$decimal"])


def first_perm_id(day: date) -> int:
    """Return the permanent id of a day's first order. TWS never gives one twice, so a venue that is built anew for each
    day must not either; the execIds follow, for they are made of them."""
    return (_FIRST_PERM_ID + (day - _FIRST_DAY).days * _PERM_IDS_A_DAY) % _PERM_IDS


def _refused(ticket: OrderTicket, refusal: Refusal) -> VenueRefused:
    return VenueRefused(ticket.client_id, ticket.order_id, refusal.code, refusal.text)


def _changed(order: VenueOrder) -> OrderChanged:
    """Report an order as it is now: events keep a copy, for the order itself goes on changing."""
    return OrderChanged(replace(order))


def _has_fee(ticket: OrderTicket) -> bool:
    return ticket.instrument.sec_type != "IND"


def build_venue(market: Market, scenario: Scenario, seed: int) -> MatchingVenue:
    """Build the venue of a scenario over its market."""
    return MatchingVenue(market, seed, Decimal(scenario.account.equity), scenario.venue)
