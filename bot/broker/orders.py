"""Orders: a fresh library order from every ticket, and what TWS says of orders turned into events.

Remembered here are identities only (which order id and permId belong to which reference) and the last terms that the
broker showed, because a status message names neither reference nor contract. What state an order is in is the engine's
to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from typing import Any, Final

from bot.broker import words
from bot.broker.contracts import ContractBook, named
from bot.broker.ib import CommissionReport, Contract, IbExecution, IbOrder, IbOrderState, TagValue
from bot.broker.repeats import Repeats, so_often
from bot.domain.calendar import new_york_day
from bot.domain.errors import UnknownWord
from bot.domain.events.account import ForeignSeen
from bot.domain.events.orders import (
    BrokerOrderStatus,
    BrokerOrderView,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
)
from bot.domain.events.people import AlertRaised
from bot.domain.instruments import option_of_key
from bot.domain.order import Execution, OrderSide, OrderTicket, OrderType, revision_of
from bot.engine.state.ports import Clock, Sink

UNSET_INT: Final = 2**31 - 1
DUPLICATE_ID: Final = 103
_YEARS: Final = (2000, 2200)


ADAPTIVE: Final = "Adaptive"


def build_order(ticket: OrderTicket, account: str, *, what_if: bool = False) -> IbOrder:
    """Return a new library order: never one that the broker has written into, and nothing left to presets."""
    terms = ticket.terms
    order = IbOrder(
        action=ticket.side.value,
        totalQuantity=float(terms.quantity),
        orderType=ticket.order_type.value,
        tif="DAY",
        account=account,
        orderRef=ticket.order_ref,
        transmit=True,
        whatIf=what_if,
    )
    if ticket.order_type is OrderType.LIMIT and terms.limit_price is not None:
        order.lmtPrice = float(terms.limit_price)
    if ticket.order_type is OrderType.STOP and terms.stop_price is not None:
        order.auxPrice = float(terms.stop_price)
    if ticket.adaptive is not None:
        order.algoStrategy = ADAPTIVE
        order.algoParams = [TagValue("adaptivePriority", ticket.adaptive.value)]
    if ticket.good_after is not None:
        order.goodAfterTime = f"{ticket.good_after.astimezone(UTC):%Y%m%d-%H:%M:%S}"
    return order


class OrderIds:
    """The next order id: above everything that the store, the broker or this process ever used."""

    def __init__(self) -> None:
        self.next = 1

    def reserve(self, at_least: int) -> None:
        self.next = max(self.next, at_least)

    def take(self) -> int:
        taken = self.next
        self.next += 1
        return taken


@dataclass(slots=True)
class KnownOrder:
    """What is known of one order's identity and terms, and the last that was said of it."""

    order_ref: str
    order_id: int
    client_id: int
    perm_id: int
    contract_key: str
    side: OrderSide
    quantity: int
    limit_price: Decimal | None
    stop_price: Decimal | None
    status: BrokerOrderStatus | None = None
    filled_quantity: int | None = None
    detail: str = ""
    error: str = ""
    heard_on: date = date.max  # the last day on which anything was said of it


@dataclass(frozen=True, slots=True)
class _Status:
    word: str
    filled: float
    remaining: float
    why_held: str


