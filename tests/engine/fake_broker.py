"""A broker whose book is a dict: it answers when the test says so, and raises at what IBKR would refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.broker import words
from bot.domain.errors import BrokerError, BrokerUnavailable, OrderRejected
from bot.domain.events import Event
from bot.domain.events.account import BookFault, BookPart, BrokerPosition, BrokerSnapshot, PositionTold
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.orders import (
    MAY_FILL,
    BrokerOrderStatus,
    BrokerOrderView,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
    WhatIfAnswered,
)
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, PriceGrid, parse_osi
from bot.domain.order import Execution, OrderSide, OrderTicket, OrderType, Terms
from bot.engine.state.ports import Clock
from bot.sim.faults.codes import MEANING

FEE = Decimal("0.65")
"""Dollars a contract."""


REJECTED = 201
CANCELLED, NOT_FOUND, NOT_CANCELLABLE = 202, 10147, 10148
"""Said of a cancel: it is done; there is no such order; the order is over."""
BOTH_SIDES = "Order rejected - reason:Cannot have open orders on both sides of the same US Option contract."


class BrokenLaw(AssertionError):
    """The engine asked for what IBKR refuses, or for what would make us short."""


@dataclass
class AtBroker:
    """One order as the broker has it."""

    ref: str
    key: str
    side: OrderSide
    type: OrderType
    terms: Terms
    order_id: int
    perm_id: int
    status: BrokerOrderStatus = BrokerOrderStatus.PENDING
    filled: int = 0
    asked: Terms | None = None  # an amendment on its way
    cancel_asked: bool = False
    heard: bool = False  # we acknowledged it

    @property
    def live(self) -> bool:
        return self.status in MAY_FILL

    @property
    def left(self) -> int:
        return self.terms.quantity - self.filled


class FakeBroker:
    """Implements the Broker port. Nothing is answered until the test says so (or `answer()` answers everything)."""

    client_id = 17
    account = "DU1"

    def __init__(self, clock: Clock) -> None:
        self.first_worth: Decimal | None = None  # the account's value when it was told first, in whatever run
        self.clock = clock
        self.sink: Callable[[Event], None] = lambda event: None
        self.book: dict[str, AtBroker] = {}
        self.executions: dict[str, Execution] = {}
        self.executed = 0
        self.commissions: dict[str, Decimal] = {}
        self.held: dict[str, int] = {}
        self._told_held: dict[str, int] = {}
        self.cost: dict[str, Decimal] = {}
        self.cash = Decimal(0)
        self.next_id = 1
        self.started = False
        self.online = False
        self.what_if_error: str | None = None
        self.what_ifs: list[OrderTicket] = []
        self.snapshots = 0
        self.asked_hours: list[str] = []
        self.asked_chains: list[str] = []
        self.asked_quotes: list[str] = []
        self.chain: tuple[str, ...] = ()
        self.unlisted: set[str] = set()  # contracts that the broker does not know
        self.hide: set[str] = set()  # references that a snapshot does not show
        self.incomplete = False
        self.faults: tuple[BookFault, ...] = (BookFault(BookPart.COMPLETED_ORDERS, ""),)  # of a book that is incomplete
        self.subscribed: Mapping[str, frozenset[str]] = {}
        self.submitted: list[OrderTicket] = []
        self.amended: list[OrderTicket] = []
        self.cancels: list[str] = []  # references, as often as a cancel came
        self.refuses_stops = False
        self.refuses_with = 201
        self.by_hand: dict[int, BrokerOrderView] = {}  # live orders of somebody else, by permId
        self.hides_what_is_by_hand = False

    # ---- the port

    async def start(self) -> None:
        if not self.started:
            self.started = True
            self.comes_back()

    async def stop(self) -> None:
        self.started = self.online = False

    def reserve_order_ids(self, at_least: int) -> None:
        self.next_id = max(self.next_id, at_least)

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        return

    def submit(self, ticket: OrderTicket) -> int:
        order_id = ticket.order_id or self.next_id
        self._may_send(ticket.order_ref, order_id)
        self._is_listed(ticket.contract_key)
        known = self.book.get(ticket.order_ref)
        if known is not None and known.live:
            if known.order_id != ticket.order_id:
                raise BrokenLaw(f"{ticket.order_ref} was sent twice")
            self._change(known, ticket.terms)
            return order_id
        self.next_id = max(self.next_id, order_id + 1)
        self.submitted.append(ticket)
        self.book[ticket.order_ref] = AtBroker(
            ticket.order_ref,
            ticket.contract_key,
            ticket.side,
            ticket.order_type,
            ticket.terms,
            order_id,
            9000 + order_id,
        )
        self._obey_the_law(ticket.contract_key)
        return order_id

    def amend(self, ticket: OrderTicket) -> None:
        order = self.book.get(ticket.order_ref)
        self._may_send(ticket.order_ref, ticket.order_id or 0)
        if order is None and ticket.order_id is None:
            raise OrderRejected(f"{ticket.order_ref} has no order id of ours to amend")
        self.amended.append(ticket)
        if order is None:
            self.submit(ticket)  # IBKR takes new terms for an id that it does not know as a new order
        elif order.live:
            self._change(order, ticket.terms)

    def _change(self, order: AtBroker, terms: Terms) -> None:
        order.asked = terms
        if terms.quantity > order.terms.quantity:
            self._obey_the_law(order.key)

    def cancel(self, order_ref: str, order_id: int) -> None:
        self._may_send(order_ref, order_id)
        self.cancels.append(order_ref)
        order = self.book.get(order_ref)
        if order is not None and order.live:
            order.cancel_asked = True
        elif order is not None:
            self._err(order_ref, NOT_CANCELLABLE, f"OrderId {order_id} cannot be cancelled, state: {order.status}.")
        else:
            self._err(order_ref, NOT_FOUND, f"OrderId {order_id} that needs to be cancelled is not found.")

    def _may_send(self, order_ref: str, order_id: int) -> None:
        """Raise as the port says: without a connection, or where the id is another order's."""
        if not self.online:
            raise BrokerUnavailable("no socket")
        owner = next((o.ref for o in self.book.values() if o.order_id == order_id), order_ref)
        if owner != order_ref:
            raise OrderRejected(f"order id {order_id} belongs to {owner}, not to {order_ref}")

    def _is_listed(self, key: str) -> None:
        if key in self.unlisted:
            raise OrderRejected(f"{key.strip()} is not qualified at the broker")

    def _err(self, order_ref: str, code: int, text: str) -> None:
        """Say an error with what its code means: by the venue's table, and 202 that a cancel is done."""
        meaning = ErrorMeaning.CANCEL_REPORTED if code == CANCELLED else MEANING.get(code, ErrorMeaning.AMBIGUOUS)
        self.sink(OrderErred(order_ref, code, text, meaning, self.clock.now(), refusal=words.refusal(code, text)))

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        self.what_ifs.append(ticket)
        error, equity = self.what_if_error, Decimal(100_000)
        try:
            self._may_send(ticket.order_ref, 0)
            self._is_listed(ticket.contract_key)
        except BrokerError as refused:
            error = str(refused)
        if error is not None:
            return WhatIfAnswered(signal_id, None, None, None, None, error, self.clock.now())
        return WhatIfAnswered(signal_id, Decimal(500), equity, Decimal(1000), Decimal("1.30"), None, self.clock.now())

    async def snapshot(self) -> BrokerSnapshot:
        self.snapshots += 1
        if not self.online:
            now, faults = self.clock.now(), (BookFault(BookPart.OPEN_ORDERS, "no socket"),)
            return BrokerSnapshot((), (), (), {}, (), self.next_id, False, faults, now, now)
        shown = [o for o in self.book.values() if o.ref not in self.hide]
        executions = [e for e in self.executions.values() if e.order_ref not in self.hide]
        return BrokerSnapshot(
            open_orders=[*(self.view(o) for o in shown if o.live), *self._shown_by_hand()],
            completed_orders=[replace(self.view(o), order_id=0, client_id=0) for o in shown if not o.live],
            executions=executions,
            commissions={e.exec_id: self.commissions[e.exec_id] for e in executions if e.exec_id in self.commissions},
            positions=[
                BrokerPosition(key, parse_osi(key) if len(key) > 6 else None, held, self.cost.get(key, Decimal(2)))
                for key, held in self.held.items()
                if held
            ],
            next_order_id=self.next_id,
            complete=not self.incomplete,
            faults=self.faults if self.incomplete else (),
            at=self.clock.now(),
            asked_at=self.clock.now(),
        )

    def subscribe(self, wanted: Subscribe) -> None:
        self.subscribed, self.chain = wanted.wanted, wanted.chain

    def ask_hours(self, keys: Sequence[str]) -> None:
        self.asked_hours.extend(keys)

    def ask_chains(self, symbols: Sequence[str]) -> None:
        self.asked_chains.extend(symbols)

    def ask_quotes(self, keys: Sequence[str]) -> None:
        self.asked_quotes.extend(keys)

    # ---- the law of the venue

    def _obey_the_law(self, key: str) -> None:
        """No working buy beside a working sell, and no more on sale than is held: IBKR refuses both."""
        live = [o for o in self.book.values() if o.key == key and o.live]
        sells = [o for o in live if o.side is OrderSide.SELL]
        if sells and any(o.side is OrderSide.BUY for o in live):
            raise BrokenLaw(f"a buy and a sell of {key} are live together")
        on_sale = sum(max(o.left, (o.asked.quantity if o.asked else 0) - o.filled) for o in sells)
        if on_sale > self.held.get(key, 0):
            raise BrokenLaw(f"{on_sale} of {key} on sale, {self.held.get(key, 0)} held")

    # ---- the test's hand

    def hangs_up(self) -> None:
        """The gateway goes away."""
        self.online = False
        self.sink(LinkChanged(LinkChange.DROPPED, "the gateway is gone", self.clock.now()))

    def comes_back(self) -> None:
        """The gateway lets us in, and says first what time it is."""
        now = self.clock.now()
        self.online = True
        self.sink(BrokerTimeTold(now.replace(microsecond=0), now, now, self.clock.monotonic()))
        self.sink(LinkChanged(LinkChange.CONNECTING, "", now))
        self.sink(LinkChanged(LinkChange.ACCEPTED, f"account {self.account}", now))

    def _shown_by_hand(self) -> list[BrokerOrderView]:
        return [] if self.hides_what_is_by_hand else list(self.by_hand.values())

    def _is_beside_a_buy_by_hand(self, order: AtBroker) -> bool:
        buys = [v for v in self.by_hand.values() if v.side is OrderSide.BUY and v.contract_key == order.key]
        return bool(buys) and order.side is OrderSide.SELL and not order.heard

    def places_by_hand(self, key: str, side: OrderSide, quantity: int, limit: str) -> BrokerOrderView:
        """Somebody else's order works from now on; the API tells of it only when it is asked for the book."""
        perm_id, now = 5000 + len(self.by_hand), self.clock.now()
        view = BrokerOrderView(
            "by hand", perm_id, 3, 78, key, side, BrokerOrderStatus.WORKING, quantity, 0, Decimal(limit), None, now
        )
        self.by_hand[perm_id] = view
        return view

    def one(self, side: OrderSide, kind: OrderType) -> AtBroker:
        found = [o for o in self.book.values() if o.live and o.side is side and o.type is kind]
        assert len(found) == 1, f"{len(found)} live {side} {kind} orders"
        return found[0]

    @property
    def entry(self) -> AtBroker:
        return self.one(OrderSide.BUY, OrderType.LIMIT)

    @property
    def stop_order(self) -> AtBroker:
        return self.one(OrderSide.SELL, OrderType.STOP)

    @property
    def rung(self) -> AtBroker:
        return self.one(OrderSide.SELL, OrderType.LIMIT)

    @property
    def market(self) -> AtBroker:
        return self.one(OrderSide.SELL, OrderType.MARKET)

    @property
    def live(self) -> list[AtBroker]:
        return [o for o in self.book.values() if o.live]

    def view(self, order: AtBroker) -> BrokerOrderView:
        return BrokerOrderView(
            order.ref,
            order.perm_id,
            order.order_id,
            self.client_id,
            order.key,
            order.side,
            order.status,
            order.terms.quantity,
            order.filled,
            order.terms.limit_price,
            order.terms.stop_price,
            self.clock.now(),
        )

    def report(self, order: AtBroker) -> None:
        order.heard = True
        self.sink(OrderReported(self.view(order)))

    def ack(self, order: AtBroker) -> None:
        """Acknowledge a new order or put an amendment in force."""
        order.status = BrokerOrderStatus.PENDING if order.type is OrderType.STOP else BrokerOrderStatus.WORKING
        if order.asked is not None:
            order.terms, order.asked = order.asked, None
        if order.left <= 0:
            order.status = BrokerOrderStatus.FILLED  # shrunk to what it had filled
        self.report(order)

    def cancel_ack(self, order: AtBroker) -> None:
        order.status, order.asked = BrokerOrderStatus.CANCELLED, None
        self.report(order)
        self._err(order.ref, CANCELLED, "Order Canceled - reason:")

    def reject(self, order: AtBroker, code: int = 201, text: str = "refused") -> None:
        """Refuse a placement: with 201 the order is left behind as Inactive, with any other code nothing is."""
        self._err(order.ref, code, text)
        if code == REJECTED:
            order.status, order.asked = BrokerOrderStatus.INACTIVE, None
            self.report(order)
        else:
            self.drop(order)

    def refuse_amendment(self, order: AtBroker, code: int = 110, text: str = "not changed") -> None:
        order.asked = None
        self._err(order.ref, code, text)

    def drop(self, order: AtBroker) -> None:
        """The order never arrived: the broker knows nothing of it."""
        del self.book[order.ref]

    def execute(self, order: AtBroker, quantity: int, price: str | Decimal, fee: Decimal | None = None) -> Execution:
        """Fill without telling anybody."""
        assert 0 < quantity <= order.left, f"{quantity} of {order.left}"
        price = Decimal(price)
        fee = FEE * quantity if fee is None else fee
        sign, before = 1 if order.side is OrderSide.BUY else -1, self.held.get(order.key, 0)
        self.held[order.key] = before + sign * quantity
        if self.held[order.key] < 0:
            raise BrokenLaw(f"short {order.key}")
        if sign > 0:
            paid = before * self.cost.get(order.key, price) + quantity * price + fee / 100
            self.cost[order.key] = paid / self.held[order.key]
        self.executed += 1
        execution = Execution(
            f"0000e{self.executed:04d}.01",
            order.ref,
            order.perm_id,
            order.order_id,
            order.key,
            order.side,
            quantity,
            price,
            self.clock.now(),
            self.client_id,
        )
        self.executions[execution.exec_id] = execution
        self.commissions[execution.exec_id] = fee
        self.cash -= sign * quantity * price * 100 + fee
        order.filled += quantity
        if order.left == 0:
            order.status, order.asked = BrokerOrderStatus.FILLED, None
        elif order.status is BrokerOrderStatus.PENDING:
            order.status = BrokerOrderStatus.WORKING
        return execution

    def is_corrected(self, execution: Execution) -> bool:
        return any(e.base_id == execution.base_id and e.revision > execution.revision for e in self.executions.values())

    def take_back(self, execution: Execution) -> Execution:
        """Correct an execution by one contract less, and return the correction; the fee of one that is gone is paid
        back."""
        sign = 1 if execution.side is OrderSide.BUY else -1
        exec_id = f"{execution.base_id}.{execution.revision + 1:02d}"
        after = replace(execution, exec_id=exec_id, quantity=execution.quantity - 1)
        fee = self.commissions[execution.exec_id]
        self.executions[exec_id], self.commissions[exec_id] = after, fee if after.quantity else Decimal(0)
        self.cash += fee - self.commissions[exec_id]
        self.held[execution.contract_key] -= sign
        self.cash += sign * execution.price * 100
        return after

    def tell_commission(self, execution: Execution) -> None:
        self.sink(CommissionReported(execution.exec_id, self.commissions[execution.exec_id], self.clock.now()))

    def fill(self, order: AtBroker, quantity: int | None = None, price: str | Decimal = "2.00") -> Execution:
        """Fill and tell everything in the usual order: execution, status, commission."""
        execution = self.execute(order, quantity or order.left, price)
        self.sink(ExecutionReported(execution))
        self.report(order)
        self.tell_commission(execution)
        return execution

    def _tell_positions(self) -> bool:
        """Tell of its own accord what is held otherwise than was told last."""
        changed = {key: held for key, held in self.held.items() if held != self._told_held.get(key, 0)}
        self._told_held.update(changed)
        for key, held in changed.items():
            self.sink(PositionTold(key, held, self.clock.now()))
        return bool(changed)

    def answer(self) -> bool:
        """Answer what waits for an answer as a broker in good health does; say whether there was anything."""
        busy = self._tell_positions()
        for order in list(self.book.values()):
            if not order.live:
                continue
            if order.cancel_asked:
                self.cancel_ack(order)
                busy = True
            elif order.asked is not None or not order.heard:
                refused = self.refuses_stops and order.type is OrderType.STOP
                if self._is_beside_a_buy_by_hand(order):
                    self.reject(order, text=BOTH_SIDES)
                else:
                    self.reject(order, self.refuses_with) if refused else self.ack(order)
                busy = True
        return busy
