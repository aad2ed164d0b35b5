"""An order at the broker, from the intent that is committed before it is sent to its end.

`unknown` is entered whenever the broker's answer is missing or ambiguous and left only on evidence: an order report, an
execution, or absence proved by two sources and two polls. Facts come in any order (an execution may precede the
acknowledgement) and late (a fill after a cancel): rows, not footnotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class OrderState(StrEnum):
    INTENT = "intent"
    SUBMITTED = "submitted"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class OrderTrigger(StrEnum):
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    ACKNOWLEDGE = "acknowledge"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    LATE_FILL = "late_fill"
    AMEND = "amend"
    AMENDED = "amended"
    AMEND_REFUSED = "amend_refused"
    REQUEST_CANCEL = "request_cancel"
    CANCEL_REFUSED = "cancel_refused"
    CONFIRM_CANCEL = "confirm_cancel"
    REJECT = "reject"
    LOSE_SIGHT = "lose_sight"
    RESEND = "resend"


S, T = OrderState, OrderTrigger

ORDER: Final = Lifecycle(
    name="order",
    states=OrderState,
    triggers=OrderTrigger,
    table=MappingProxyType(
        {
            (S.INTENT, T.SUBMIT): S.SUBMITTED,
            (S.INTENT, T.WITHDRAW): S.CANCELLED,  # never sent, and no longer wanted
            (S.INTENT, T.REJECT): S.REJECTED,  # the adapter could not even send it
            (S.INTENT, T.LOSE_SIGHT): S.UNKNOWN,  # a crash between commit and send: was it sent?
            (S.INTENT, T.ACKNOWLEDGE): S.WORKING,  # the acknowledgement overtook our own note of the sending
            (S.INTENT, T.PARTIAL_FILL): S.PARTIALLY_FILLED,
            (S.INTENT, T.FILL): S.FILLED,
            (S.SUBMITTED, T.ACKNOWLEDGE): S.WORKING,
            (S.SUBMITTED, T.PARTIAL_FILL): S.PARTIALLY_FILLED,
            (S.SUBMITTED, T.FILL): S.FILLED,
            (S.SUBMITTED, T.REJECT): S.REJECTED,
            (S.SUBMITTED, T.REQUEST_CANCEL): S.CANCELLING,
            (S.SUBMITTED, T.CONFIRM_CANCEL): S.CANCELLED,  # cancelled at the venue, not by us
            (S.SUBMITTED, T.LOSE_SIGHT): S.UNKNOWN,
            (S.WORKING, T.PARTIAL_FILL): S.PARTIALLY_FILLED,
            (S.WORKING, T.FILL): S.FILLED,
            (S.WORKING, T.AMEND): S.WORKING,
            (S.WORKING, T.AMENDED): S.WORKING,
            (S.WORKING, T.AMEND_REFUSED): S.WORKING,  # the old terms are still live
            (S.WORKING, T.REQUEST_CANCEL): S.CANCELLING,
            (S.WORKING, T.CONFIRM_CANCEL): S.CANCELLED,  # day's end, or the venue
            (S.WORKING, T.REJECT): S.REJECTED,  # accepted, then refused (margin)
            (S.WORKING, T.LOSE_SIGHT): S.UNKNOWN,
            (S.PARTIALLY_FILLED, T.PARTIAL_FILL): S.PARTIALLY_FILLED,
            (S.PARTIALLY_FILLED, T.FILL): S.FILLED,
            (S.PARTIALLY_FILLED, T.AMEND): S.PARTIALLY_FILLED,
            (S.PARTIALLY_FILLED, T.AMENDED): S.PARTIALLY_FILLED,
            (S.PARTIALLY_FILLED, T.AMEND_REFUSED): S.PARTIALLY_FILLED,
            (S.PARTIALLY_FILLED, T.REQUEST_CANCEL): S.CANCELLING,
            (S.PARTIALLY_FILLED, T.CONFIRM_CANCEL): S.CANCELLED,
            (S.PARTIALLY_FILLED, T.REJECT): S.REJECTED,
            (S.PARTIALLY_FILLED, T.LOSE_SIGHT): S.UNKNOWN,
            (S.CANCELLING, T.PARTIAL_FILL): S.CANCELLING,
            (S.CANCELLING, T.FILL): S.FILLED,  # the fill raced our cancel: the broker is right
            (S.CANCELLING, T.AMENDED): S.CANCELLING,  # a late echo of an amendment
            (S.CANCELLING, T.CANCEL_REFUSED): S.WORKING,
            (S.CANCELLING, T.CONFIRM_CANCEL): S.CANCELLED,
            (S.CANCELLING, T.REJECT): S.REJECTED,
            (S.CANCELLING, T.LOSE_SIGHT): S.UNKNOWN,
            (S.UNKNOWN, T.ACKNOWLEDGE): S.WORKING,
            (S.UNKNOWN, T.PARTIAL_FILL): S.PARTIALLY_FILLED,
            (S.UNKNOWN, T.FILL): S.FILLED,
            (S.UNKNOWN, T.REQUEST_CANCEL): S.CANCELLING,
            (S.UNKNOWN, T.CONFIRM_CANCEL): S.CANCELLED,
            (S.UNKNOWN, T.REJECT): S.REJECTED,
            (S.UNKNOWN, T.RESEND): S.INTENT,  # proved absent, and still wanted: the same reference goes out again
            (S.FILLED, T.LATE_FILL): S.FILLED,  # beyond its quantity, or instead of a fill that was taken back
            (S.CANCELLED, T.LATE_FILL): S.CANCELLED,  # filled in part after all; the position takes it
            (S.CANCELLED, T.FILL): S.FILLED,
            (S.REJECTED, T.LATE_FILL): S.REJECTED,
            (S.REJECTED, T.FILL): S.FILLED,
        }
    ),
    terminal=frozenset({S.FILLED, S.CANCELLED, S.REJECTED}),
    notes=MappingProxyType(
        {
            S.INTENT: "committed here, not yet sent",
            S.SUBMITTED: "sent; the broker has not answered",
            S.WORKING: "the broker acknowledged it and it can fill",
            S.PARTIALLY_FILLED: "some of it is filled, the rest is live",
            S.CANCELLING: "a cancel was sent; it may still fill",
            S.UNKNOWN: "the broker's answer is missing or ambiguous; only evidence leads out",
            S.FILLED: "all of it is filled",
            S.CANCELLED: "the broker confirmed the cancel, or it was never sent",
            S.REJECTED: "the broker or the adapter refused it; the reason is on the row",
        }
    ),
)

LIVE: Final = frozenset({S.SUBMITTED, S.WORKING, S.PARTIALLY_FILLED, S.CANCELLING, S.UNKNOWN})
"""States in which the broker may hold the order."""

AMENDABLE: Final = frozenset({S.WORKING, S.PARTIALLY_FILLED})

ENDED_EARLY: Final = frozenset({S.CANCELLED, S.REJECTED})
"""Over before all of it was filled."""


NOT_TAKEN: Final = "not taken"
"""How the reason of an order begins that the broker ended by itself, or that never arrived; `not_taken` says so."""
MOST_ATTEMPTS: Final = 3
"""So often one thing is asked of the broker, whatever it answers; then it is done without."""
TAKEN_FOR: Final = timedelta(seconds=60)
"""A stop that worked for so long was taken: what becomes of it later is another matter."""


def times_not_taken(orders: Iterable[Order], purpose: Purpose) -> int:
    """Return how often in a row, up to the latest, the broker did not take an order of this purpose; `orders` as they
    were made. Each sending of one reference counts."""
    count = 0
    for order in reversed(list(orders)):
        if order.purpose is not purpose:
            continue
        began = order.acknowledged_at
        held = began is not None and order.done_at is not None and order.done_at - began >= TAKEN_FOR
        if order.filled_quantity or held or (began is not None and order.is_done and not order.was_not_taken):
            break
        if order.was_not_taken:
            count += order.attempts + 1
    return count


class Purpose(StrEnum):
    ENTRY = "entry"
    PROTECT = "protect"
    EXIT = "exit"


class RefusalKind(StrEnum):
    """What the words of a refusal say beyond its code, where something is decided by it: the adapter's table reads
    them."""

    OTHER_SIDE = "other_side"  # a buy works on the contract, which keeps every sale of it out
    READ_ONLY = "read_only"  # the gateway takes no orders at all


class OrderSide(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    LIMIT = "LMT"
    MARKET = "MKT"
    STOP = "STP"


class AdaptivePriority(StrEnum):
    """How urgently IBKR's Adaptive algorithm works an order between the quote's sides."""

    PATIENT = "Patient"
    NORMAL = "Normal"
    URGENT = "Urgent"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order asks for: contracts and prices per share (None where the type has none)."""

    quantity: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None

    def __str__(self) -> str:
        prices = (("limit", self.limit_price), ("stop", self.stop_price))
        return " ".join([str(self.quantity), *(f"{name} {price}" for name, price in prices if price is not None)])


