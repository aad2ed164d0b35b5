"""Run by a test in the vendor API's own environment: connect, look at an option, trade it, print JSON.

The vendor's client reads sizes as int and stops at the first field it cannot read, so that reaching the end proves the
encoding at server version 157. Orders set eTradeOnly and firmQuoteOnly off, as its users must.
"""

# ruff: noqa: N803  the vendor names the arguments
import json
import sys
import threading

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper


class Trader(EWrapper, EClient):
    def __init__(self, expiry, strike):
        EClient.__init__(self, self)
        self.done = threading.Event()
        self.expiry, self.strike = expiry, strike
        self.quotes, self.statuses, self.errors = {}, [], []
        self.seen = {"ticks": [], "bars": 0, "depth": 0, "tape": 0, "positions": [], "summary": {}, "details": 0}
        self.next_id, self.contract, self.ordered = 0, None, False
        self.execution = self.commission = self.greeks = self.what_if = None

    def nextValidId(self, orderId):
        self.next_id = orderId
        wanted = Contract()
        wanted.symbol, wanted.secType, wanted.exchange, wanted.currency = "SPY", "OPT", "SMART", "USD"
        wanted.lastTradeDateOrContractMonth, wanted.strike, wanted.right = self.expiry, self.strike, "C"
        self.reqContractDetails(900, wanted)

    def managedAccounts(self, accountsList):
        self.seen["accounts"] = accountsList

    def contractDetails(self, reqId, contractDetails):
        self.seen["details"] += 1
        self.contract = contractDetails.contract

    def contractDetailsEnd(self, reqId):
        self.contract.exchange = "SMART"
        self.reqMktData(901, self.contract, "100,101,106,233", False, False, [])
        self.reqMktDepth(902, self.contract, 5, True, [])
        self.reqTickByTickData(903, self.contract, "BidAsk", 0, False)
        self.reqHistoricalData(904, self.contract, "", "600 S", "1 min", "TRADES", 1, 1, False, [])
        self.reqAccountSummary(905, "All", "NetLiquidation,$LEDGER")
        self.reqAccountUpdates(True, "")

    def tickPrice(self, reqId, tickType, price, attrib):
        self.quotes[tickType] = price
        self.trade_when_ready()

    def tickSize(self, reqId, tickType, size):
        self.seen["ticks"].append(tickType)

    def tickOptionComputation(self, reqId, tickType, tickAttrib, impliedVol, delta, *rest):
        if tickType == 13:
            self.greeks = {"iv": impliedVol, "delta": delta}
            self.trade_when_ready()

    def trade_when_ready(self):
        if self.ordered or not self.greeks or self.quotes.get(2, -1) <= 0:
            return
        self.ordered = True
        self.placeOrder(self.next_id, self.contract, self.order(whatIf=True))
        self.placeOrder(self.next_id + 1, self.contract, self.order(whatIf=False))

    def order(self, *, whatIf):
        order = Order()
        order.action, order.totalQuantity, order.orderType = "BUY", 2, "LMT"
        order.lmtPrice, order.tif, order.orderRef = round(self.quotes[2] + 1, 2), "DAY", "ibapi"
        order.eTradeOnly = order.firmQuoteOnly = False
        order.whatIf = whatIf
        return order

    def openOrder(self, orderId, contract, order, orderState):
        if order.whatIf:
            self.what_if = orderState.initMarginChange

    def orderStatus(self, orderId, status, *rest):
        self.statuses.append(status)

    def execDetails(self, reqId, contract, execution):
        self.execution = {"side": execution.side, "shares": execution.shares, "ref": execution.orderRef}

    def commissionReport(self, commissionReport):
        self.commission = commissionReport.commission
        self.reqPositions()

    def position(self, account, contract, position, avgCost):
        self.seen["positions"].append(position)

    def positionEnd(self):
        self.reqCompletedOrders(False)

    def completedOrder(self, contract, order, orderState):
        self.seen["completed"] = orderState.status

    def completedOrdersEnd(self):
        self.done.set()

    def historicalData(self, reqId, bar):
        self.seen["bars"] += 1

    def updateMktDepthL2(self, reqId, position, marketMaker, operation, side, price, size, isSmartDepth):
        self.seen["depth"] += 1

    def tickByTickBidAsk(self, reqId, time, bidPrice, askPrice, bidSize, askSize, tickAttribBidAsk):
        self.seen["tape"] += 1

    def accountSummary(self, reqId, account, tag, value, currency):
        self.seen["summary"][tag] = value

    def accountDownloadEnd(self, accountName):
        self.seen["download"] = accountName

    def error(self, reqId, errorCode, errorString):
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
