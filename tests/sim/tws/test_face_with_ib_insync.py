"""The face through its front door: the real, unmodified ib_insync over a socket."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime, timedelta
from functools import partial

import ib_insync
from ib_insync import IB, Index, LimitOrder, MarketOrder, Option, OptionComputation, Order, Stock, Ticker

from bot.sim.tws.market_streams import MarketLine
from bot.sim.tws.moment import VenueMoment
from tests.patience import PATIENCE_S
from tests.sim.tws.conftest import Site, connect, until
from tests.sim.tws.small_venue import START

CALL = Option("SPY", "20261120", 600, "C", "SMART")


def _model(ticker: Ticker) -> OptionComputation:
    assert ticker.modelGreeks is not None
    return ticker.modelGreeks


async def qualified_call(ib: IB) -> ib_insync.Contract:
    (contract,) = await ib.qualifyContractsAsync(CALL)
    return contract


async def test_connecting_synchronises_account_positions_and_orders(site: Site, ib: IB) -> None:
    assert ib.client.serverVersion() == 176
    assert ib.managedAccounts() == ["DU1234567"]
    values = {value.tag: value.value for value in ib.accountValues() if value.currency == "USD"}
    assert values["NetLiquidation"] == "100000.00"
    assert ib.positions() == []
    assert ib.openTrades() == []


async def test_contract_details_describe_an_option(ib: IB) -> None:
    (details,) = await ib.reqContractDetailsAsync(CALL)
    contract = details.contract
    assert contract is not None
    assert (contract.symbol, contract.strike, contract.right, contract.multiplier) == ("SPY", 600.0, "C", "100")
    assert contract.lastTradeDateOrContractMonth == "20261120"
    assert details.underConId == 1
    assert details.validExchanges.split(",")[0] == "SMART"
    assert len(details.marketRuleIds.split(",")) == len(details.validExchanges.split(","))
    assert details.liquidHours.split(";")[0] == "20261120:0930-20261120:1600"


async def test_an_ambiguous_lookup_returns_every_match_and_an_unknown_one_none(ib: IB) -> None:
    many = await ib.reqContractDetailsAsync(Option("SPY", "20261120", 0, "", "SMART"))
    assert len(many) == 22
    assert await ib.reqContractDetailsAsync(Stock("NOPE", "SMART", "USD")) == []


async def test_expired_contracts_show_only_when_asked_for(ib: IB) -> None:
    gone = Option("SPY", "20261119", 600, "C", "SMART")
    assert await ib.reqContractDetailsAsync(gone) == []
    gone.includeExpired = True
    assert len(await ib.reqContractDetailsAsync(gone)) == 1


async def test_option_parameters_list_expiries_and_strikes_of_each_trading_class(ib: IB) -> None:
    chains = await ib.reqSecDefOptParamsAsync("SPX", "", "IND", 2)
    smart = next(chain for chain in chains if chain.exchange == "SMART")
    assert smart.tradingClass == "SPXW"
    assert smart.expirations == ["20261119", "20261120", "20261127"]
    assert smart.strikes == [5980.0, 5990.0, 6000.0, 6010.0, 6020.0]


async def test_symbols_rules_and_small_services_answer(ib: IB) -> None:
    samples = await ib.reqMatchingSymbolsAsync("SP")
    assert {sample.contract.symbol for sample in samples or [] if sample.contract} == {"SPY", "SPX"}
    rule = await ib.reqMarketRuleAsync(110)
    assert rule == [ib_insync.PriceIncrement(0.0, 0.01), ib_insync.PriceIncrement(3.0, 0.05)]
    assert len(await ib.reqMktDepthExchangesAsync()) == 4
    assert await ib.reqSmartComponentsAsync("9c0001")
    assert await ib.reqNewsProvidersAsync() == []
    assert "ScanParameterResponse" in await ib.reqScannerParametersAsync()
    await asyncio.wait_for(ib.reqUserInfoAsync(), PATIENCE_S)
    assert (await ib.reqCurrentTimeAsync()).year == 2026


async def test_an_option_line_streams_quotes_sizes_open_interest_and_greeks(site: Site, ib: IB) -> None:
    contract = await qualified_call(ib)
    ticker = ib.reqMktData(contract, "100,101,104,106,233")
    await until(lambda: ticker.modelGreeks is not None and not math.isnan(ticker.callOpenInterest), ticker.updateEvent)
    assert ticker.marketDataType == 1
    assert ticker.minTick == 0.01
    assert 0 < ticker.bid < ticker.ask
    assert (ticker.bidSize, ticker.askSize, ticker.lastSize) == (300, 400, 100)
    assert ticker.modelGreeks is not None
    assert ticker.modelGreeks.impliedVol == 0.2
    assert 0.3 < (ticker.modelGreeks.delta or 0) < 0.7
    assert ticker.modelGreeks.undPrice == 600.0
    assert ticker.bidGreeks is not None
    assert ticker.askGreeks is not None
    assert (ticker.bidGreeks.impliedVol or 9) < (ticker.askGreeks.impliedVol or 0)
    assert ticker.impliedVolatility == 0.2
    assert ticker.callVolume == ticker.volume
    site.venue.market.spot["SPY"] += 2
    before = ticker.bid
    await until(lambda: ticker.bid > before and _model(ticker).undPrice == 602.0, ticker.updateEvent)
    ib.cancelMktData(contract)


async def test_a_line_whose_price_stands_still_says_nothing_more(site: Site, ib: IB) -> None:
    contract = Index("SPX", "CBOE", "USD")
    ticker = ib.reqMktData(contract)
    await until(lambda: ticker.last == 6000.0, ticker.updateEvent)
    assert ticker.lastSize == 0
    assert math.isnan(ticker.bid)
    line = MarketLine(1, site.venue.market.find(symbol="SPX", sec_type="IND")[0], (), round_lots=False)
    assert line.pace(VenueMoment(site.venue, START, 0.0))
    for second in range(1, 120):
        assert line.pace(VenueMoment(site.venue, START + timedelta(seconds=second), float(second))) == []
    site.venue.market.spot["SPX"] += 1
    assert len(line.pace(VenueMoment(site.venue, START + timedelta(seconds=120), 120.0))) > 0


async def test_a_snapshot_ends_by_itself(ib: IB) -> None:
    (ticker,) = await asyncio.wait_for(ib.reqTickersAsync(await qualified_call(ib)), PATIENCE_S)
    assert ticker.bid > 0
    assert ticker.modelGreeks is not None


async def test_depth_inserts_ten_rows_a_side_and_follows_the_book(site: Site, ib: IB) -> None:
    (stock,) = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
    ticker = ib.reqMktDepth(stock, 10, isSmartDepth=True)
    await until(lambda: len(ticker.domBids) == 10 and len(ticker.domAsks) == 10, ticker.updateEvent)
    assert ticker.domBids[0].price == 599.99
    assert ticker.domBids[0].marketMaker == "ARCA"
    assert ticker.domAsks[9].price == 600.10
    site.venue.market.spot["SPY"] += 1
    await until(lambda: ticker.domBids[0].price == 600.99, ticker.updateEvent)
    ib.cancelMktDepth(stock, isSmartDepth=True)


async def test_a_fourth_depth_request_is_refused_with_309(ib: IB) -> None:
    codes: list[int] = []
    ib.errorEvent += lambda _id, code, *_: codes.append(code)
    options = await ib.qualifyContractsAsync(*[Option("SPY", "20261120", 598 + n, "C", "SMART") for n in range(4)])
    for contract in options:
        ib.reqMktDepth(contract, 5)
    await until(lambda: 309 in codes, ib.errorEvent)


async def test_tick_by_tick_gives_trades_quotes_and_midpoints(site: Site, ib: IB) -> None:
    (stock,) = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
    for kind in ("AllLast", "BidAsk", "MidPoint"):
        ticker = ib.reqTickByTickData(stock, kind)
        await until(partial(lambda ticker: bool(ticker.tickByTicks), ticker), ticker.updateEvent)
        ib.cancelTickByTickData(stock, kind)


async def test_bars_come_in_real_time_and_from_history(ib: IB) -> None:
    (stock,) = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
    bars = await ib.reqHistoricalDataAsync(stock, "", "1800 S", "1 min", "TRADES", True, formatDate=2)
    assert len(bars) == 30
    assert bars[0].close == 600.0
    assert isinstance(bars[0].date, datetime)
    assert bars[0].date.tzinfo is not None
    quotes = await ib.reqHistoricalDataAsync(stock, "", "600 S", "1 min", "BID_ASK", True)
    assert quotes[0].low == 599.99
    assert quotes[0].high == 600.01
    empty = await ib.reqHistoricalDataAsync(stock, "20200101-00:00:00", "1 D", "1 min", "TRADES", True)
    assert list(empty) == []


async def test_bars_that_keep_up_to_date_grow(ib: IB) -> None:
    (stock,) = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
    bars = await ib.reqHistoricalDataAsync(stock, "", "600 S", "5 secs", "TRADES", True, keepUpToDate=True)
    await until(lambda: len(bars) > 1, bars.updateEvent)
    ib.cancelHistoricalData(bars)


async def test_history_answers_schedule_ticks_head_and_histogram(ib: IB) -> None:
    (stock,) = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
    schedule = await ib.reqHistoricalScheduleAsync(stock, 3)
    assert schedule.sessions[-1].refDate == "20261120"
    for what in ("TRADES", "BID_ASK", "MIDPOINT"):
        ticks = await ib.reqHistoricalTicksAsync(stock, "20261120-14:40:00", "", 5, what, True)
        assert ticks
        assert ticks[0].time.isoformat() >= "2026-11-20T14:40"
    head = await ib.reqHeadTimeStampAsync(stock, "TRADES", True, 2)
    assert head.year == 2026
    histogram = await ib.reqHistogramDataAsync(stock, True, "1 day")
    assert histogram[0].price == 600.0


async def test_a_marketable_limit_order_fills_with_execution_and_commission(site: Site, ib: IB) -> None:
    contract = await qualified_call(ib)
    statuses: list[str] = []
    order = LimitOrder("BUY", 2, 50.0, orderRef="ref-1", tif="DAY")
    trade = ib.placeOrder(contract, order)
    trade.statusEvent += lambda t: statuses.append(t.orderStatus.status)
    await until(
        lambda: bool(trade.fills) and trade.fills[0].commissionReport.commission > 0, trade.commissionReportEvent
    )
    assert trade.orderStatus.status == "Filled"
    assert statuses == ["PreSubmitted", "Submitted", "Filled"]
    (fill,) = trade.fills
    assert (fill.execution.side, fill.execution.shares, fill.execution.orderRef) == ("BOT", 2.0, "ref-1")
    assert fill.commissionReport.commission == 1.3
    assert fill.execution.time.isoformat().startswith("2026-11-20T15:00")
    await until(lambda: bool(ib.positions()), ib.positionEvent)
    assert ib.positions()[0].position == 2.0
    assert ib.positions()[0].contract.exchange == ""
    await until(lambda: bool(ib.portfolio()), ib.updatePortfolioEvent)
    assert ib.portfolio()[0].marketValue > 0


async def test_an_order_that_rests_can_be_modified_and_cancelled(ib: IB) -> None:
    contract = await qualified_call(ib)
    order = LimitOrder("BUY", 1, 0.05, tif="DAY")
    trade = ib.placeOrder(contract, order)
    await until(lambda: trade.orderStatus.status == "Submitted", trade.statusEvent)
    assert trade.order.permId
    order.lmtPrice = 0.10
    ib.placeOrder(contract, order)
    await until(lambda: any(entry.message == "Modify" for entry in trade.log), trade.modifyEvent, trade.statusEvent)
    open_trades = await ib.reqOpenOrdersAsync()
    assert open_trades[0].order.lmtPrice == 0.10
    ib.cancelOrder(order)
    await until(lambda: trade.orderStatus.status == "Cancelled", trade.statusEvent)
    completed = await ib.reqCompletedOrdersAsync(False)
    assert completed[0].orderStatus.status == "Cancelled"


async def test_a_rejected_order_gets_201_and_an_off_grid_price_110(ib: IB) -> None:
    contract = await qualified_call(ib)
    codes: list[int] = []
    ib.errorEvent += lambda _id, code, *_: codes.append(code)
    huge = ib.placeOrder(contract, LimitOrder("BUY", 5000, 1.0, tif="DAY"))
    await until(lambda: huge.orderStatus.status == "Inactive", huge.statusEvent)
    ib.placeOrder(contract, LimitOrder("BUY", 1, 1.005, tif="DAY"))
    await until(lambda: 110 in codes, ib.errorEvent)
    assert 201 in codes


async def test_orders_for_unknown_and_expired_contracts_are_refused(ib: IB) -> None:
    codes: list[int] = []
    ib.errorEvent += lambda _id, code, *_: codes.append(code)
    ib.placeOrder(Stock("NOPE", "SMART", "USD"), LimitOrder("BUY", 1, 1.0))
    ib.placeOrder(Option("SPY", "20261119", 600, "C", "SMART"), LimitOrder("BUY", 1, 1.0))
    await until(lambda: {200, 201} <= set(codes), ib.errorEvent)


async def test_a_what_if_shows_margins_and_leaves_no_order(site: Site, ib: IB) -> None:
    contract = await qualified_call(ib)
    state = await asyncio.wait_for(ib.whatIfOrderAsync(contract, LimitOrder("BUY", 2, 1.5, tif="DAY")), PATIENCE_S)
    assert float(state.initMarginChange) == 300.0
    assert float(state.initMarginAfter) == 300.0
    assert state.commission == 0.65
    assert site.venue.orders == []


async def test_a_bracket_is_held_until_its_last_leg_is_transmitted(site: Site, ib: IB) -> None:
    contract = await qualified_call(ib)
    parent = Order(orderId=ib.client.getReqId(), action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=0.05,
                   tif="DAY", transmit=False)  # fmt: skip
    stop = Order(action="SELL", totalQuantity=1, orderType="STP", auxPrice=0.01, tif="DAY", parentId=parent.orderId)
    trade = ib.placeOrder(contract, parent)
    await ib.reqCurrentTimeAsync()
    assert site.venue.orders == []
    child = ib.placeOrder(contract, stop)
    await until(lambda: trade.orderStatus.status == "Submitted", trade.statusEvent)
    await until(lambda: child.orderStatus.status == "PreSubmitted", child.statusEvent)
    assert [order.ticket.parent_id for order in site.venue.orders] == [0, parent.orderId]


async def test_partial_fills_are_several_executions_of_one_order(site: Site, ib: IB) -> None:
    site.venue.partial = 1
    trade = ib.placeOrder(await qualified_call(ib), MarketOrder("BUY", 3, tif="DAY"))
    await until(lambda: trade.orderStatus.status == "Filled", trade.statusEvent)
    assert [fill.execution.cumQty for fill in trade.fills] == [1.0, 2.0, 3.0]
    assert len({fill.execution.execId for fill in trade.fills}) == 3


async def test_profit_streams_for_the_account_and_for_one_holding(ib: IB) -> None:
    contract = await qualified_call(ib)
    trade = ib.placeOrder(contract, MarketOrder("BUY", 1, tif="DAY"))
    await until(lambda: trade.orderStatus.status == "Filled", trade.statusEvent)
    whole = ib.reqPnL("DU1234567")
    single = ib.reqPnLSingle("DU1234567", "", contract.conId)
    await until(lambda: whole.dailyPnL == 12.5, ib.pnlEvent)
    await until(lambda: single.position == 1, ib.pnlSingleEvent)
    assert single.value > 0
    assert single.unrealizedPnL < 0


async def test_account_summary_carries_the_ledger(ib: IB) -> None:
    summary = await ib.accountSummaryAsync()
    assert {"NetLiquidation", "AvailableFunds", "CashBalance"} <= {value.tag for value in summary}


async def test_calculators_answer_from_the_model(ib: IB) -> None:
    contract = await qualified_call(ib)
    ticker = ib.reqMktData(contract)
    await until(lambda: ticker.modelGreeks is not None, ticker.updateEvent)
    model = ticker.modelGreeks
    assert model is not None
    priced = await ib.calculateOptionPriceAsync(contract, 0.2, 600.0)
    assert priced is not None
    assert priced.optPrice is not None
    assert model.optPrice is not None
    assert abs(priced.optPrice - model.optPrice) < 0.01
    implied = await ib.calculateImpliedVolatilityAsync(contract, priced.optPrice, 600.0)
    assert implied is not None
    assert implied.impliedVol is not None
    assert abs(implied.impliedVol - 0.2) < 1e-3


async def test_executions_and_orders_survive_the_connection(site: Site, ib: IB) -> None:
    trade = ib.placeOrder(await qualified_call(ib), MarketOrder("BUY", 1, tif="DAY", orderRef="kept"))
    await until(lambda: trade.orderStatus.status == "Filled", trade.statusEvent)
    used = trade.order.orderId
    ib.disconnect()
    again = await connect(site)
    assert [fill.execution.orderRef for fill in again.fills()] == ["kept"]
    assert again.client.getReqId() > used
    again.disconnect()


async def test_another_client_sees_positions_but_not_live_executions(site: Site, ib: IB) -> None:
    other = await connect(site, client_id=2)
    heard: list[object] = []
    other.execDetailsEvent += lambda *args: heard.append(args)
    trade = ib.placeOrder(await qualified_call(ib), MarketOrder("BUY", 1, tif="DAY"))
    await until(lambda: bool(other.positions()), other.positionEvent)
    assert trade.fills
    assert heard == []
    resting = ib.placeOrder(await qualified_call(ib), LimitOrder("BUY", 1, 0.05, tif="DAY"))
    await until(lambda: resting.orderStatus.status == "Submitted", resting.statusEvent)
    assert await other.reqOpenOrdersAsync() == []
    assert len(await other.reqAllOpenOrdersAsync()) == 1
    other.disconnect()


async def test_system_notices_reach_every_client(site: Site, ib: IB) -> None:
    codes: list[int] = []
    ib.errorEvent += lambda _id, code, *_: codes.append(code)
    site.face.system_notice(1100, "Connectivity between IB and Trader Workstation has been lost.")
    await until(lambda: 1100 in codes, ib.errorEvent)


async def test_dropped_connections_are_noticed_and_can_be_renewed(site: Site, ib: IB) -> None:
    site.face.drop_connections()
    await until(lambda: not ib.isConnected(), ib.disconnectedEvent)
    again = await connect(site)
    assert again.isConnected()
    again.disconnect()
