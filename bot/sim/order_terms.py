"""The prices an order works at: the trigger in force, how it trails, when it is met, the limit that follows it."""

from __future__ import annotations

from decimal import Decimal

from bot.sim.account import ZERO
from bot.sim.admission import STOP_TYPES, TRAILING
from bot.sim.market.rules import ceil_to_grid, floor_to_grid
from bot.sim.vocabulary import Side, TopOfBook, VenueOrder, VenueTicket


def first_stop(ticket: VenueTicket) -> Decimal | None:
    """Return the trigger that a ticket brings along; a trailing order may leave it to the market."""
    if ticket.order_type in TRAILING:
        return ticket.trail_stop_price
    return ticket.aux_price if ticket.order_type in STOP_TYPES else None


def changed_stop(order: VenueOrder, ticket: VenueTicket) -> Decimal | None:
    """A new trailing amount keeps the stop where it had come to, unless a new stop price is given."""
    given = first_stop(ticket)
    if ticket.order_type in TRAILING and given in {None, order.ticket.trail_stop_price}:
        return order.stop_price
    return given


def trail(order: VenueOrder, reference: Decimal) -> None:
    """Move the trigger after the market, never back; it is rounded away from the market."""
    ticket, rule = order.ticket, order.ticket.instrument.market_rule_id
    percent = ticket.trailing_percent
    distance = reference * percent / 100 if percent else (ticket.aux_price or ZERO)
    if ticket.side is Side.SELL:
        wanted = floor_to_grid(rule, max(reference - distance, ZERO))
        order.stop_price = wanted if order.stop_price is None else max(order.stop_price, wanted)
    else:
        wanted = ceil_to_grid(rule, reference + distance)
        order.stop_price = wanted if order.stop_price is None else min(order.stop_price, wanted)


def comes_to_stop(order: VenueOrder, top: TopOfBook) -> bool:
    """Trail the stop, then hold it against the quote that it would trade against. No bid is a bid of zero."""
    selling = order.ticket.side is Side.SELL
    if top.bid is None and top.ask is None:
        return False
    reference = (top.bid or ZERO) if selling else top.ask
    if reference is None:
        return False
    if order.ticket.order_type in TRAILING:
        trail(order, reference)
    if order.stop_price is None:
        return False
    return reference <= order.stop_price if selling else reference >= order.stop_price


def limit_of(order: VenueOrder) -> Decimal | None:
    """Return the limit in force; a trailing limit keeps its distance to the stop that was first given."""
    ticket = order.ticket
    if ticket.order_type != "TRAIL LIMIT" or order.stop_price is None:
        return ticket.limit_price
    if ticket.limit_price is None or ticket.trail_stop_price is None:
        return order.stop_price
    price = order.stop_price + ticket.limit_price - ticket.trail_stop_price
    snap = floor_to_grid if ticket.side is Side.BUY else ceil_to_grid
    return snap(ticket.instrument.market_rule_id, max(price, ZERO))
