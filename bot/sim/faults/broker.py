"""The in-process broker behind a fault script: between the venue and the engine's broker port.

Callbacks pass through one gate (`_hear`), requests through the port's own methods. What a lost link swallows never
comes later: as at the real broker, only asking for the book tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from bot.domain.errors import BrokerUnavailable
from bot.domain.events import Event
from bot.domain.events.account import AccountReported, BookFault, BookPart, BrokerSnapshot, PositionTold
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import (
    BookReceived,
    ContractQualified,
    GreeksReceived,
    LinesHeard,
    QuoteReceived,
    QuoteSnapshot,
    TradesReceived,
)
from bot.domain.events.orders import (
    BrokerOrderStatus,
    BrokerOrderView,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
    WhatIfAnswered,
)
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.order import OrderSide, OrderTicket, OrderType
from bot.engine.state.ports import Clock, Sink
from bot.sim.admission import says
from bot.sim.broker import SimBroker
from bot.sim.faults.account import AccountFaults
from bot.sim.faults.by_hand import by_hand
from bot.sim.faults.callbacks import CallbackFaults
from bot.sim.faults.catalogue import (
    OF_THE_MARKET,
    ByHand,
    Callback,
    CashMoves,
    Correction,
    IdReset,
    LoseOrder,
    OtherHours,
    PartialFills,
    Reject,
    ShortBook,
    SlowCancel,
    StrangersCome,
    Words,
)
from bot.sim.faults.codes import INFORMING, MEANING
from bot.sim.faults.company import Others, others_in_process
from bot.sim.faults.generator import strange_words
from bot.sim.faults.link import FaultyLink
from bot.sim.faults.market import MarketFaults
from bot.sim.faults.script import FaultScript
from bot.sim.hours import USUAL, HoursSaid
from bot.sim.matching import MatchingVenue
from bot.sim.vocabulary import SimulatedVenue

CALLBACK_OF: Final[Mapping[type, Callback]] = MappingProxyType(
    {
        OrderReported: Callback.STATUS,
        ExecutionReported: Callback.EXECUTION,
        CommissionReported: Callback.COMMISSION,
        OrderErred: Callback.ERROR,
        QuoteReceived: Callback.QUOTE,
        QuoteSnapshot: Callback.QUOTE,
        LinesHeard: Callback.HEALTH,
        GreeksReceived: Callback.GREEKS,
        BookReceived: Callback.DEPTH,
        TradesReceived: Callback.TRADES,
        AccountReported: Callback.ACCOUNT,
        PositionTold: Callback.POSITION,
        ContractQualified: Callback.CONTRACT,
    }
)


class FaultyBroker:
    """Implements the engine's Broker port on a `SimBroker` and a `FaultScript`. `pump` drives it as it drives a
    SimBroker."""

    client_id = SimBroker.client_id

    def __init__(
        self,
        simulated: SimulatedVenue,
        venue: MatchingVenue,
        clock: Clock,
        sink: Sink,
        bot_id: str,
        script: FaultScript,
    ) -> None:
        self._inner = SimBroker(simulated, clock, self._hear, bot_id)
        self._simulated, self._venue, self._clock, self._sink = simulated, venue, clock, sink
        self._script = script
        self._callbacks = CallbackFaults(script, clock, sink)
        self._market = MarketFaults(script, self._callbacks, self._inner, sink)
        self._link = FaultyLink(script, self._callbacks, self._market, self._inner, clock, sink)
        self._account = AccountFaults(script)
        self._running = False
        self.account = self._inner.account
        self._others = Others()
        self._paid_at_fill = Decimal(0)
        self._asked_hours: tuple[str, ...] = ()
        self._told_hours: OtherHours | None = None

    @property
    def script(self) -> FaultScript:
        """What goes wrong; whoever puts another one in its place puts it before every part of the broker."""
        return self._script

    @script.setter
    def script(self, script: FaultScript) -> None:
        self._script = script
        for part in (self._callbacks, self._market, self._link, self._account):
            part.script = script

    async def start(self) -> None:
        if not self._running:
            self._running = True
            self._inner.listen()
            self._link.follow(self._clock.now())

    async def stop(self) -> None:
        self._running = False
        self._link.hang_up()
        await self._inner.stop()

    # ---- what the venue says

    def _hear(self, event: Event) -> None:
        kind, now = CALLBACK_OF.get(type(event)), self._clock.now()
        if kind is None:
            if not self._link.is_dropped:
                self._sink(event)
        elif kind in OF_THE_MARKET:
            if self._link.brings_data(now):
                self._market.hear(kind, event, now)
        elif not self._link.is_deaf(now):
            if isinstance(event, AccountReported):
                event = self._account.told(event, now)
            self._callbacks.of_an_order(kind, event, now)
        if isinstance(event, ExecutionReported) and self._paid_at_fill:
            paid, self._paid_at_fill = self._paid_at_fill, Decimal(0)
            self._venue.pay(paid)

    # ---- what the bot asks

    def reserve_order_ids(self, at_least: int) -> None:
        if self.script.due(IdReset, self._clock.now()):
            self._inner.ids.restart()
        self._inner.reserve_order_ids(at_least)

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        self._inner.remember(contracts)

    def subscribe(self, wanted: Subscribe) -> None:
        self._inner.subscribe(wanted)

    def ask_chains(self, symbols: Sequence[str]) -> None:
        if not self._link.is_deaf(self._clock.now()):
            self._inner.ask_chains(symbols)

    def ask_quotes(self, keys: Sequence[str]) -> None:
        if not self._link.is_deaf(self._clock.now()):
            self._inner.ask_quotes(keys)

    def ask_hours(self, keys: Sequence[str]) -> None:
        self._asked_hours = tuple(keys)
        other = self._told_hours = self.script.active(OtherHours, self._clock.now())
        if self._link.is_deaf(self._clock.now()):
            return
        if other is None or other.says != "nonsense":  # what cannot be read is no fact
            self._inner.stream.tell_hours(keys, HoursSaid(other.says, other.form, other.zone) if other else USUAL)

    def submit(self, ticket: OrderTicket) -> int:
        now = self._clock.now()
        self._needs_socket()
        order_id = self._inner.take_order_id(ticket)
        numbered = replace(ticket, order_id=order_id)
        if self._link.is_deaf(now) or self.script.meet(LoseOrder, now) is not None:
            return order_id
        refusal = self.script.meet(Reject, now, of="place", orders=("any", _kind_of(ticket)))
        if refusal is not None and self._refuse_placement(numbered, refusal, now):
            return order_id
        self._inner.submit(numbered)
        return order_id

    def amend(self, ticket: OrderTicket) -> None:
        now = self._clock.now()
        self._needs_socket()
        if self._link.is_deaf(now) or self.script.meet(LoseOrder, now) is not None:
            return
        refusal = self.script.meet(Reject, now, of="change", orders=("any", _kind_of(ticket)))
        if refusal is not None:
            self._refuse(ticket.order_ref, ticket.order_id or 0, refusal, now)
        if refusal is None or refusal.code in INFORMING:
            self._inner.amend(ticket)

    def cancel(self, order_ref: str, order_id: int) -> None:
        now = self._clock.now()
        self._needs_socket()
        if self._link.is_deaf(now):
            return
        refusal = self.script.meet(Reject, now, of="cancel")
        slow = self.script.active(SlowCancel, now)
        if refusal is not None:
            self.script.cancels_refused[order_ref] += 1
            self._refuse(order_ref, order_id, refusal, now)
        elif slow is not None:
            self._callbacks.later(slow.delay_seconds, lambda: self._inner.cancel(order_ref, order_id))
        else:
            self._inner.cancel(order_ref, order_id)

    def _needs_socket(self) -> None:
        if self._link.is_dropped:
            raise BrokerUnavailable("the gateway is gone")

    def _refuse_placement(self, ticket: OrderTicket, refusal: Reject, now: datetime) -> bool:
        """Say how a placement is refused, and whether it is: some words come with an order that is taken."""
        if refusal.says == "cancelled":
            self._hear(OrderReported(_ended(ticket, self.client_id, now, BrokerOrderStatus.PENDING)))
            self._hear(OrderReported(_ended(ticket, self.client_id, now, BrokerOrderStatus.CANCELLED)))
            return True
        if refusal.says == "error":
            self._refuse(ticket.order_ref, ticket.order_id or 0, refusal, now)
        if refusal.says == "inactive" or refusal.code == 201:
            self._hear(OrderReported(_ended(ticket, self.client_id, now, BrokerOrderStatus.INACTIVE)))
            return True
        return refusal.code not in INFORMING

    def _refuse(self, order_ref: str, order_id: int, refusal: Reject, now: datetime) -> None:
        meaning = MEANING.get(refusal.code, ErrorMeaning.AMBIGUOUS)
        told = says(refusal.code, refusal.text)
        self._hear(OrderErred(order_ref, refusal.code, refusal.text, meaning, now, order_id, told))

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        now = self._clock.now()
        if self._link.is_deaf(now) or self._callbacks.is_missed(Callback.PREVIEW, now):
            return WhatIfAnswered(signal_id, None, None, None, None, "no answer", now)
        return await self._inner.what_if(signal_id, ticket)

    async def snapshot(self) -> BrokerSnapshot:
        now = self._clock.now()
        if self._link.is_deaf(now) or self._callbacks.is_missed(Callback.END, now):
            silence = (BookFault(BookPart.OPEN_ORDERS, "no answer"),)
            return BrokerSnapshot((), (), (), {}, (), 0, False, silence, now, now)
        snapshot = self._others.beside(await self._inner.snapshot())
        if self.script.meet(ShortBook, now, lacks="orders") is not None:
            snapshot = replace(snapshot, open_orders=())
        if self.script.meet(ShortBook, now, lacks="positions") is not None or self._callbacks.is_missed(
            Callback.POSITION, now
        ):
            snapshot = replace(snapshot, positions=())
        return self._without_what_is_forgotten(snapshot)

    def _without_what_is_forgotten(self, snapshot: BrokerSnapshot) -> BrokerSnapshot:
        """A gateway that restarted does not know what was over before."""
        before = self._link.forgets_before
        if before is None:
            return snapshot
        forgotten = {
            order.perm_id
            for order in self._venue.completed_orders()
            if order.completed_at is not None and order.completed_at <= before
        }
        kept = [view for view in snapshot.completed_orders if view.perm_id not in forgotten]
        return replace(snapshot, completed_orders=kept)

    # ---- time

    def pump(self) -> None:
        """Let the script have its way up to now, from the start on and until the stop."""
        if self._running:
            self._go_on(self._clock.now())

    def _go_on(self, now: datetime) -> None:
        """The link, what is due, what was held back, market data."""
        if self._link.is_dropped:
            self._market.hang_up(now)
        else:
            self._market.look_at_farms(now, deaf=self._link.is_deaf(now))
        self._link.follow(now)
        self._link.answer_probe(now)
        self._act(now)
        self._callbacks.release(now)
        if not self._link.is_dropped:
            self._market.renew_what_was_dead(now)
            self._inner.pump()
            if self._link.state is LinkChange.ACCEPTED:
                self._market.print_wildly(now)

    def _act(self, now: datetime) -> None:
        """Do what happens once: cash, strangers, other hours, sales by hand, words, corrections."""
        for paid in self.script.due(CashMoves, now):
            if paid.at_fill:
                self._paid_at_fill += paid.amount
            else:
                self._venue.pay(paid.amount)
        self._venue.partial_fills_only = self.script.active(PartialFills, now) is not None
        for come in self.script.due(StrangersCome, now):
            self._others = others_in_process(come, self._venue.market, now)
            if not self._link.is_deaf(now):
                for seen in self._others.seen:
                    self._sink(seen)
        if self.script.active(OtherHours, now) is not self._told_hours:
            self.ask_hours(self._asked_hours)
        for hand in self.script.due(ByHand, now):
            self._simulated.publish(by_hand(self._venue, hand, now, self.script.chance))
        for words in self.script.due(Words, now):
            text = words.text or strange_words(self.script.chance)
            self._hear(AlertRaised(f"TWS_{words.code}", f"{words.code}: {text}", {"text": text}, now))
        for correction in self.script.due(Correction, now):
            self._simulated.publish(self._venue.correct_last_execution(correction.by))


def _kind_of(ticket: OrderTicket) -> str:
    if ticket.side is OrderSide.BUY:
        return "entry"
    return "stop" if ticket.order_type is OrderType.STOP else "sale"


def _ended(ticket: OrderTicket, client_id: int, now: datetime, status: BrokerOrderStatus) -> BrokerOrderView:
    return BrokerOrderView(
        order_ref=ticket.order_ref,
        perm_id=0,
        order_id=ticket.order_id or 0,
        client_id=client_id,
        contract_key=ticket.contract_key,
        side=ticket.side,
        status=status,
        quantity=ticket.terms.quantity,
        filled_quantity=0,
        limit_price=ticket.terms.limit_price if ticket.order_type is not OrderType.STOP else None,
        stop_price=ticket.terms.stop_price,
        at=now,
    )
