"""Run by a test in ib_async's own environment: connect, look at an option, trade it, print what happened as JSON."""

import asyncio
import json
import sys

from ib_async import IB, LimitOrder, Option


async def trade(port: int) -> dict[str, object]:
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=11, timeout=120)
    expiry, strike = sys.argv[2], float(sys.argv[3])
    (details,) = await ib.reqContractDetailsAsync(Option("SPY", expiry, strike, "C", "SMART"))
    contract = details.contract
    ticker = ib.reqMktData(contract, "100,101,106,233")
    while ticker.modelGreeks is None or not ticker.bid > 0:
        await asyncio.wait_for(ticker.updateEvent, 120)
    placed = ib.placeOrder(contract, LimitOrder("BUY", 2, round(ticker.ask + 1, 2), tif="DAY", orderRef="ib_async"))
    while not (placed.isDone() and placed.fills and placed.fills[0].commissionReport.commission):
        await asyncio.wait_for(placed.commissionReportEvent, 120)
    what_if = await asyncio.wait_for(ib.whatIfOrderAsync(contract, LimitOrder("BUY", 1, 1.0, tif="DAY")), 120)
    completed = await ib.reqCompletedOrdersAsync(False)
    bars = await ib.reqHistoricalDataAsync(contract, "", "600 S", "1 min", "TRADES", True)
    answer = {
        "version": ib.client.serverVersion(),
        "accounts": ib.managedAccounts(),
        "con_id": contract.conId,
        "bid": ticker.bid,
        "ask": ticker.ask,
        "delta": ticker.modelGreeks.delta,
        "iv": ticker.modelGreeks.impliedVol,
        "status": placed.orderStatus.status,
        "log": [entry.status for entry in placed.log],
        "filled": placed.filled(),
        "commission": placed.fills[0].commissionReport.commission,
        "execution_ref": placed.fills[0].execution.orderRef,
        "position": [each.position for each in await ib.reqPositionsAsync()],
        "margin_change": float(what_if.initMarginChange),
        "completed": len(completed),
        "bars": len(bars),
    }
    ib.disconnect()
    return answer


print(json.dumps(asyncio.run(trade(int(sys.argv[1])))))
