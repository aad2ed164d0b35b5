"""Run by a test in the vendor API's own environment: connect, look at an option, trade it, print JSON.

The vendor's client reads sizes as int and stops at the first field it cannot read, so that reaching the end proves the
encoding at server version 157. Orders set eTradeOnly and firmQuoteOnly off, as its users must.
"""

# ruff: noqa: N803  the vendor names the arguments
import json
import sys
import threading
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper


class Trader(EWrapper, EClient):  # type: ignore[misc]  # the vendor's client has an environment of its own
    def __init__(self, expiry: str, strike: float) -> None:
        EClient.__init__(self, self)
        self.done = threading.Event()
        self.expiry, self.strike = expiry, strike
        self.quotes: dict[int, float] = {}
        self.statuses: list[str] = []
        self.errors: list[list[object]] = []
        self.seen: dict[str, Any] = {
            "ticks": [],
            "bars": 0,
            "depth": 0,
            "tape": 0,
            "positions": [],
            "summary": {},
            "details": 0,
        }
        self.next_id, self.ordered = 0, False
        self.contract: Any = None
        self.execution: dict[str, object] | None = None
        self.commission: float | None = None
        self.greeks: dict[str, float] | None = None
        self.what_if: str | None = None

    def nextValidId(self, orderId: Any) -> None:
        self.next_id = orderId
        wanted = Contract()
        wanted.symbol, wanted.secType, wanted.exchange, wanted.currency = "SPY", "OPT", "SMART", "USD"
        wanted.lastTradeDateOrContractMonth, wanted.strike, wanted.right = self.expiry, self.strike, "C"
        self.reqContractDetails(900, wanted)

    def managedAccounts(self, accountsList: Any) -> None:
        self.seen["accounts"] = accountsList

    def contractDetails(self, reqId: Any, contractDetails: Any) -> None:
        self.seen["details"] += 1
        self.contract = contractDetails.contract

    def contractDetailsEnd(self, reqId: Any) -> None:
        self.contract.exchange = "SMART"
        self.reqMktData(901, self.contract, "100,101,106,233", False, False, [])
        self.reqMktDepth(902, self.contract, 5, True, [])
        self.reqTickByTickData(903, self.contract, "BidAsk", 0, False)
        self.reqHistoricalData(904, self.contract, "", "600 S", "1 min", "TRADES", 1, 1, False, [])
        self.reqAccountSummary(905, "All", "NetLiquidation,$LEDGER")
        self.reqAccountUpdates(True, "")

    def tickPrice(self, reqId: Any, tickType: Any, price: Any, attrib: Any) -> None:
        self.quotes[tickType] = price
        self.trade_when_ready()

    def tickSize(self, reqId: Any, tickType: Any, size: Any) -> None:
        self.seen["ticks"].append(tickType)

    def tickOptionComputation(
        self, reqId: Any, tickType: Any, tickAttrib: Any, impliedVol: Any, delta: Any, *rest: Any
    ) -> None:
        if tickType == 13:
            self.greeks = {"iv": impliedVol, "delta": delta}
            self.trade_when_ready()

    def trade_when_ready(self) -> None:
        if self.ordered or not self.greeks or self.quotes.get(2, -1) <= 0:
            return
        self.ordered = True
        self.placeOrder(self.next_id, self.contract, self.order(whatIf=True))
        self.placeOrder(self.next_id + 1, self.contract, self.order(whatIf=False))

    def order(self, *, whatIf: bool) -> Any:
        order = Order()
        order.action, order.totalQuantity, order.orderType = "BUY", 2, "LMT"
        order.lmtPrice, order.tif, order.orderRef = round(self.quotes[2] + 1, 2), "DAY", "ibapi"
        order.eTradeOnly = order.firmQuoteOnly = False
        order.whatIf = whatIf
        return order

    def openOrder(self, orderId: Any, contract: Any, order: Any, orderState: Any) -> None:
        if order.whatIf:
            self.what_if = orderState.initMarginChange

    def orderStatus(self, orderId: Any, status: Any, *rest: Any) -> None:
        self.statuses.append(status)

    def execDetails(self, reqId: Any, contract: Any, execution: Any) -> None:
        self.execution = {"side": execution.side, "shares": execution.shares, "ref": execution.orderRef}

    def commissionReport(self, commissionReport: Any) -> None:
        self.commission = commissionReport.commission
        self.reqPositions()

    def position(self, account: Any, contract: Any, position: Any, avgCost: Any) -> None:
        self.seen["positions"].append(position)

    def positionEnd(self) -> None:
        self.reqCompletedOrders(False)

    def completedOrder(self, contract: Any, order: Any, orderState: Any) -> None:
        self.seen["completed"] = orderState.status

    def completedOrdersEnd(self) -> None:
        self.done.set()

    def historicalData(self, reqId: Any, bar: Any) -> None:
        self.seen["bars"] += 1

    def updateMktDepthL2(
        self,
        reqId: Any,
        position: Any,
        marketMaker: Any,
        operation: Any,
        side: Any,
        price: Any,
        size: Any,
        isSmartDepth: Any,
    ) -> None:
        self.seen["depth"] += 1

    def tickByTickBidAsk(
        self, reqId: Any, time: Any, bidPrice: Any, askPrice: Any, bidSize: Any, askSize: Any, tickAttribBidAsk: Any
    ) -> None:
        self.seen["tape"] += 1

    def accountSummary(self, reqId: Any, account: Any, tag: Any, value: Any, currency: Any) -> None:
        self.seen["summary"][tag] = value

    def accountDownloadEnd(self, accountName: Any) -> None:
        self.seen["download"] = accountName

    def error(self, reqId: Any, errorCode: Any, errorString: Any) -> None:
        if not 2100 <= errorCode < 2200:
            self.errors.append([reqId, errorCode, errorString])


app = Trader(sys.argv[2], float(sys.argv[3]))
app.connect("127.0.0.1", int(sys.argv[1]), 12)
reader = threading.Thread(target=app.run, daemon=True)
reader.start()
finished = app.done.wait(20)
version = app.serverVersion()
app.disconnect()
reader.join(5)
print(
    json.dumps(
        {
            "finished": finished,
            "version": version,
            "quotes": app.quotes,
            "greeks": app.greeks,
            "statuses": app.statuses,
            "execution": app.execution,
            "commission": app.commission,
            "what_if": app.what_if,
            "errors": app.errors,
            **app.seen,
        }
    )
)
