"""Answers about orders and executions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.sim.hours import EXCHANGE_ZONE
from bot.sim.tws import messages, requests
from bot.sim.tws.handlers import answers, invalid
from bot.sim.tws.session import ClientSession
from bot.sim.tws.wire import ProtocolError, WireMessage, read_time
from bot.sim.vocabulary import Side, VenueExecution

_SIDES: Final = {"BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL, "SSHORT": Side.SELL}


@answers(requests.PlaceOrder)
def place_order(session: ClientSession, request: requests.PlaceOrder) -> None:
    session.face.desk.place(session, request)


@answers(requests.CancelTicket)
def cancel_order(session: ClientSession, request: requests.CancelTicket) -> None:
    session.face.desk.cancel(session, request.order_id)


@answers(requests.GlobalCancel)
def global_cancel(session: ClientSession, request: requests.GlobalCancel) -> None:
    del request
    session.face.desk.cancel_everything(session)


@answers(requests.OpenOrders)
def open_orders(session: ClientSession, request: requests.OpenOrders) -> None:
    del request
    session.send_all(session.face.desk.open_orders(session, everyone=False))
    session.send(WireMessage(53, (1,)))


@answers(requests.AllOpenOrders)
def all_open_orders(session: ClientSession, request: requests.AllOpenOrders) -> None:
    del request
    session.send_all(session.face.desk.open_orders(session, everyone=True))
    session.send(WireMessage(53, (1,)))


@answers(requests.AutoOpenOrders)
def auto_open_orders(session: ClientSession, request: requests.AutoOpenOrders) -> None:
    """Manual orders would be bound to client 0; nobody places orders by hand here, so there is nothing to send."""
    if session.client_id != 0:
        invalid(session, -1, "Only the default client (i.e. 0) can auto bind orders")


@answers(requests.CompletedOrders)
def completed_orders(session: ClientSession, request: requests.CompletedOrders) -> None:
    """Every order here came through the API, so that `api_only` leaves nothing out."""
    del request
    session.send_all(session.face.desk.completed_orders(session))
    session.send(WireMessage(102, ()))


@answers(requests.ExecutionFilter)
def executions(session: ClientSession, request: requests.ExecutionFilter) -> None:
    """Say today's fills that pass the filter, the end, and then each fill's commission report."""
    try:
        since = _since(session, request)
    except ProtocolError as problem:
        invalid(session, request.req_id, str(problem))
        return
    fills = [fill for fill in session.face.venue.executions() if fill.at >= since and _passes(session, request, fill)]
    account = session.face.venue.account_id
    for fill in fills:
        session.send(messages.execution(request.req_id, fill, account, EXCHANGE_ZONE, session.version))
    session.send(messages.end(55, request.req_id))
    session.send_all([messages.commission(fill) for fill in fills])


def _since(session: ClientSession, request: requests.ExecutionFilter) -> datetime:
    """Return the later of the last midnight in New York and the filter's time."""
    now = session.face.now().astimezone(EXCHANGE_ZONE)
    midnight = now - timedelta(hours=now.hour, minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
    asked = read_time(request.time, EXCHANGE_ZONE)
    return midnight if asked is None else max(midnight, asked)


def _passes(session: ClientSession, request: requests.ExecutionFilter, fill: VenueExecution) -> bool:
    instrument = fill.instrument
    return (
        request.client_id in {0, fill.client_id}
        and request.account in {"", session.face.venue.account_id}
        and request.symbol.upper() in {"", instrument.symbol}
        and request.sec_type in {"", instrument.sec_type}
        and request.exchange in {"", "SMART", instrument.exchange, instrument.primary_exchange}
        and _SIDES.get(request.side.upper(), fill.side) is fill.side
    )
