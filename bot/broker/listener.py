"""What the decoder calls, by the names of the TWS API: each callback hands its message to the part that it concerns.

One listener lives for one connection, so that a late message of an old one finds nobody.
"""

# ruff: noqa: N802 - the names are the TWS API's

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bot.broker import words
from bot.broker.account import AccountValues
from bot.broker.data_health import DataHealth
from bot.broker.farms import FarmLook
from bot.broker.holdings import Holdings
from bot.broker.ib import (
    CommissionReport,
    Contract,
    ContractDetails,
    IbExecution,
    IbOrder,
    IbOrderState,
    PriceIncrement,
)
from bot.broker.link import LinkHealth
from bot.broker.market import MarketLines
from bot.broker.orders import OrderDesk
from bot.broker.ownership import LAYOUTS, STATUS, foreign_of, may_be_ours
from bot.broker.repeats import Repeats, so_often
from bot.broker.requests import RequestRefused, Requests, Spoiled
from bot.broker.what_if import WhatIfs
from bot.domain.errors import UnknownWord
from bot.domain.events import AlertRaised, ForeignSeen
from bot.domain.outside import outside, whole_number
from bot.domain.ownership import Ownership
from bot.engine.state.ports import Clock, Sink

SAME_ALERT_S: Final = 60.0
MOST_ALERTS: Final = 100
"""Within SAME_ALERT_S."""
OPEN_ORDERS, COMPLETED, POSITIONS, TIME = "open orders", "completed orders", "positions", "current time"
ACCOUNT_VALUES: Final = "account values"
HANDSHAKE, ACCOUNTS, NEXT_ORDER_ID = "the handshake", "managed accounts", "next order id"
LOGIN: Final = (ACCOUNTS, NEXT_ORDER_ID, TIME)
"""What a login is made of, in the order in which TWS answers."""
UNKNOWN_REQUEST_NOTICES: Final = frozenset({200, 300, 310, 10167, 2152})
"""What may come late for a request that was given up in the meantime."""
EXECUTION: Final = "11"
_PART_OF: Final[Mapping[str, str]] = {"5": OPEN_ORDERS, "101": COMPLETED, "61": POSITIONS}


class Parts:
    """Who hears what. The account is set once the login's accounts are known."""

    def __init__(
        self, market: MarketLines, desk: OrderDesk, account: AccountValues, what_ifs: WhatIfs, link: LinkHealth,
        farms: FarmLook, owner: Ownership, holdings: Holdings, clock: Clock, sink: Sink,
    ) -> None:  # fmt: skip
        self.market = market
        self.desk = desk
        self.account = account
        self.what_ifs = what_ifs
        self.link = link
        self.farms = farms
        self.owner = owner
        self.holdings = holdings
        self.clock = clock
        self.sink = sink
        self.data_health = DataHealth(clock, sink)
        self.account_name = ""


