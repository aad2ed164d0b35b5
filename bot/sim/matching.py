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
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.sim import exercise
from bot.sim.account import ZERO, Account, Holding, Mark
from bot.sim.admission import STOP_TYPES, reserved
from bot.sim.executions import Executions
from bot.sim.liquidity import Liquidity
from bot.sim.order_entry import OrderEntry, is_open, marks
from bot.sim.order_matcher import OrderMatcher
from bot.sim.scenario import Scenario, VenueScript
from bot.sim.valuation import expires
from bot.sim.venue_orders import CANCELLED, VenueOrders, changed
from bot.sim.venue_state import Working, decode_state, encode_state
from bot.sim.vocabulary import (
    LIVE,
    Filled,
    Market,
    Side,
    Status,
    VenueEvent,
    VenueExecution,
    VenueInstrument,
    VenueOrder,
    VenuePosition,
    VenueTicket,
    WhatIf,
)

ACCOUNT_ID: Final = "DU9000001"
HAND_CLIENT: Final = 0
"""The client id under which TWS shows what a person placed in it."""


class MatchingVenue:
    """`bot.sim.vocabulary.Venue`. See the module. Its orders, what is asked of them, what they meet in the market and
    how an option ends without one are rooms of their own."""

    def __init__(self, market: Market, seed: int, opening_cash: Decimal, rules: VenueScript) -> None:
        self.market: Market = market
        self.account_id: str = ACCOUNT_ID
        self.partial_fills_only = False  # every fill finds only a part of what is displayed
        self.paid_in = Decimal(0)  # today, dollars
        self._account = Account(opening_cash)
        self._executions = Executions(seed, self._account)
        self._liquidity = Liquidity(seed, rules.partial_fill_probability)
        self._orders = VenueOrders(timedelta(milliseconds=rules.latency_ms))
        may_short = rules.allow_short_options
        self._entry = OrderEntry(market, self._account, self._orders, allow_short=may_short)
        self._matcher = OrderMatcher(
            market, self._account, self._executions, self._liquidity, self._orders, allow_short=may_short
        )
        self._settled = False

    # -- what clients ask ----------------------------------------------------------------------------------------

    def place(self, ticket: VenueTicket, now: datetime) -> list[VenueEvent]:
        """See `Venue.place`. A what-if ticket places nothing."""
        return self._entry.place(ticket, now)

    def cancel(self, client_id: int, order_id: int, now: datetime) -> list[VenueEvent]:
        return self._entry.cancel(client_id, order_id, now)

    def cancel_all(self, now: datetime) -> list[VenueEvent]:
        return self._entry.cancel_all(now)

    def what_if(self, ticket: VenueTicket, now: datetime) -> WhatIf:
        """Return the effect of a ticket; a cash account sets its whole cost aside as initial margin."""
        return self._entry.what_if(ticket, now)

    def open_orders(self) -> list[VenueOrder]:
        return [work.order for work in self._orders.live()]

    def completed_orders(self) -> list[VenueOrder]:
        return self._orders.completed()

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
        return self._account.values(marks(self.market, now), reserved(self._entry.situation(now)))

    def daily_pnl(self, now: datetime) -> tuple[Decimal, Decimal, Decimal]:
        account, worth = self._account, marks(self.market, now)
        return account.equity(worth) - account.opening_cash, account.unrealized(worth), account.realized()

    def next_order_id(self, client_id: int) -> int:
        return self._orders.next_id(client_id)

    # -- the passing of time -------------------------------------------------------------------------------------

    def step(self, now: datetime) -> list[VenueEvent]:
        """See `Venue.step`. Orders are matched in the order of their permanent ids."""
        self._matcher.partial_only = self.partial_fills_only
        events: list[VenueEvent] = []
        for work in self._orders.in_turn():
            events += self._advance(work, now)
        if now >= self.market.session_close() and not self._settled:
            events += self._close_day(now)
        return events

    def _advance(self, work: Working, now: datetime) -> list[VenueEvent]:
        order = work.order
        if work.cancel_at is not None and now >= work.cancel_at:
            return self._orders.end(work, now, CANCELLED)
        if order.ticket.tif == "GTD" and order.ticket.good_till and now >= order.ticket.good_till:
            return self._orders.end(work, now, f"{CANCELLED}The order has expired.")
        if order.ticket.good_after is not None and now < order.ticket.good_after:
            return []
        if not work.transmitted or now < order.live_from or not is_open(self.market, now) or self._orders.waits(work):
            return []
        events: list[VenueEvent] = []
        if order.status is Status.PRE_SUBMITTED and (order.ticket.order_type not in STOP_TYPES or order.triggered):
            order.status = Status.SUBMITTED
            events.append(changed(order))
        top = self.market.top(order.ticket.instrument, now)
        if not top.halted:
            events += self._matcher.match(work, top, now)
        if order.ticket.tif == "IOC" and order.status in LIVE:
            events += self._orders.end(work, now, f"{CANCELLED}Immediate or cancel.")
        return events

    def _close_day(self, now: datetime) -> list[VenueEvent]:
        self._settled = True
        close = self.market.session_close()
        events: list[VenueEvent] = []
        for work in self._orders.live():
            ticket = work.order.ticket
            over = ticket.tif in {"", "DAY", "IOC"} and work.order.accepted_at < close
            if over or expires(ticket.instrument, close):
                events += self._orders.end(work, now, f"{CANCELLED}The order has expired at the close.")
        for position in self.positions():
            if expires(position.instrument, close):
                events += exercise.settle(self.market, self._account, position, close)
        return events

    # -- what others do ------------------------------------------------------------------------------------------

    def correct_last_execution(self, by: Decimal) -> list[VenueEvent]:
        """Change the latest execution's price by `by` dollars a share, as an exchange does that found it wrong."""
        corrected = self._executions.correct_last(by)
        if corrected is None:
            return []
        return [Filled(replace(self._orders.with_perm_id(corrected.perm_id)), corrected)]

    def trade_by_hand(self, instrument: VenueInstrument, side: Side, quantity: int, now: datetime) -> list[VenueEvent]:
        """Trade at the touch for somebody who is no client of ours: a person in TWS, another program, the liquidation
        desk. Nothing is asked of what is held. Their clients hear of it; the account's position everybody."""
        top = self.market.top(instrument, now)
        price = top.bid if side is Side.SELL else top.ask
        if price is None or quantity <= 0 or not is_open(self.market, now):
            return []
        number = self.next_order_id(HAND_CLIENT)
        self._orders.note_id(HAND_CLIENT, number)
        ticket = VenueTicket(HAND_CLIENT, number, instrument, side, quantity, "MKT", account=self.account_id)
        work = self._orders.accept(ticket, now)
        self._orders.keep(work)
        return self._matcher.execute(work, quantity, price, now)

    def exercise_early(self, con_id: int, now: datetime) -> list[VenueEvent]:
        """See `exercise.exercise_early`; only while the market is open."""
        return exercise.exercise_early(self.market, self._account, con_id) if is_open(self.market, now) else []

    # -- restart -------------------------------------------------------------------------------------------------

    def snapshot(self, at: datetime | None = None) -> dict[str, Any]:
        """Return everything that a restarted venue needs, fit for JSON; with `at` also what each holding is worth then,
        for a day to come on which it is listed no more."""
        worth = marks(self.market, at) if at is not None else None
        return {
            "worth": [[p.instrument.con_id, str(_worth(p, worth))] for p in self.positions()] if worth else [],
            "cash": str(self._account.cash),
            "opening_cash": str(self._account.opening_cash),
            "holdings": encode_state(list(self._account.holdings.values())),
            **self._orders.saved(),
            "executions": encode_state(self._executions.all()),
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
        account.opening_cash = account.equity(marks(self.market, now))  # the day's P&L is counted from here
        self._orders.restore_ids(state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a snapshot; ValueError when it names a contract that this market does not list."""
        holdings, orders, executions = (
            decode_state(state[name], self.market) for name in ("holdings", "orders", "executions")
        )
        self._account.cash, self._account.opening_cash = Decimal(state["cash"]), Decimal(state["opening_cash"])
        self._account.holdings = {each.instrument.con_id: each for each in holdings}
        self._orders.restore(orders, state)
        self._executions.restore(executions)
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


def build_venue(market: Market, scenario: Scenario, seed: int) -> MatchingVenue:
    """Build the venue of a scenario over its market."""
    return MatchingVenue(market, seed, Decimal(scenario.account.equity), scenario.venue)
