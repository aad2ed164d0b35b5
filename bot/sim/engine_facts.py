"""What the venue has and says, as the facts that the engine takes: one function a fact, nothing remembered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bot.domain.events.account import AccountReported, BrokerPosition
from bot.domain.events.orders import BrokerOrderStatus, BrokerOrderView, ErrorMeaning, OrderErred, WhatIfAnswered
from bot.domain.order import Execution, OrderSide, OrderType
from bot.domain.quotes import Depth, DepthLevel, Greeks, Quote
from bot.sim.admission import says
from bot.sim.naming import Names
from bot.sim.vocabulary import (
    Market,
    Status,
    TopOfBook,
    Venue,
    VenueDepth,
    VenueExecution,
    VenueInstrument,
    VenueOrder,
    VenuePosition,
    VenueRefused,
    WhatIf,
)

STATUS: Final[Mapping[Status, BrokerOrderStatus]] = MappingProxyType(
    {
        Status.PENDING_SUBMIT: BrokerOrderStatus.PENDING,
        Status.PRE_SUBMITTED: BrokerOrderStatus.PENDING,
        Status.SUBMITTED: BrokerOrderStatus.WORKING,
        Status.PENDING_CANCEL: BrokerOrderStatus.CANCELLING,
        Status.CANCELLED: BrokerOrderStatus.CANCELLED,
        Status.API_CANCELLED: BrokerOrderStatus.CANCELLED,
        Status.FILLED: BrokerOrderStatus.FILLED,
        Status.INACTIVE: BrokerOrderStatus.INACTIVE,
    }
)
# The codes that this venue says; the IBKR adapter has the whole of TWS's list.
MEANING: Final[Mapping[int, ErrorMeaning]] = MappingProxyType(
    {
        103: ErrorMeaning.NOT_PLACED,
        104: ErrorMeaning.AMBIGUOUS,
        105: ErrorMeaning.NOT_PLACED,
        110: ErrorMeaning.NOT_PLACED,
        200: ErrorMeaning.REJECTED,
        201: ErrorMeaning.REJECTED,
        202: ErrorMeaning.CANCEL_REPORTED,
        399: ErrorMeaning.WARNING,
        434: ErrorMeaning.REJECTED,
        10147: ErrorMeaning.CANCEL_REFUSED,
        10148: ErrorMeaning.CANCEL_REFUSED,
    }
)


def order_view(order: VenueOrder, names: Names, now: datetime) -> BrokerOrderView:
    ticket = order.ticket
    return BrokerOrderView(
        order_ref=ticket.order_ref,
        perm_id=order.perm_id,
        order_id=ticket.order_id,
        client_id=ticket.client_id,
        contract_key=names.key(ticket.instrument),
        side=OrderSide(ticket.side.value),
        status=STATUS[order.status],
        quantity=ticket.quantity,
        filled_quantity=order.filled,
        limit_price=ticket.limit_price,
        stop_price=ticket.aux_price if ticket.order_type == OrderType.STOP.value else None,
        at=now,
        detail=order.reject_text,
    )


def execution(fill: VenueExecution, names: Names) -> Execution:
    return Execution(
        exec_id=fill.exec_id,
        order_ref=fill.order_ref,
        perm_id=fill.perm_id,
        order_id=fill.order_id,
        contract_key=names.key(fill.instrument),
        side=OrderSide(fill.side.value),
        quantity=fill.quantity,
        price=fill.price,
        executed_at=fill.at,
        client_id=fill.client_id,
    )


def holding(held: VenuePosition, names: Names) -> BrokerPosition:
    """Return what the account holds of one contract; its cost is dollars a share."""
    cost = held.average_cost / held.instrument.multiplier
    return BrokerPosition(names.key(held.instrument), names.contract(held.instrument), held.quantity, cost)


def refused(event: VenueRefused, order_ref: str, now: datetime) -> OrderErred:
    meaning = MEANING.get(event.code, ErrorMeaning.AMBIGUOUS)
    told = says(event.code, event.text)
    return OrderErred(order_ref, event.code, event.text, meaning, now, event.order_id, told)


def preview(signal_id: str, answer: WhatIf, now: datetime) -> WhatIfAnswered:
    if answer.reject_code:
        return no_preview(signal_id, f"{answer.reject_code}: {answer.reject_text}", now)
    return WhatIfAnswered(
        signal_id,
        answer.init_margin_change,
        answer.equity_before + answer.equity_change,
        answer.init_margin_before + answer.init_margin_change,
        answer.commission,
        None,
        now,
    )


def no_preview(signal_id: str, why: str, now: datetime) -> WhatIfAnswered:
    return WhatIfAnswered(signal_id, None, None, None, None, why, now)


def account_values(venue: Venue, now: datetime) -> AccountReported:
    values, daily = venue.account_values(now), venue.daily_pnl(now)[0]
    return AccountReported(
        account=venue.account_id,
        net_liquidation=values["NetLiquidation"],
        available_funds=values["AvailableFunds"],
        buying_power=values["BuyingPower"],
        cash=values["TotalCashValue"],
        realized_pnl=values["RealizedPnL"],
        unrealized_pnl=values["UnrealizedPnL"],
        at=now,
        daily_pnl=daily,
        pnl_at=now,
    )


def quote(top: TopOfBook, now: datetime) -> Quote:
    return Quote(top.bid, top.ask, top.bid_size, top.ask_size, top.last, now, halted=top.halted, close=top.close)


def depth(shown: VenueDepth, now: datetime) -> Depth:
    bids = tuple(DepthLevel(level.price, level.size) for level in shown.bids)
    asks = tuple(DepthLevel(level.price, level.size) for level in shown.asks)
    return Depth(bids, asks, now)


def greeks(market: Market, instrument: VenueInstrument, now: datetime) -> Greeks | None:
    """Return an option's greeks; None of anything else."""
    told = market.greeks(instrument, now) if instrument.sec_type == "OPT" else None
    if told is None:
        return None
    return Greeks(told.iv, told.delta, told.gamma, told.vega, told.theta, told.underlying, now)