class OrderChange(TypedDict, total=False):
    """What may change of an order."""

    terms: Terms
    state_since: datetime
    position_id: str | None
    tag: str
    filled_quantity: int
    reported_filled: int
    corrected_away: int
    filled_value: Decimal
    wanted: Terms | None
    wanted_since: datetime | None
    amendments: int
    attempts: int
    change_refusals: int
    superseded: tuple[Terms, ...]
    cancel_misses: int
    order_id: int | None
    perm_id: int | None
    client_id: int | None
    reject_code: int | None
    reject_reason: str
    refusal: RefusalKind | None
    not_taken: bool
    submitted_at: datetime | None
    acknowledged_at: datetime | None
    done_at: datetime | None


@living
class Order(Living[OrderTrigger, OrderChange]):
    """One order. `terms` are in force at the broker; `wanted` is an amendment that was sent and not yet echoed."""

    id: str
    order_ref: str
    contract_key: str
    purpose: Purpose
    side: OrderSide
    order_type: OrderType
    terms: Terms
    created_at: datetime
    state_since: datetime
    state: OrderState = OrderState.INTENT
    signal_id: str | None = None
    position_id: str | None = None
    tag: str = ""  # why it exists: "entry", "stop", "rung:1", "close:gap"; an entry's may say who called it off
    filled_quantity: int = 0
    reported_filled: int = 0  # what the broker's statuses say; executions may still be on their way
    corrected_away: int = 0  # contracts that corrections took from its fills; not stored, its executions say it
    filled_value: Decimal = Decimal(0)  # sum of price x quantity, per share
    wanted: Terms | None = None
    wanted_since: datetime | None = None
    amendments: int = 0
    attempts: int = 0
    change_refusals: int = 0  # changes in a row that did not come into force
    superseded: tuple[Terms, ...] = ()  # that the broker showed newer ones after; memory of this run, not stored
    cancel_misses: int = 0  # cancels that the broker refused, or knew no order for
    order_id: int | None = None
    perm_id: int | None = None
    client_id: int | None = None
    mid_at_decision: Decimal | None = None
    good_after: datetime | None = None  # the broker keeps it from then on; None: from its arrival
    reject_code: int | None = None
    reject_reason: str = ""
    refusal: RefusalKind | None = None
    not_taken: bool = False  # cancelled, and by nobody here: the broker ended it, or it never arrived
    submitted_at: datetime | None = None
    acknowledged_at: datetime | None = None
    done_at: datetime | None = None

    @property
    def used_quantity(self) -> int:
        """Contracts of its quantity that are used up at the broker: filled, and not given back by a correction."""
        return self.filled_quantity + self.corrected_away

    @property
    def remaining(self) -> int:
        return self.terms.quantity - self.used_quantity

    @property
    def unseen(self) -> int:
        """Contracts that the broker's status counted as filled and whose executions have not come."""
        return max(self.reported_filled - self.used_quantity, 0)

    @property
    def average_price(self) -> Decimal | None:
        return self.filled_value / self.filled_quantity if self.filled_quantity else None

    @property
    def is_done(self) -> bool:
        return self.state in ORDER.terminal

    @property
    def stop_kind(self) -> bool:
        """A stop rests at the broker as PreSubmitted for its whole life: for it that is the acknowledgement."""
        return self.order_type is OrderType.STOP

    @property
    def is_settled(self) -> bool:
        """Done, and every fill that the broker's status counted has come as an execution."""
        return self.is_done and not self.unseen

    @property
    def can_fill(self) -> int:
        """Contracts that may still fill, by the larger of the terms in force and the terms on their way."""
        if self.is_done:
            return 0
        most = max(self.terms.quantity, self.wanted.quantity if self.wanted else 0)
        return most - self.used_quantity

    @property
    def was_not_taken(self) -> bool:
        """Over without a fill because the broker would not have it: refused, ended by the broker, or never arrived."""
        if self.filled_quantity:
            return False
        return self.state is S.REJECTED or (self.state is S.CANCELLED and self.not_taken)

    def was_sent_before_as(self, order_id: int, highest_told: int) -> bool:
        """Say whether an order id is that of an earlier sending of the same reference; 0, an id unknown, is not, nor is
        one above all that were told: a refusal can be heard before its own sending is."""
        return bool(self.attempts) and 0 < order_id <= highest_told and order_id != self.order_id

    @property
    def changes_are_over(self) -> bool:
        """So many changes in a row were refused that no further one is asked for."""
        return self.change_refusals >= MOST_ATTEMPTS

    def ticket(self) -> OrderTicket:
        """Return what the broker adapter needs, frozen: the order itself goes on changing."""
        return OrderTicket(
            self.id,
            self.order_ref,
            self.contract_key,
            self.side,
            self.order_type,
            self.wanted or self.terms,
            self.order_id,
            self.good_after,
        )


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order as it is sent or modified: identity, contract, side, type and terms. Always a DAY order; where
    `good_after` is given, one that rests at the broker until then and cannot fill before."""

    id: str
    order_ref: str
    contract_key: str
    side: OrderSide
    order_type: OrderType
    terms: Terms
    order_id: int | None = None
    good_after: datetime | None = None
    adaptive: AdaptivePriority | None = None  # worked by the broker's algorithm within its limit; None: as it stands


_REVISED: Final = re.compile(r"(.+)\.([0-9A-Fa-f]{2})")


@lru_cache(maxsize=4096)
def base_of(exec_id: str) -> str:
    """Return the part of an execId that a correction shares with what it corrects; all of one of another shape."""
    revised = _REVISED.fullmatch(exec_id)
    return revised[1] if revised else exec_id


@lru_cache(maxsize=4096)
def revision_of(exec_id: str) -> int:
    """Return which correction an execId is: 1 for the first report, 0 for an execId of another shape."""
    revised = _REVISED.fullmatch(exec_id)
    return int(revised[2], 16) if revised else 0


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill as the broker reports it; price per share. `exec_id` ends in a revision (.01, .02): the highest one
    counts."""

    exec_id: str
    order_ref: str
    perm_id: int
    order_id: int
    contract_key: str
    side: OrderSide
    quantity: int
    price: Decimal
    executed_at: datetime
    client_id: int = 0

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.contract_key.strip()} at {self.price}"

    @property
    def base_id(self) -> str:
        return base_of(self.exec_id)

    @property
    def revision(self) -> int:
        return revision_of(self.exec_id)


def last_revisions(executions: Iterable[Execution]) -> list[Execution]:
    """Return of each fill what was said of it last, in the order of their first reports: a broker's book lists the
    corrected beside the correction."""
    last: dict[str, Execution] = {}
    for execution in executions:
        known = last.get(execution.base_id)
        if known is None or execution.revision > known.revision:
            last[execution.base_id] = execution
    return list(last.values())
