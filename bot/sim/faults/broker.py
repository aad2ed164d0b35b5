"""The in-process broker behind a fault script: between the venue and the engine's broker port.

Callbacks pass through one gate (`_hear`), requests through the port's own methods. What a lost link swallows never
comes later: as at the real broker, only asking for the book tells.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from bot.domain.errors import BrokerUnavailable
from bot.domain.events import (
    AccountReported,
    AlertRaised,
    BookReceived,
    BrokerOrderStatus,
    BrokerOrderView,
    BrokerSnapshot,
    BrokerTimeTold,
    CommissionReported,
    ContractQualified,
    ErrorMeaning,
    Event,
    ExecutionReported,
    GreeksReceived,
    LinesHeard,
    LinkChange,
    LinkChanged,
    OrderErred,
    OrderReported,
    PositionTold,
    QuoteReceived,
    TradesReceived,
    WhatIfAnswered,
)
from bot.domain.farms import OPTIONS, UNDERLYINGS, FarmWatch, Group
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.order import OrderSide, OrderTicket, OrderType
from bot.engine.state.ports import Clock, Sink
from bot.sim.broker import SimBroker
from bot.sim.faults.by_hand import by_hand
from bot.sim.faults.catalogue import (
    OF_ORDERS,
    OF_THE_MARKET,
    AccountSays,
    BadQuotes,
    ByHand,
    Callback,
    CashMoves,
    CommissionFirst,
    Competing,
    Correction,
    DeadFarm,
    DeadLine,
    Delay,
    Drop,
    Duplicate,
    FarmSays,
    IdReset,
    LoseOrder,
    Mute,
    OrdersLost,
    OtherHours,
    PartialFills,
    Reject,
    Reorder,
    Restart,
    ShortBook,
    SlowCancel,
    StrangersCome,
    WildPrint,
    Words,
)
from bot.sim.faults.codes import INFORMING, MEANING
from bot.sim.faults.company import Others, others_in_process
from bot.sim.faults.generator import strange_words
from bot.sim.faults.script import FaultScript, WildBid
from bot.sim.faults.wild import wild_quote
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
        LinesHeard: Callback.HEALTH,
        GreeksReceived: Callback.GREEKS,
        BookReceived: Callback.DEPTH,
        TradesReceived: Callback.TRADES,
        AccountReported: Callback.ACCOUNT,
        PositionTold: Callback.POSITION,
        ContractQualified: Callback.CONTRACT,
    }
)
_PATIENCE_S: Final = 10.0  # an answer that takes longer did not come; the adapter's ibkr.request_timeout_s
_LINES_QUIET_S: Final = 10.0  # the adapter's ibkr.line_quiet_s
_SLOW_S: Final = 180.0
_HAS_DATA: Final = frozenset({LinkChange.ACCEPTED, LinkChange.DATA_LOST})
_NEXT_LOOK: Final = timedelta(seconds=2)
_PROBED_EVERY: Final = timedelta(seconds=30)


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
        self._simulated, self._venue = simulated, venue
        self._clock = clock
        self._sink = sink
        self.script = script
        self._held: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = 0
        self._before_executions: list[Event] = []
        self._running = False
        self._link: LinkChange = LinkChange.DROPPED
        self._forgets_before: datetime | None = None
        self._time_told_at = clock.now()
        self.account = self._inner.account
        self._others = Others()
        self._farms = FarmWatch(_LINES_QUIET_S)
        self._spoke: dict[str, float] = {}
        self._lines_since: float | None = None
        self._valued: AccountReported | None = None  # as the account was last told
        self._pnl: AccountReported | None = None  # as its P&L was
        self._at_fill = Decimal(0)
        self._asked_hours: tuple[str, ...] = ()
        self._told_hours: OtherHours | None = None
        self._silenced: tuple[object, ...] = (None, None, None)

    # ---- the link

    async def start(self) -> None:
        if not self._running:
            self._running = True
            self._inner.listen()
            self._follow_link(self._clock.now())

    async def stop(self) -> None:
        self._running, self._link = False, LinkChange.DROPPED
        await self._inner.stop()

    def _follow_link(self, now: datetime) -> None:
        """Bring the link to where the script has it, and tell each step."""
        wanted = self._wanted_link(now)
        if wanted is self._link:
            return
        before, self._link = self._link, wanted
        self._inner.renew()  # what was not heard comes again
        if wanted is not LinkChange.ACCEPTED:
            self._sink(LinesHeard(frozenset(), frozenset(), now))
        if wanted is LinkChange.DROPPED:
            self._held.clear()  # what was on its way was on that socket
            self._tell(LinkChange.DROPPED, "the gateway is gone")
        elif before is LinkChange.DROPPED:
            self._tell_time(now)
            self._tell(LinkChange.CONNECTING, "in process")
            self._tell(LinkChange.ACCEPTED, f"account {self.account}")
            if wanted is not LinkChange.ACCEPTED:
                self._tell(wanted, "as before")
        elif wanted is LinkChange.ACCEPTED:
            of_data = before in {LinkChange.COMPETING, LinkChange.DATA_LOST}
            back = LinkChange.DATA_RESTORED if of_data else LinkChange.RESTORED
            self._tell(back, "restored")
        elif before is LinkChange.ORDERS_LOST:
            self._tell(LinkChange.RESTORED, "restored")
            self._tell(wanted, "as before")
        else:
            self._tell(wanted, "scripted")

    def _wanted_link(self, now: datetime) -> LinkChange:
        if self.script.active(Restart, now) is not None:
            self._forgets_before = now
            return LinkChange.DROPPED
        if self._link is LinkChange.DROPPED and self._is_missed(Callback.TIME, now):
            return LinkChange.DROPPED  # who is not told the time is not let in
        if self.script.active(OrdersLost, now) is not None:
            return LinkChange.ORDERS_LOST
        if self.script.active(Competing, now) is not None:
            return LinkChange.COMPETING
        dead = self._farms.lost or self.script.active(DeadFarm, now) is not None
        return LinkChange.DATA_LOST if dead else LinkChange.ACCEPTED

    def _tell(self, change: LinkChange, detail: str) -> None:
        self._sink(LinkChanged(change, detail, self._clock.now()))

    def _tell_time(self, now: datetime) -> None:
        """Say what time it is here, as TWS answers at a connect and with every probe."""
        self._time_told_at = now
        self._sink(BrokerTimeTold(now.replace(microsecond=0), now, now, self._clock.monotonic()))

    def _answer_probe(self, now: datetime) -> None:
        silent = self._link is LinkChange.DROPPED or self.script.active(Mute, now) is not None
        if silent or now - self._time_told_at < _PROBED_EVERY:
            return
        if not self._is_missed(Callback.TIME, now):
            self._tell_time(now)

    def _deaf(self, now: datetime) -> bool:
        """Nothing about orders passes in either direction."""
        lost = self._link in {LinkChange.DROPPED, LinkChange.ORDERS_LOST}
        return lost or self.script.active(Mute, now) is not None

    # ---- what the venue says

    def _hear(self, event: Event) -> None:
        kind, now = CALLBACK_OF.get(type(event)), self._clock.now()
        if kind is None:
            if self._link is not LinkChange.DROPPED:
                self._sink(event)
        elif kind in OF_THE_MARKET:
            self._hear_market(kind, event, now)
        elif not self._deaf(now):
            if isinstance(event, AccountReported):
                event = self._told_account(event, now)
            self._hear_order(kind, event, now)
        if isinstance(event, ExecutionReported) and self._at_fill:
            paid, self._at_fill = self._at_fill, Decimal(0)
            self._venue.pay(paid)

    def _hear_market(self, kind: Callback, event: Event, now: datetime) -> None:
        flows = self._link in {LinkChange.ACCEPTED, LinkChange.DATA_LOST}
        if not flows or self.script.active(Mute, now) is not None:
            return
        if isinstance(event, LinesHeard):
            dead = frozenset(key for key in event.quotes | event.books if self._is_dead(key, now))
            self._sink(LinesHeard(event.quotes - dead, event.books - dead, now))
            return
        if isinstance(event, QuoteReceived | GreeksReceived | BookReceived) and self._is_dead(event.key, now):
            return
        option = self._is_option(event)
        if isinstance(event, QuoteReceived | GreeksReceived):
            self._spoke[OPTIONS if option else UNDERLYINGS] = now.timestamp()
        bad = self.script.active(BadQuotes, now)
        if bad is not None and isinstance(event, QuoteReceived):
            quote = event.quote
            sides = (quote.ask, quote.bid) if bad.value == "crossed" else (None, None)  # no number is None on our side
            event = QuoteReceived(event.key, replace(quote, bid=sides[0], ask=sides[1]))
        self._bend(kind, event, now)

    def _is_dead(self, key: str, now: datetime) -> bool:
        """Say whether the line of a key says nothing now, because it ended or its farm is gone."""
        option = len(key) > _LONGEST_SYMBOL
        farm, line = self.script.active(DeadFarm, now), self.script.active(DeadLine, now)
        if farm is not None and (farm.farm == "usopt") is option:
            return True
        if any(each.silences(option) for each in self._farm_faults(now)):
            return True
        return line is not None and option and _by_name(key, line.starts()) < line.share

    def _print_wildly(self, now: datetime) -> None:
        """What the next look at the market takes back: so there is none while what the market says may not come, or
        not in its order."""
        fault, chance = self.script.active(WildPrint, now), self.script.chance
        if fault is None or self._link is not LinkChange.ACCEPTED or self.script.active(Mute, now) is not None:
            return
        if any(each.bends(Callback.QUOTE) for at in (now, now + _NEXT_LOOK) for each in self.script.touching(at)):
            return
        for key, quote in self._inner.quoted():
            if chance.random() >= fault.share or self._is_dead(key, now):
                continue
            wild = wild_quote(quote, fault.does, chance, now)
            if wild is not None:
                self._inner.renew(key)
                self.script.wild.append(WildBid(now, key, wild.bid or Decimal(0), quote.bid or Decimal(0)))
                self._sink(QuoteReceived(key, wild))

    def _pay(self, now: datetime) -> None:
        for paid in self.script.due(CashMoves, now):
            if paid.at_fill:
                self._at_fill += paid.amount
            else:
                self._venue.pay(paid.amount)

    def _is_option(self, event: Event) -> bool:
        instrument = self._inner.line_of(getattr(event, "key", ""))
        return instrument is not None and instrument.sec_type == "OPT"

    def _farm_faults(self, now: datetime) -> list[FarmSays]:
        return [f for f in self.script.faults if isinstance(f, FarmSays) and self.script.lasts(f, now)]

    def _look_at_farms(self, now: datetime) -> None:
        """Do as an adapter does: a notice starts a look, what is silent and asked anew is lost."""
        at = now.timestamp()
        if self._link is LinkChange.DROPPED:
            self._farms.forget()
            self._spoke.clear()
            self._lines_since = None
            self.script.due(FarmSays, now)  # nobody is there to hear it
            return
        for farm in self.script.due(FarmSays, now):
            self._farms.noticed(f"{farm.code} {farm.text}", at)
        if not self._deaf(now):
            self._farms.heard(at)
        kinds = {instrument.sec_type == "OPT" for instrument in self._inner.lines}
        since = self._lines_since = self._lines_since or at
        there = {OPTIONS if option else UNDERLYINGS for option in kinds}
        for group in self._farms.judge(at, {name: Group(since, self._spoke.get(name)) for name in there}):
            if not any(farm.silences(group == OPTIONS) for farm in self._farm_faults(now)):
                self._spoke[group] = at + 0.001

    def _told_account(self, event: AccountReported, now: datetime) -> AccountReported:
        """Return what an adapter makes of what the account says of itself at this moment."""
        fault = self.script.active(AccountSays, now)
        if fault is None or self._valued is None or self._pnl is None:
            self._valued = self._pnl = event
            return event
        valued, pnl = self._valued, self._pnl
        if fault.says in {"pnl_silent", "slow"}:
            event = _with_old(event, valued, pnl, of_value=fault.says == "slow")
        if fault.says == "slow" and (now - valued.at).total_seconds() >= _SLOW_S:
            self._valued = event = replace(event, at=now)
        changes: dict[str, dict[str, Any]] = {
            "zeros": dict.fromkeys(("net_liquidation", "cash", "available_funds", "buying_power"), Decimal(0)),
            "base": {"net_liquidation": None, "currency": "EUR"},
            "missing": {self.script.chance.choice(("net_liquidation", "cash", "available_funds", "daily_pnl")): None},
            "pnl_unset": {"daily_pnl": None, "pnl_at": pnl.pnl_at},
        }
        return replace(event, **changes.get(fault.says, {}))

    def _hear_order(self, kind: Callback, event: Event, now: datetime) -> None:
        if kind not in OF_ORDERS or self.script.active(CommissionFirst, now) is None:
            self._bend(kind, event, now)
        elif kind is Callback.EXECUTION:
            self._before_executions.append(event)
        else:
            self._bend(kind, event, now)
            if kind is Callback.COMMISSION:
                waiting, self._before_executions = self._before_executions, []
                for execution in waiting:
                    self._bend(Callback.EXECUTION, execution, now)

    def _bend(self, kind: Callback, event: Event, now: datetime) -> None:
        """Pass a callback on, or do to it what the script says."""
        chance = self.script.chance
        for fault in self.script.touching(now):
            if not fault.bends(kind) or chance.random() >= fault.share:
                continue
            if isinstance(fault, Drop):
                return
            if isinstance(fault, Delay):
                self._later(fault.delay_seconds, lambda: self._sink(event))
                return
            if isinstance(fault, Reorder):
                self._later(chance.uniform(0, fault.delay_seconds), lambda: self._sink(event))
                return
            if isinstance(fault, Duplicate):
                self._later(chance.uniform(0, fault.delay_seconds), lambda: self._sink(event))
        self._sink(event)

    def _is_missed(self, kind: Callback, now: datetime) -> bool:
        """Say whether an answer to a question does not come, or too late for who asked."""
        for fault in self.script.touching(now):
            if not fault.bends(kind) or self.script.chance.random() >= fault.share:
                continue
            if isinstance(fault, Drop) or (isinstance(fault, Delay) and fault.delay_seconds > _PATIENCE_S):
                return True
        return False

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._number += 1
        self._held.append((self._clock.now() + timedelta(seconds=seconds), self._number, action))

    # ---- what the bot asks

    def reserve_order_ids(self, at_least: int) -> None:
        if self.script.due(IdReset, self._clock.now()):
            self._inner.restart_order_ids()
        self._inner.reserve_order_ids(at_least)

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        self._inner.remember(contracts)

    def subscribe(self, wanted: Subscribe) -> None:
        self._inner.subscribe(wanted)

    def ask_hours(self, keys: Sequence[str]) -> None:
        self._asked_hours = tuple(keys)
        other = self._told_hours = self.script.active(OtherHours, self._clock.now())
        if self._deaf(self._clock.now()):
            return
        if other is None or other.says != "nonsense":  # what cannot be read is no fact
            self._inner.tell_hours(keys, HoursSaid(other.says, other.form, other.zone) if other else USUAL)

    def submit(self, ticket: OrderTicket) -> int:
        now = self._clock.now()
        self._needs_socket()
        order_id = self._inner.take_order_id(ticket)
        numbered = replace(ticket, order_id=order_id)
        if self._deaf(now) or self.script.meet(LoseOrder, now) is not None:
            return order_id
        refusal = self.script.meet(Reject, now, of="place", orders=("any", _kind_of(ticket)))
        if refusal is not None and self._refuse_placement(numbered, refusal, now):
            return order_id
        self._inner.submit(numbered)
        return order_id

    def amend(self, ticket: OrderTicket) -> None:
        now = self._clock.now()
        self._needs_socket()
        if self._deaf(now) or self.script.meet(LoseOrder, now) is not None:
            return
        refusal = self.script.meet(Reject, now, of="change", orders=("any", _kind_of(ticket)))
        if refusal is not None:
            self._refuse(ticket.order_ref, ticket.order_id or 0, refusal, now)
        if refusal is None or refusal.code in INFORMING:
            self._inner.amend(ticket)

    def cancel(self, order_ref: str, order_id: int) -> None:
        now = self._clock.now()
        self._needs_socket()
        if self._deaf(now):
            return
        refusal = self.script.meet(Reject, now, of="cancel")
        slow = self.script.active(SlowCancel, now)
        if refusal is not None:
            self.script.cancels_refused[order_ref] += 1
            self._refuse(order_ref, order_id, refusal, now)
        elif slow is not None:
            self._later(slow.delay_seconds, lambda: self._inner.cancel(order_ref, order_id))
        else:
            self._inner.cancel(order_ref, order_id)

    def _needs_socket(self) -> None:
        if self._link is LinkChange.DROPPED:
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
        self._hear(OrderErred(order_ref, refusal.code, refusal.text, meaning, now, order_id))

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        now = self._clock.now()
        if self._deaf(now) or self._is_missed(Callback.PREVIEW, now):
            return WhatIfAnswered(signal_id, None, None, None, None, "no answer", now)
        return await self._inner.what_if(signal_id, ticket)

    async def snapshot(self) -> BrokerSnapshot:
        now = self._clock.now()
        if self._deaf(now) or self._is_missed(Callback.END, now):
            return BrokerSnapshot((), (), (), {}, (), 0, False, ("open orders: no answer",), now, now)
        snapshot = self._others.beside(await self._inner.snapshot())
        if self.script.meet(ShortBook, now, lacks="orders") is not None:
            snapshot = replace(snapshot, open_orders=())
        if self.script.meet(ShortBook, now, lacks="positions") is not None or self._is_missed(Callback.POSITION, now):
            snapshot = replace(snapshot, positions=())
        if self._forgets_before is None:
            return snapshot
        forgotten = {
            order.perm_id
            for order in self._venue.completed_orders()
            if order.completed_at is not None and order.completed_at <= self._forgets_before
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
        self._look_at_farms(now)
        self._follow_link(now)
        self._answer_probe(now)
        self._pay(now)
        self._venue.partial_fills_only = self.script.active(PartialFills, now) is not None
        for come in self.script.due(StrangersCome, now):
            self._others = others_in_process(come, self._venue.market, now)
            if not self._deaf(now):
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
        due = sorted((each for each in self._held if each[0] <= now), key=lambda each: each[:2])
        self._held = [each for each in self._held if each[0] > now]
        for _, _, action in due:
            action()
        if self._link is not LinkChange.DROPPED:
            self._renew_what_was_dead(now)
            self._inner.pump()
            self._print_wildly(now)

    def _renew_what_was_dead(self, now: datetime) -> None:
        """A line that is served again says everything again."""
        silenced = self.script.active(Mute, now), self.script.active(DeadFarm, now), self.script.active(DeadLine, now)
        if silenced != self._silenced:
            self._silenced = silenced
            self._inner.renew()


_LONGEST_SYMBOL: Final = 6


def _by_name(key: str, salt: int) -> float:
    """Return a number of a name that is the same in every process: 0 to 1."""
    return zlib.crc32(f"{key} {salt}".encode()) / 2**32


def _with_old(
    event: AccountReported, valued: AccountReported, pnl: AccountReported, *, of_value: bool
) -> AccountReported:
    """Return a report of which the account's value, or its P&L, is an older one's."""
    if of_value:
        return replace(event, net_liquidation=valued.net_liquidation, cash=valued.cash, at=valued.at)
    return replace(
        event,
        daily_pnl=pnl.daily_pnl,
        realized_pnl=pnl.realized_pnl,
        unrealized_pnl=pnl.unrealized_pnl,
        pnl_at=pnl.pnl_at,
    )


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
