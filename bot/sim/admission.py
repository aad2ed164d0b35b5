"""What the venue refuses, and with which of the broker's codes and words.

Each check looks at one ticket against the venue as it stands and answers with a refusal or None; the first refusal
counts. For a modification the order being modified is left out of what "the venue as it stands" means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from bot.domain.order import RefusalKind
from bot.sim.account import FEES, Account
from bot.sim.market.rules import on_grid
from bot.sim.vocabulary import LIVE, Market, Side, Status, VenueOrder, VenueTicket

MAX_LIVE_ORDERS: Final = 20
ORDER_TYPES: Final = frozenset({"MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT"})
STOP_TYPES: Final = frozenset({"STP", "STP LMT", "TRAIL", "TRAIL LIMIT"})
TRAILING: Final = frozenset({"TRAIL", "TRAIL LIMIT"})
LIMITED: Final = frozenset({"LMT", "STP LMT", "TRAIL LIMIT"})
TIMES_IN_FORCE: Final = frozenset({"", "DAY", "GTC", "IOC", "GTD"})
RECORDED: Final = frozenset({201})  # refusals that leave an order behind, as Inactive; the others leave nothing

BOTH_SIDES: Final = "Order rejected - reason:Cannot have open orders on both sides of the same US Option contract."
_SAYS: Final = (
    (201, "open orders on both sides", RefusalKind.OTHER_SIDE),
    (None, "read-only mode", RefusalKind.READ_ONLY),
)
TOO_MANY: Final = (
    f"Order rejected - reason:You have {MAX_LIVE_ORDERS} or more working orders on this side of the contract."
)
_SHORT: Final = "Order rejected - reason:The account may not hold a short position in this contract."


class Refusal(NamedTuple):
    """One of the broker's error codes with its text."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What a ticket is judged against; `others` are the orders of the account without the one being modified."""

    market: Market
    account: Account
    others: Sequence[VenueOrder]
    now: datetime
    allow_short: bool

    def live(self, con_id: int, side: Side) -> list[VenueOrder]:
        return [
            order
            for order in self.others
            if order.status in LIVE and order.ticket.side is side and order.ticket.instrument.con_id == con_id
        ]

    def parent(self, ticket: VenueTicket) -> VenueOrder | None:
        key = (ticket.client_id, ticket.parent_id)
        return next((each for each in self.others if (each.ticket.client_id, each.ticket.order_id) == key), None)


def group_of(ticket: VenueTicket) -> str:
    """Return the name of the group of which only one order may fill; children of one parent are such a group."""
    if ticket.oca_group:
        return f"oca:{ticket.oca_group}"
    return f"parent:{ticket.client_id}:{ticket.parent_id}" if ticket.parent_id else ""


def _contract(ticket: VenueTicket, at: Situation) -> Refusal | None:
    if at.market.by_con_id(ticket.instrument.con_id) is None:
        return Refusal(200, "No security definition has been found for the request")
    return None


def _expired(ticket: VenueTicket, at: Situation) -> Refusal | None:
    expiry, session = ticket.instrument.expiry, at.market.session_close()
    if expiry is None or expiry > session.date() or (expiry == session.date() and at.now < session):
        return None
    return Refusal(201, "Order rejected - reason:The contract is expired.")


def _tradable(ticket: VenueTicket, at: Situation) -> Refusal | None:
    if ticket.instrument.sec_type not in FEES:
        return Refusal(201, "Order rejected - reason:No trading permissions. An index cannot be traded.")
    return None


def _size(ticket: VenueTicket, at: Situation) -> Refusal | None:
    return Refusal(434, "The order size cannot be zero.") if ticket.quantity <= 0 else None


def _kind(ticket: VenueTicket, at: Situation) -> Refusal | None:
    if ticket.order_type not in ORDER_TYPES:
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if ticket.tif not in TIMES_IN_FORCE:
        return Refusal(201, f"Order rejected - reason:Invalid time in force:{ticket.tif}.")
    return None


def _prices_given(ticket: VenueTicket, at: Situation) -> Refusal | None:
    kind = ticket.order_type
    missing = {
        "limit price": kind in {"LMT", "STP LMT"} and ticket.limit_price is None,
        "stop price": kind in {"STP", "STP LMT"} and ticket.aux_price is None,
        "trailing amount": kind in TRAILING and not (ticket.aux_price or ticket.trailing_percent),
    }
    for what, lacks in missing.items():
        if lacks:
            return Refusal(321, f"Error validating request.-'bQ' : cause - The {what} is missing or invalid.")
    return None


def _grid(ticket: VenueTicket, at: Situation) -> Refusal | None:
    trigger = ticket.aux_price if ticket.order_type in {"STP", "STP LMT"} else None
    rule = ticket.instrument.market_rule_id
    for price in (ticket.limit_price, trigger, ticket.trail_stop_price):
        if price is not None and (price < 0 or not on_grid(rule, price)):
            return Refusal(110, "The price does not conform to the minimum price variation for this contract.")
    return None


