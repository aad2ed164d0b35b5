"""Other people's things on the wire: the words of `bot.sim.strangers`, laid out as TWS does."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bot.sim.hours import EXCHANGE_ZONE
from bot.sim.strangers import StrangeFill, StrangeHolding, StrangeOrder, Strangers
from bot.sim.tws.order_messages import OrderView, completed_order, open_order
from bot.sim.tws.wire import WireMessage, spell_time
from bot.sim.vocabulary import Side, Status, VenueInstrument, VenueOrder, VenueTicket

OPEN_ORDER_END, EXECUTIONS_END, POSITION_END, COMPLETED_END = 53, 55, 62, 102
ENDS: Final = frozenset({OPEN_ORDER_END, EXECUTIONS_END, POSITION_END, COMPLETED_END})
_NOTHING: Final = VenueInstrument(
    con_id=1, symbol="?", sec_type="STK", exchange="SMART", primary_exchange="", local_symbol="?", trading_class=""
)


def before_end(others: Strangers, end: WireMessage, account: str, at: datetime, version: int) -> list[WireMessage]:
    """Return what belongs before an end marker; nothing before any other message."""
    if end.id == POSITION_END:
        return [_position(each, account) for each in others.holdings]
    if end.id == OPEN_ORDER_END:
        return [said for each in others.open_orders for said in live(each, account, at, version)]
    if end.id == COMPLETED_END:
        return [_over(each, account, at, version) for each in others.completed_orders]
    if end.id == EXECUTIONS_END:
        return [filled(each, end.fields[-1], account, at, version) for each in others.fills]
    return []


def live(each: StrangeOrder, account: str, at: datetime, version: int) -> list[WireMessage]:
    """Return openOrder and orderStatus."""
    order = _order(each, at)
    told = list(open_order(_view(order), account, EXCHANGE_ZONE, version).fields)
    told[1:12] = each.contract.row
    told[12:16] = [each.action, each.quantity, each.order_type, each.limit]
    status = (each.order_id, each.status, 0, each.quantity, 0, each.perm_id, 0, 0, each.client_id, "", 0)
    return [WireMessage(5, tuple(told)), WireMessage(3, status)]


def filled(each: StrangeFill, req_id: Any, account: str, at: datetime, version: int) -> WireMessage:
    """Return execDetails; live ones carry req_id -1."""
    fields = (
        req_id, 0, *each.contract.row, each.exec_id, spell_time(at, EXCHANGE_ZONE, version), account, "SMART",
        each.side, each.shares, each.price, each.perm_id, each.client_id, 0, each.shares, each.price, each.reference,
        "", "", "", 2,
    )  # fmt: skip
    return WireMessage(11, (*fields, 0) if version >= 178 else fields)


def _position(each: StrangeHolding, account: str) -> WireMessage:
    return WireMessage(61, (3, account, *each.contract.row, each.quantity, each.average_cost))


def _over(each: StrangeOrder, account: str, at: datetime, version: int) -> WireMessage:
    order = _order(each, at)
    told = list(completed_order(_view(order), order, account, EXCHANGE_ZONE, version).fields)
    told[0:11] = each.contract.row
    told[11:15] = [each.action, each.quantity, each.order_type, each.limit]
    return WireMessage(101, tuple(told))


def _order(each: StrangeOrder, at: datetime) -> VenueOrder:
    """Return an order of the venue's own kind, whose strange words are put in after it is laid out."""
    status: Any = each.status
    ticket = VenueTicket(
        each.client_id, each.order_id, _NOTHING, Side.BUY, 1, "LMT", Decimal(1), order_ref=each.reference
    )  # fmt: skip
    return VenueOrder(ticket, each.perm_id, status, at, at, completed_at=at)


def _view(order: VenueOrder) -> OrderView:
    status: Status = order.status
    return OrderView(order.ticket, order.perm_id, status)
