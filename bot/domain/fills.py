"""What an execution, its correction or its commission changes of an order and of a position: pure functions of values.

`quantity` is in contracts; a `value` is a sum of price x contracts, per share. Nothing here says what follows from a
change; that needs a desk and is `bot.engine.book.fills`. Which triggers it is, follows from values too.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.domain.order import ORDER, Execution, Order, OrderChange, OrderState, OrderTrigger, Purpose
from bot.domain.order_tag import Why
from bot.domain.position import Position, PositionChange, PositionState, PositionTrigger
from bot.domain.signal import SignalState

_BEFORE_ITS_END: Final = frozenset({PositionState.FILLED, PositionState.TRAILING})


@dataclass(frozen=True, slots=True)
class Difference:
    """What a correction of an execution adds (negative: takes away)."""

    quantity: int
    value: Decimal


def difference(before: Execution, after: Execution) -> Difference:
    """Return what the later revision of one execution has more than the earlier one."""
    return Difference(after.quantity - before.quantity, after.price * after.quantity - before.price * before.quantity)


# ---- orders


def fill_order(order: Order, execution: Execution) -> OrderChange:
    """Return what a new execution changes of its order, whatever its state; it may bring the permId."""
    change = OrderChange(
        filled_quantity=order.filled_quantity + execution.quantity,
        filled_value=order.filled_value + execution.price * execution.quantity,
    )
    if not order.perm_id and execution.perm_id:
        change["perm_id"] = execution.perm_id
    return change


def correct_order(order: Order, more: Difference) -> OrderChange:
    """Return what a correction changes: what it takes away, the order has used up at the broker all the same."""
    return OrderChange(
        filled_quantity=order.filled_quantity + more.quantity,
        filled_value=order.filled_value + more.value,
        corrected_away=order.corrected_away - more.quantity,
    )


def order_trigger(state: OrderState, remaining: int) -> OrderTrigger:
    """Return what an execution is to its order in this state, when `remaining` are left with it counted."""
    if state is OrderState.FILLED:
        return OrderTrigger.LATE_FILL  # beyond its quantity, or instead of a fill that was taken back
    if remaining <= 0:
        return OrderTrigger.FILL
    return OrderTrigger.LATE_FILL if state in ORDER.terminal else OrderTrigger.PARTIAL_FILL


GIVEN_UP: Final = frozenset({SignalState.EXPIRED, SignalState.CANCELLED, SignalState.REJECTED})
"""States of a signal that a fill leads out of: it raced our cancel."""


# ---- positions


def exit_triggers(state: PositionState, left: int, purpose: Purpose, why: Why) -> tuple[PositionTrigger, ...]:
    """Return what a sale is to its position in this state, one after the other, when `left` contracts are held with it
    counted: a stop that is hit closes, a rung that leaves something does not."""
    if purpose is Purpose.PROTECT and state in _BEFORE_ITS_END:
        return (PositionTrigger.STOPPED, PositionTrigger.EXIT_FILL)
    if why is Why.RUNG and left > 0:
        return (PositionTrigger.SCALE_OUT,)
    if state is not PositionState.CLOSING:
        return (PositionTrigger.REQUEST_CLOSE, PositionTrigger.EXIT_FILL)
    return (PositionTrigger.EXIT_FILL,)


def fill_entry(position: Position, execution: Execution) -> PositionChange:
    """Return what a bought execution changes; the high of the trail is at least its price."""
    return PositionChange(
        entry_quantity=position.entry_quantity + execution.quantity,
        entry_value=position.entry_value + execution.price * execution.quantity,
        high=max(position.high, execution.price),
    )


def fill_exit(position: Position, execution: Execution) -> PositionChange:
    """Return what a sold execution changes."""
    return PositionChange(
        exit_quantity=position.exit_quantity + execution.quantity,
        exit_value=position.exit_value + execution.price * execution.quantity,
    )


def correct_entry(position: Position, more: Difference) -> PositionChange:
    return PositionChange(
        entry_quantity=position.entry_quantity + more.quantity, entry_value=position.entry_value + more.value
    )


def correct_exit(position: Position, more: Difference) -> PositionChange:
    return PositionChange(
        exit_quantity=position.exit_quantity + more.quantity, exit_value=position.exit_value + more.value
    )


def take_from_entry(position: Position, contracts: int) -> Difference:
    """Return what so many contracts of an entry are, at its own mean price, as what a correction takes away."""
    return Difference(-contracts, -(position.entry_value * contracts / position.entry_quantity))


def charge(position: Position, more: Decimal) -> PositionChange:
    """Return what so many dollars of commission more change."""
    return PositionChange(commissions=position.commissions + more)


def unsettle(position: Position, sold: int) -> PositionChange:
    """What was taken for settled was sold before, and counts at what it is sold for: return how it is settled for less.
    What somebody else sold stays."""
    value = position.settled_value - position.elsewhere_value
    before = position.settled_quantity - position.elsewhere_quantity
    left = max(before - sold, 0)
    settled = left + position.elsewhere_quantity
    change = PositionChange(
        settled_value=(value * left / before if before else value) + position.elsewhere_value,
        settled_quantity=settled,
        left_early=min(position.left_early, settled),
    )
    if not left:
        change |= PositionChange(settlement=None, shares_before=None)
    return change


def settle(position: Position, contracts: int, value: Decimal) -> PositionChange:
    """Return what changes when contracts leave without an order of ours, and count at a sum of `value`."""
    return PositionChange(
        settled_quantity=position.settled_quantity + contracts, settled_value=position.settled_value + value
    )


# ---- contracts that somebody else sold


def lose(position: Position, gone: int) -> PositionChange:
    """Return what changes when contracts are found gone before their expiry; what they brought is another matter."""
    return PositionChange(
        elsewhere_quantity=position.elsewhere_quantity + gone,
        settled_quantity=position.settled_quantity + gone,
        left_early=position.left_early + gone,
    )


def count_elsewhere(position: Position, value: Decimal, commission: Decimal) -> PositionChange:
    """Return what changes when what somebody else sold counts at this sum and this commission from now on."""
    return PositionChange(
        settled_value=position.settled_value + (value - position.elsewhere_value),
        commissions=position.commissions + (commission - position.elsewhere_commission),
        elsewhere_value=value,
        elsewhere_commission=commission,
    )