class OrderDesk:
    """Translates order traffic. Survives connections: identities outlast a socket."""

    def __init__(
        self,
        client_id: int,
        book: ContractBook,
        clock: Clock,
        sink: Sink,
        ids: OrderIds,
        ask_order_id: Callable[[], None],
    ) -> None:
        self._client_id = client_id
        self._book = book
        self._clock = clock
        self._sink = sink
        self._ids = ids
        self._ask_order_id = ask_order_id
        self._by_id: dict[tuple[int, int], KnownOrder] = {}
        self._by_perm: dict[int, KnownOrder] = {}
        self._by_ref: dict[str, KnownOrder] = {}
        self._waiting: dict[tuple[int, int, int], _Status] = {}
        self._cancelled_unseen: dict[int, str] = {}  # order id -> reference, of cancels for orders nobody spoke of
        self._aside: set[str] = set()  # permIds and execIds of what is somebody else's and was set aside
        self.fills_told = 0
        self.fill_told_at = float("-inf")
        self.commissions: dict[str, Decimal] = {}
        self._commission_heard: dict[str, date] = {}
        self._other_money_told: dict[tuple[str, str], date] = {}
        self._unknown = Repeats()

    @property
    def _today(self) -> date:
        return new_york_day(self._clock.now())

    def forget_before(self, day: date) -> None:
        """Let go of orders and commissions of which nothing was said on `day` or later. Whatever is live is named in
        every book that is read, so it stays."""
        tables: tuple[dict[Any, KnownOrder], ...] = (self._by_id, self._by_perm, self._by_ref)
        for table in tables:
            for key in [key for key, known in table.items() if known.heard_on < day]:
                del table[key]
        for exec_id in [exec_id for exec_id, heard in self._commission_heard.items() if heard < day]:
            del self._commission_heard[exec_id]
            self.commissions.pop(exec_id, None)
        self._aside.clear()
        self._cancelled_unseen.clear()
        self._other_money_told = {key: told for key, told in self._other_money_told.items() if told >= day}

    def set_aside(self, seen: ForeignSeen) -> None:
        """Note an order or an execution of somebody else that no table reads: what is said of it later is no news."""
        self._aside.add(seen.identity)
        if self.commissions.pop(seen.identity, None) is not None:
            del self._commission_heard[seen.identity]

    # ---- what we send

    def sent(self, ticket: OrderTicket, order_id: int) -> None:
        """Note that a ticket goes out under an id."""
        known = self._by_id.get((self._client_id, order_id))
        if known is not None and known.order_ref == ticket.order_ref:
            return  # an amendment: the terms in force are what the broker shows, not what we asked
        terms = ticket.terms
        known = KnownOrder(
            ticket.order_ref, order_id, self._client_id, 0, ticket.contract_key, ticket.side,
            terms.quantity, terms.limit_price, terms.stop_price,
        )  # fmt: skip
        known.heard_on = self._today
        self._by_id[self._client_id, order_id] = known
        self._by_ref[ticket.order_ref] = known

    def reserve(self, order_id: int) -> None:
        """Take the broker's word for the next order id."""
        self._ids.reserve(order_id)

    def order_id_of(self, order_ref: str) -> int | None:
        known = self._by_ref.get(order_ref)
        return known.order_id if known is not None and known.client_id == self._client_id else None

    def owner_of(self, order_id: int) -> str | None:
        """Return the reference of our order with this id, None when it is nobody's."""
        known = self._by_id.get((self._client_id, order_id))
        return known.order_ref if known is not None else None

    def is_ours(self, perm_id: int) -> bool:
        """Say whether a permId is that of an order which this client placed."""
        known = self._by_perm.get(perm_id)
        return known is not None and known.client_id == self._client_id

    # ---- what comes back

    def open_order(self, contract: Contract, order: IbOrder, state: IbOrderState) -> KnownOrder:
        """Learn from an openOrder message; raises UnknownWord on a side or status that no table has."""
        status = words.order_status(state.status)
        known = self._learn(contract, order)
        known.status = status
        if status is BrokerOrderStatus.FILLED:
            known.filled_quantity = known.quantity  # the status with the number comes after it
        known.detail = state.warningText or known.detail
        waiting = self._waiting.pop((order.clientId, order.orderId, order.permId), None)
        if waiting is not None:
            self._apply(known, waiting)
        if order.clientId == self._client_id:
            self._ids.reserve(order.orderId + 1)
        return known

    def status(
        self, order_id: int, client_id: int, perm_id: int, word: str, filled: float, remaining: float, why_held: str
    ) -> None:
        """Take an orderStatus message. One that comes before its openOrder names no contract: it waits for that."""
        said = _Status(word, filled, remaining, why_held)
        known = self._find(client_id, order_id, perm_id)
        if known is None and str(perm_id) in self._aside:
            return
        if known is None:
            words.order_status(word)
            self._waiting[client_id, order_id, perm_id] = said
            return
        if perm_id and not known.perm_id:
            known.perm_id = perm_id
            self._by_perm[perm_id] = known
        known.heard_on = self._today
        self._apply(known, said)
        self.report(known)

    def tell_strays(self) -> None:
        """After a whole book: a status whose order is not even there fits nothing, and is told with its raw fields."""
        for (client_id, order_id, perm_id), said in self._waiting.items():
            if str(perm_id) in self._aside:
                continue
            facts = {
                "order_id": order_id, "client_id": client_id, "perm_id": perm_id, "status": said.word,
                "filled": said.filled, "remaining": said.remaining, "why_held": said.why_held,
            }  # fmt: skip
            text = f"a status {said.word} came for order {order_id} (permId {perm_id}), which nobody knows"
            self._sink(AlertRaised("STRAY_STATUS", text, facts, self._clock.now()))
        self._waiting.clear()

    def report(self, known: KnownOrder) -> None:
        self._sink(OrderReported(self.view(known)))

    def view(self, known: KnownOrder) -> BrokerOrderView:
        """Return an order as the broker last showed it."""
        status = known.status or BrokerOrderStatus.PENDING
        ended = status in {BrokerOrderStatus.INACTIVE, BrokerOrderStatus.CANCELLED}
        return BrokerOrderView(
            known.order_ref, known.perm_id, known.order_id, known.client_id, known.contract_key, known.side, status,
            known.quantity, known.filled_quantity, known.limit_price, known.stop_price, self._clock.now(),
            (known.error or known.detail) if ended else known.detail,
        )  # fmt: skip

    def completed(self, contract: Contract, order: IbOrder, state: IbOrderState) -> BrokerOrderView:
        """Return a completed order; it has neither order id nor client id, so both are 0."""
        filled = words.size(order.filledQuantity) if words.is_set(order.filledQuantity) else None
        _refuse_parts(order.totalQuantity, order.filledQuantity if words.is_set(order.filledQuantity) else 0)
        limit, stop = _prices(order)
        return BrokerOrderView(
            order.orderRef, order.permId, 0, 0, self._book.key(contract), words.order_side(order.action),
            words.order_status(state.status), words.size(order.totalQuantity) or (filled or 0), filled,
            limit, stop, self._clock.now(), getattr(state, "completedStatus", ""),
        )  # fmt: skip

    def execution(self, contract: Contract, execution: IbExecution) -> Execution:
        """Return a fill as ours; raises UnknownWord on what cannot be one: its side, quantity, price, id or time."""
        order_id = 0 if execution.orderId == UNSET_INT else execution.orderId
        known = self._find(execution.clientId, order_id, execution.permId)
        price, key, instrument = _execution_price(execution), self._book.key(contract), named(contract)
        if option_of_key(key) is None and not instrument.is_dollar_stock:
            raise UnknownWord(f"execution of {instrument}: its price is not in dollars a share of a plain option")
        return Execution(
            exec_id=execution.execId,
            order_ref=execution.orderRef or (known.order_ref if known is not None else ""),
            perm_id=execution.permId,
            order_id=order_id,
            contract_key=key,
            side=words.order_side(execution.side),
            quantity=int(execution.shares),
            price=price,
            executed_at=execution.time,
            client_id=execution.clientId,
        )

    def executed(self, execution: Execution) -> None:
        """Tell of a fill that came by itself."""
        self.fills_told += 1
        self.fill_told_at = asyncio.get_running_loop().time()
        self._sink(ExecutionReported(execution))

    def commission(self, report: CommissionReport) -> None:
        """Take a commission, whether or not its execution is here already; raises UnknownWord on an unset one."""
        if report.execId in self._aside:
            return
        amount = words.number(report.commission)
        if amount is None:
            raise UnknownWord(f"commission {report.commission} on {report.execId}")
        if report.currency not in {"", words.DOLLARS}:
            self._tell_of_other_money(report, amount)
            return
        self.commissions[report.execId] = amount
        self._commission_heard[report.execId] = self._today
        self._sink(CommissionReported(report.execId, amount, self._clock.now()))

    def _tell_of_other_money(self, report: CommissionReport, amount: Decimal) -> None:
        """Options of the US are charged in dollars; what is not is of somebody else's trade, or an account of another
        kind: it is told once and never added to dollars."""
        if (report.execId, report.currency) in self._other_money_told:
            return
        self._other_money_told[report.execId, report.currency] = self._today
        text = f"a commission of {amount} {report.currency} for execution {report.execId} is not counted: no dollars"
        facts = {"exec_id": report.execId, "currency": report.currency, "commission": amount}
        self._sink(AlertRaised("COMMISSION_CURRENCY", text, facts, self._clock.now()))

    def cancelling(self, order_ref: str, order_id: int) -> None:
        """Note that a cancel goes out: what is answered to it names the id alone, and an order of an earlier run may
        not have been heard of."""
        if self.owner_of(order_id) is None:
            self._cancelled_unseen[order_id] = order_ref

    def error(self, order_id: int, code: int, text: str) -> bool:
        """Take an error that came with an order id; False when the id is no order of ours."""
        known = self._by_id.get((self._client_id, order_id))
        if known is None:
            return self._error_of_unseen(order_id, code, text)
        if code == DUPLICATE_ID:
            self._ask_order_id()
        meaning = self._meaning(known.order_ref, order_id, code, text)
        if meaning is not ErrorMeaning.WARNING:
            known.error = f"{code}: {text}"
        says = words.refusal(code, text)
        self._sink(OrderErred(known.order_ref, code, text, meaning, self._clock.now(), order_id, says))
        return True

    def _error_of_unseen(self, order_id: int, code: int, text: str) -> bool:
        order_ref = self._cancelled_unseen.get(order_id)
        if order_ref is None:
            return False
        meaning = self._meaning(order_ref, order_id, code, text)
        says = words.refusal(code, text)
        self._sink(OrderErred(order_ref, code, text, meaning, self._clock.now(), refusal=says))
        return True

    def _meaning(self, order_ref: str, order_id: int, code: int, text: str) -> ErrorMeaning:
        try:
            return words.order_error(code)
        except UnknownWord as unknown:
            if times := self._unknown.count(str(code)):
                facts = {"code": code, "text": text, "order_ref": order_ref, "order_id": order_id}
                told = f"{unknown}{so_often(times)}: {text}"
                self._sink(AlertRaised("UNKNOWN_WORD", told, {**facts, "times": times}, self._clock.now()))
            return ErrorMeaning.WARNING if code in words.NOTICE_RANGE else ErrorMeaning.AMBIGUOUS

    def _find(self, client_id: int, order_id: int, perm_id: int) -> KnownOrder | None:
        if perm_id and perm_id in self._by_perm:
            return self._by_perm[perm_id]
        known = self._by_id.get((client_id, order_id)) if order_id > 0 else None
        if known is not None and perm_id and known.perm_id not in {0, perm_id}:
            return None  # the id was given out a second time: permId tells the two apart
        return known

    def _learn(self, contract: Contract, order: IbOrder) -> KnownOrder:
        known = self._find(order.clientId, order.orderId, order.permId)
        if known is not None and known.order_ref != order.orderRef:
            known = None
        _refuse_parts(order.totalQuantity)
        limit, stop = _prices(order)
        if known is None:
            known = KnownOrder(
                order.orderRef, order.orderId, order.clientId, order.permId, self._book.key(contract),
                words.order_side(order.action), words.size(order.totalQuantity), limit, stop,
            )  # fmt: skip
        known.quantity, known.limit_price, known.stop_price = words.size(order.totalQuantity), limit, stop
        known.heard_on = self._today
        self._index(known, order)
        return known

    def _index(self, known: KnownOrder, order: IbOrder) -> None:
        if order.permId:
            known.perm_id = order.permId
            self._by_perm[order.permId] = known
        if order.orderId > 0:
            known.order_id, known.client_id = order.orderId, order.clientId
            self._by_id[order.clientId, order.orderId] = known
        if order.orderRef and order.clientId == self._client_id:
            self._by_ref[order.orderRef] = known

    @staticmethod
    def _apply(known: KnownOrder, said: _Status) -> None:
        known.status = words.order_status(said.word)
        known.filled_quantity = words.size(said.filled)
        known.detail = said.why_held or known.detail