def _parent(ticket: VenueTicket, at: Situation) -> Refusal | None:
    if ticket.parent_id and at.parent(ticket) is None:
        return Refusal(10006, f"Missing parent order: {ticket.parent_id}")
    return None


def _crowded(ticket: VenueTicket, at: Situation) -> Refusal | None:
    live = at.live(ticket.instrument.con_id, ticket.side)
    return Refusal(201, TOO_MANY) if len(live) >= MAX_LIVE_ORDERS else None


def _both_sides(ticket: VenueTicket, at: Situation) -> Refusal | None:
    """US options only. A child that waits for its parent is not working yet."""
    if ticket.instrument.sec_type != "OPT":
        return None
    other_side = Side.SELL if ticket.side is Side.BUY else Side.BUY
    parent = at.parent(ticket) if ticket.parent_id else None
    facing = [
        order
        for order in at.live(ticket.instrument.con_id, other_side)
        if order is not parent and not _waits(order, at)
    ]
    return Refusal(201, BOTH_SIDES) if facing else None


def _waits(order: VenueOrder, at: Situation) -> bool:
    parent = at.parent(order.ticket) if order.ticket.parent_id else None
    return parent is not None and parent.status in LIVE


def _short(ticket: VenueTicket, at: Situation) -> Refusal | None:
    """A sale may not exceed what is held, what other working sales would leave of it, or what its parent will buy."""
    if ticket.side is Side.BUY or at.allow_short:
        return None
    mine, groups = group_of(ticket), {"": 0}
    for order in at.live(ticket.instrument.con_id, Side.SELL):
        group = group_of(order.ticket)
        if not group:
            groups[""] += order.remaining
        elif group != mine:
            groups[group] = max(groups.get(group, 0), order.remaining)
    parent = at.parent(ticket) if ticket.parent_id else None
    coming = parent.remaining if parent and parent.status in LIVE and parent.ticket.side is Side.BUY else 0
    free = at.account.quantity(ticket.instrument.con_id) + coming - sum(groups.values())
    return Refusal(201, _SHORT) if ticket.quantity > free else None


def _funds(ticket: VenueTicket, at: Situation) -> Refusal | None:
    if ticket.side is Side.SELL:
        return None
    need, free = cost_of(ticket, ticket.quantity, at), at.account.cash - reserved(at)
    if need <= free:
        return None
    return Refusal(201, f"Order rejected - reason:Available funds of {free:.2f} USD do not cover {need:.2f} USD.")


def cost_of(ticket: VenueTicket, quantity: int, at: Situation) -> Decimal:
    """Return what buying may cost at most as things stand, commission included."""
    top = at.market.top(ticket.instrument, at.now)
    stop = ticket.aux_price if ticket.order_type == "STP" else None
    price = ticket.limit_price or max(filter(None, (stop, top.ask, top.last)), default=Decimal(0))
    fee = FEES[ticket.instrument.sec_type].total(quantity, ticket.side)
    return price * quantity * ticket.instrument.multiplier + fee


def reserved(at: Situation) -> Decimal:
    """Return what the working buys may still cost."""
    buys = (order for order in at.others if order.status in LIVE and order.ticket.side is Side.BUY)
    return sum((cost_of(order.ticket, order.remaining, at) for order in buys), Decimal(0))


CHECKS: Final[tuple[Callable[[VenueTicket, Situation], Refusal | None], ...]] = (
    _contract, _expired, _tradable, _size, _kind, _prices_given, _grid, _parent, _crowded, _both_sides, _short, _funds,
)  # fmt: skip


def judge(ticket: VenueTicket, at: Situation) -> Refusal | None:
    """Return why a ticket is refused, None when it is fit."""
    for check in CHECKS:
        refusal = check(ticket, at)
        if refusal is not None:
            return refusal
    return None


def judge_change(order: VenueOrder, ticket: VenueTicket, at: Situation) -> Refusal | None:
    """Return why a live order may not take on a ticket's terms; the order stands as it was then."""
    old = order.ticket
    if order.status is Status.PENDING_CANCEL:
        return Refusal(2102, "Unable to modify this order as it is still being processed.")
    if (old.instrument.con_id, old.side) != (ticket.instrument.con_id, ticket.side):
        return Refusal(105, "Order being modified does not match original order.")
    if old.order_type != ticket.order_type:
        return Refusal(329, "Order modify failed. Cannot change to the new order type.")
    if 0 < ticket.quantity <= order.filled:
        return Refusal(104, "Cannot modify a filled order.")
    return judge(replace(ticket, quantity=ticket.quantity - order.filled), at)


def says(code: int, text: str) -> RefusalKind | None:
    """Return what a refusal in these words says beyond its code, as whoever reads TWS's words understands them."""
    small = text.lower()
    return next((refusal for of, words, refusal in _SAYS if of in {None, code} and words in small), None)
