"""From a placeOrder to a ticket for the matching engine, or to the reason why it is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.sim.admission import LIMITED, ORDER_TYPES, TRAILING
from bot.sim.hours import EXCHANGE_ZONE
from bot.sim.tws.contracts import is_expired, is_specific, lookup
from bot.sim.tws.requests import PlaceOrder
from bot.sim.tws.wire import ProtocolError, read_time
from bot.sim.vocabulary import Market, Side, VenueInstrument, VenueTicket


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an order was not taken: TWS's code and a text."""

    code: int
    text: str


_ALIASES: Final = {
    "MARKET": "MKT",
    "LIMIT": "LMT",
    "STOP": "STP",
    "STPLMT": "STP LMT",
    "STOP LIMIT": "STP LMT",
    "TRAILLMT": "TRAIL LIMIT",
    "TRAILLIMIT": "TRAIL LIMIT",
}
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}
_PRIORITIES: Final = frozenset({"Patient", "Normal", "Urgent"})
_TIMES_IN_FORCE: Final = frozenset({"DAY", "GTC", "IOC", "GTD"})

NO_DEFINITION: Final = Denial(200, "No security definition has been found for the request")
AMBIGUOUS: Final = Denial(200, "The contract description specified is ambiguous; you must specify the multiplier, "
                                "the expiry, the strike, the right or the trading class")  # fmt: skip


def read_ticket(
    request: PlaceOrder, client_id: int, market: Market, account: str, now: datetime
) -> VenueTicket | Denial:
    """Return the ticket that `request` describes, or what TWS would answer instead."""
    refusal = _unsupported(request, account)
    if refusal is not None:
        return refusal
    instrument = one_instrument(request, market, now)
    if isinstance(instrument, Denial):
        return instrument
    if instrument.sec_type == "IND":
        return Denial(201, "Order rejected - reason: an index is not tradable")
    try:
        good_till = read_time(request.good_till, EXCHANGE_ZONE) if request.tif == "GTD" else None
        good_after = read_time(request.attributes.get("good_after", ""), EXCHANGE_ZONE)
    except ProtocolError:
        return Denial(391, "The time or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xx/xxxx")
    if request.tif == "GTD" and good_till is None:
        return Denial(391, "A good-till-date order needs its date and time")
    return replace(_ticket(request, client_id, instrument, account, good_till), good_after=good_after)


def one_instrument(request: PlaceOrder, market: Market, now: datetime) -> VenueInstrument | Denial:
    """Return the one instrument that an order is for."""
    if not is_specific(request.contract):
        return NO_DEFINITION
    found = lookup(market, request.contract)
    live = [each for each in found if not is_expired(each, market, now)]
    if found and not live:
        return Denial(201, "Order rejected - reason: the contract has expired")
    if not live:
        return NO_DEFINITION
    return live[0] if len(live) == 1 else AMBIGUOUS


def _unsupported(request: PlaceOrder, account: str) -> Denial | None:
    kind = order_type(request)
    checks = (
        (request.action not in _SIDES, 321, f"Error validating request: action {request.action!r} is not BUY or SELL"),
        (request.contract.sec_type == "BAG", 201, "Order rejected - reason: combinations do not trade at this venue"),
        (_is_other_algo(request), 442, f"The algorithm {request.algo!r} is not available for this contract"),
        (
            bool(request.algo) and request.algo_params.get("adaptivePriority", "Normal") not in _PRIORITIES,
            443,
            "Missing or invalid value of the algorithm's parameter adaptivePriority",
        ),
        (bool(request.conditions), 201, "Order rejected - reason: conditional orders do not trade at this venue"),
        (kind not in ORDER_TYPES, 387, f"Unsupported order type for this exchange and security type: {kind!r}"),
        (request.tif not in _TIMES_IN_FORCE | {""}, 321, f"Error validating request: time in force {request.tif!r}"),
        (request.account not in {"", account}, 321, f"Error validating request: invalid account {request.account!r}"),
        (request.quantity <= 0, 434, "The order size cannot be zero"),
        (request.quantity % 1 != 0, 10243, "Fractional-sized order cannot be placed via API"),
        (kind in LIMITED - TRAILING and request.limit_price is None, 321, "Error validating request: no limit price"),
        (kind in {"STP", "STP LMT"} and not request.aux_price, 321, "Error validating request: no stop price"),
        (kind in TRAILING and not _trail(request), 321, "Error validating request: no trailing amount or percentage"),
    )
    return next((Denial(code, text) for wrong, code, text in checks if wrong), None)


def _is_other_algo(request: PlaceOrder) -> bool:
    """Say whether an algorithm is asked for that does not work here: Adaptive does, on a limit or a market order."""
    return bool(request.algo) and (request.algo != "Adaptive" or order_type(request) not in {"LMT", "MKT"})


def order_type(request: PlaceOrder) -> str:
    return _ALIASES.get(request.order_type, request.order_type)


def _trail(request: PlaceOrder) -> Decimal | None:
    return request.aux_price or request.trailing_percent


def _ticket(
    request: PlaceOrder, client_id: int, instrument: VenueInstrument, account: str, good_till: datetime | None
) -> VenueTicket:
    kind = order_type(request)
    return VenueTicket(
        client_id=client_id,
        order_id=request.order_id,
        instrument=instrument,
        side=_SIDES[request.action],
        quantity=int(request.quantity),
        order_type=kind,
        limit_price=request.limit_price if kind in LIMITED else None,
        aux_price=request.aux_price or None if kind not in {"MKT", "LMT"} else None,
        trail_stop_price=request.trail_stop_price if kind in TRAILING else None,
        trailing_percent=request.trailing_percent if kind in TRAILING else None,
        tif=request.tif or "DAY",
        account=request.account or account,
        order_ref=request.order_ref,
        oca_group=request.oca_group,
        oca_type=request.oca_type or 3,
        parent_id=request.parent_id,
        transmit=request.transmit,
        outside_rth=request.outside_rth,
        what_if=request.what_if,
        good_till=good_till,
    )