def _execution_price(execution: IbExecution) -> Decimal:
    """Return the price of an execution that can be one; raises UnknownWord. Nothing but a correction is of nothing."""
    shares, price = execution.shares, words.number(execution.price)
    if shares != int(shares) or shares > words.MOST_CONTRACTS or (shares == 0 and revision_of(execution.execId) < 2):
        raise UnknownWord(f"execution of {shares} contracts")
    if price is None or not 0 <= price < words.MOST_PRICE:
        raise UnknownWord(f"execution at {execution.price}")
    if not execution.execId or not _YEARS[0] <= execution.time.year < _YEARS[1]:
        raise UnknownWord(f"execution {execution.execId!r} of {execution.time}")
    return price


def _refuse_parts(*quantities: float) -> None:
    """Raise UnknownWord for an order of a part of something: nothing that this bot trades comes in parts."""
    for quantity in quantities:
        if words.is_set(quantity) and quantity != int(quantity):
            raise UnknownWord(f"order of {quantity:g}")


def _prices(order: IbOrder) -> tuple[Decimal | None, Decimal | None]:
    """Return limit and stop price where the order type has them: TWS fills the others with zeros and leftovers."""
    limit = words.number(order.lmtPrice) if "LMT" in order.orderType or order.orderType == "LIT" else None
    stop = words.number(order.auxPrice) if order.orderType.startswith("STP") else None
    return limit, stop