class Listener:
    """Receives the messages of one connection until it is muted."""

    def __init__(self, parts: Parts, requests: Requests, client_id: int) -> None:
        self._parts = parts
        self._requests = requests
        self._client_id = client_id
        self._muted = False
        self._told_at: dict[tuple[str, str], float] = {}
        self.first_order_id = 0
        self.packets = 0
        self._unknown = Repeats()
        self.refusal = ""
        self.login_heard: set[str] = set()

    def mute(self) -> None:
        """Hear nothing more: the connection is over."""
        self._muted = True

    # ---- the socket

    def connectAck(self) -> None:
        """The handshake was answered; the client goes on by itself."""
        self.login_heard.add(HANDSHAKE)

    def setEventsDone(self) -> None:
        """Nothing to do: we hand out no event objects."""

    def connectionClosed(self) -> None:
        """Nothing to do: the connection's owner listens to the socket itself."""

    def tcpDataArrived(self) -> None:
        self.packets += 1

    def tcpDataProcessed(self) -> None:
        if self._muted:
            return
        self._parts.farms.heard()
        if self._parts.market.flush():
            self._parts.link.data_flows()
            self._parts.data_health.heard()
        self._parts.market.heard()
        self._parts.account.flush()

    def unreadable(self, fields: Sequence[str], error: Exception) -> None:
        if self._is_foreign(fields, outside(repr(error))):
            return
        text = f"message {fields[0] if fields else '?'} from TWS could not be read: {outside(repr(error))}"
        self._spoil(fields, text)
        self._parts.data_health.dropped(text)
        self._alert("TWS_UNREADABLE", text, {"fields": list(fields)[:60]})

    def unknown_zone(self, zone: str) -> None:
        told = (
            f"TWS tells execution times in the zone {outside(zone, 60)!r}, which nobody knows: ibkr.tws_zone is taken"
        )
        self._alert("TWS_ZONE_UNKNOWN", told, {"zone": zone})

    def unknown_word(self, fields: Sequence[str], error: UnknownWord) -> None:
        if self._is_foreign(fields, str(error)):
            return
        self._spoil(fields, str(error))
        self._parts.data_health.dropped(str(error))
        if times := self._unknown.count(str(error)):
            self._alert("UNKNOWN_WORD", f"{error}{so_often(times)}", {"fields": list(fields)[:60], "times": times})

    def _is_foreign(self, fields: Sequence[str], why: str) -> bool:
        """Set aside what cannot be read and is nobody's of ours: kept as it came, it spoils no answer."""
        if not fields or (fields[0] != STATUS and fields[0] not in LAYOUTS) or may_be_ours(fields, self._parts.owner):
            return False
        if fields[0] != STATUS:
            self._set_aside(fields, foreign_of(fields, why, self._parts.clock.now()))
        return True

    def _set_aside(self, fields: Sequence[str], seen: ForeignSeen) -> None:
        self._parts.desk.set_aside(seen)
        name: Hashable = _PART_OF.get(fields[0])
        if name is None and len(fields) > 1:
            name = whole_number(fields[1])
        if not self._requests.add(name, seen) and not self._muted:
            self._parts.sink(seen)

    def _spoil(self, fields: Sequence[str], why: str) -> None:
        """An item that could not be read must not look absent in the answer that it was part of."""
        name = _PART_OF.get(fields[0]) if fields else None
        if name is not None:
            self._requests.add(name, Spoiled(why))
        elif len(fields) > 1 and fields[0] == EXECUTION and (request := whole_number(fields[1])) is not None:
            self._requests.add(request, Spoiled(why))

    def _alert(self, code: str, text: str, facts: dict[str, Any]) -> None:
        """Raise an alert, the same one at most once in a while, and no more than so many: a fault in a stream comes
        with every tick. What is left out here still counts in the feed's row."""
        now = asyncio.get_running_loop().time()
        self._told_at = {key: at for key, at in self._told_at.items() if now - at < SAME_ALERT_S}
        if self._muted or (code, text) in self._told_at or len(self._told_at) >= MOST_ALERTS:
            return
        self._told_at[code, text] = now
        self._parts.sink(AlertRaised(code, text, facts, self._parts.clock.now()))

    # ---- login and time

    def nextValidId(self, order_id: int) -> None:
        self.login_heard.add(NEXT_ORDER_ID)
        self.first_order_id = max(self.first_order_id, order_id)
        self._parts.desk.reserve(order_id)

    def managedAccounts(self, accounts: str) -> None:
        """The client keeps them."""
        del accounts
        self.login_heard.add(ACCOUNTS)

    def currentTime(self, epoch: int) -> None:
        self.login_heard.add(TIME)
        self._requests.add(TIME, datetime.fromtimestamp(epoch, UTC))
        self._requests.finish(TIME)

    # ---- errors

    def error(self, request_id: int, code: int, text: str, reject_json: str = "") -> None:
        if self._muted:
            return
        text, reject_json = outside(text) if text else "", outside(reject_json) if reject_json else ""
        if request_id == -1:
            self._system(code, text)
        elif self._parts.what_ifs.error(request_id, code, text) or self._requests_end(request_id, code, text):
            return
        elif self._parts.market.is_mine(request_id):
            self._parts.market.error(request_id, code, text)
        elif not self._parts.desk.error(request_id, code, f"{text} {reject_json}".strip()):
            self._stray(request_id, code, text)

    def _system(self, code: int, text: str) -> None:
        if code == 326:
            self.refusal = f"another program holds client id {self._client_id}: {text}"
        self._parts.link.system(code, text)

    def _requests_end(self, request_id: int, code: int, text: str) -> bool:
        """An error ends the question that it came for; a warning does not."""
        if request_id not in self._requests:
            return False
        if code not in words.NOTICE_RANGE:
            self._requests.fail(request_id, RequestRefused(code, text))
        return True

    def _stray(self, request_id: int, code: int, text: str) -> None:
        if self._parts.account.is_mine(request_id) or code in UNKNOWN_REQUEST_NOTICES:
            return
        facts = {"id": request_id, "code": code, "text": text}
        self._alert("STRAY_ERROR", f"error {code} for id {request_id}, which is nobody's: {text}", facts)

    # ---- orders

    def openOrder(self, order_id: int, contract: Contract, order: IbOrder, state: IbOrderState) -> None:
        del order_id
        if self._muted:
            return
        if order.whatIf:
            self._parts.what_ifs.answer(order.orderId, state)
            return
        known = self._parts.desk.open_order(contract, order, state)
        asked = self._requests.add(OPEN_ORDERS, known)
        if not asked or order.clientId == self._client_id:
            self._parts.desk.report(known)

    def openOrderEnd(self) -> None:
        self._requests.finish(OPEN_ORDERS)

    def orderStatus(
        self, order_id: int, status: str, filled: float, remaining: float, average: float, perm_id: int, parent_id: int,
        last_price: float, client_id: int, why_held: str, cap_price: float = 0.0,
    ) -> None:  # fmt: skip
        del average, parent_id, last_price, cap_price
        if not self._muted:
            self._parts.desk.status(order_id, client_id, perm_id, status, filled, remaining, why_held)

    def completedOrder(self, contract: Contract, order: IbOrder, state: IbOrderState) -> None:
        self._requests.add(COMPLETED, self._parts.desk.completed(contract, order, state))

    def completedOrdersEnd(self) -> None:
        self._requests.finish(COMPLETED)

    def execDetails(self, request_id: int, contract: Contract, execution: IbExecution) -> None:
        if self._muted or execution.acctNumber not in {"", self._parts.account_name}:
            return
        translated = self._parts.desk.execution(contract, execution)
        if not self._requests.add(request_id, translated):
            self._parts.desk.executed(translated)

    def execDetailsEnd(self, request_id: int) -> None:
        self._requests.finish(request_id)

    def commissionReport(self, report: CommissionReport) -> None:
        if not self._muted:
            self._parts.desk.commission(report)

    def orderBound(self, perm_id: int, client_id: int, order_id: int) -> None:
        """Nothing to do: openOrder says the same."""

    # ---- account

    def position(self, account: str, contract: Contract, quantity: float, average_cost: float) -> None:
        if self._muted or account != self._parts.account_name:
            return
        self._requests.add(POSITIONS, (contract, quantity, average_cost))
        self._parts.holdings.told(contract, quantity)

    def positionEnd(self) -> None:
        self._requests.finish(POSITIONS)

    def updateAccountValue(self, tag: str, value: str, currency: str, account: str) -> None:
        if not self._muted:
            self._parts.account.value(tag, value, currency, account)

    def accountDownloadEnd(self, account: str) -> None:
        del account
        if not self._muted:
            self._parts.account.downloaded()
            self._requests.finish(ACCOUNT_VALUES)

    def updateAccountTime(self, at: str) -> None:
        """It ends every set of account values."""
        del at
        if not self._muted:
            self._parts.account.batch_over()

    def updatePortfolio(self, *values: Any) -> None:
        """Nothing to do: positions are asked for on purpose."""

    def pnl(self, request_id: int, daily: float, unrealized: float, realized: float) -> None:
        if not self._muted and self._parts.account.is_mine(request_id):
            self._parts.account.pnl(daily, unrealized, realized)

    # ---- contracts

    def contractDetails(self, request_id: int, details: ContractDetails) -> None:
        self._requests.add(request_id, details)

    def contractDetailsEnd(self, request_id: int) -> None:
        self._requests.finish(request_id)

    def marketRule(self, rule: int, increments: list[PriceIncrement]) -> None:
        name = f"marketRule-{rule}"
        for increment in increments:
            self._requests.add(name, increment)
        self._requests.finish(name)

    # ---- market data

    def priceSizeTick(self, request_id: int, tick: int, price: float, size: float) -> None:
        """Take a price; raises UnknownWord for what is none, after the line has lost the price that it had."""
        self._parts.market.price(request_id, tick, price, size)
        words.refuse_nonsense(price, f"price of tick {tick}")
        words.refuse_nonsense(size, f"size of tick {tick}")

    def tickSize(self, request_id: int, tick: int, size: float) -> None:
        """Take a size; raises UnknownWord for what is none, after the line has lost the size that it had."""
        self._parts.market.size(request_id, tick, size)
        words.refuse_nonsense(size, f"size of tick {tick}")

    def tickGeneric(self, request_id: int, tick: int, value: float) -> None:
        if tick == words.HALTED_TICK:
            self._parts.market.halted(request_id, value)

    def marketDataType(self, request_id: int, kind: int) -> None:
        self._parts.market.data_type(request_id, kind)

    def tickOptionComputation(
        self, request_id: int, tick: int, attribute: int, iv: float, delta: float, price: float, dividend: float,
        gamma: float, vega: float, theta: float, underlying: float,
    ) -> None:  # fmt: skip
        del attribute, price, dividend
        if tick in words.MODEL_GREEKS:
            self._parts.market.greeks(request_id, iv, delta, gamma, vega, theta, underlying)

    def updateMktDepth(
        self, request_id: int, position: int, operation: int, side: int, price: float, size: float
    ) -> None:
        self._parts.market.depth(request_id, position, operation, side, price, size)

    def updateMktDepthL2(
        self, request_id: int, position: int, maker: str, operation: int, side: int, price: float, size: float,
        smart: bool = False,
    ) -> None:  # fmt: skip
        del maker, smart
        self._parts.market.depth(request_id, position, operation, side, price, size)

    def tickByTickAllLast(
        self,
        request_id: int,
        kind: int,
        epoch: int,
        price: float,
        size: float,
        attributes: Any,
        exchange: str,
        conditions: str,
    ) -> None:
        del kind, attributes, exchange, conditions
        self._parts.market.trade(request_id, epoch, price, size)
