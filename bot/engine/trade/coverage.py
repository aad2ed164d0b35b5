"""How each position is covered by sales that work at the broker, and for how long it was not: the one measure.

Taken at the end of every tick of the positions that the tick touched, kept with the position, shown as it is kept. A
contract counts as covered while a stop or an exit that can fill it is known to work at the broker: not while that is on
its way, being taken back or in doubt, and not while the tick only watches its price.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.order import AMENDABLE, Order, OrderSide, OrderState
from bot.domain.position import CloseReason, Position, PositionChange, PositionState, Protection
from bot.engine.state.journal import Journal
from bot.engine.trade.protection import due_to_stop, live_stop, too_much
from bot.engine.trade.refusals import is_watched, latest_stop

_MS = timedelta(milliseconds=1)


def measure(journal: Journal) -> None:
    """Bring the cover of every position that this batch touches up to date, and have what changed written with it."""
    for position in list(_touched(journal)):
        change = measured(position, journal.ledger.order_index.of_position(position.id), journal.now)
        if change:
            journal.change(position, change)
        _note_what_is_too_large(journal, position)


def _note_what_is_too_large(journal: Journal, position: Position) -> None:
    """Remember since when a stop would sell more than is held, so that it is looked at again until it does not."""
    too_large = journal.ledger.position_index.too_large
    if (
        too_much(position, journal.ledger.order_index.of_position(position.id))
        and position.state is not PositionState.CLOSED
    ):
        too_large.setdefault(position.id, journal.now)
    else:
        too_large.pop(position.id, None)


def _touched(journal: Journal) -> Iterable[Position]:
    positions, orders = journal.batch.changed.of(Position), journal.batch.changed.of(Order)
    ids = {*positions, *(o.position_id for o in orders.values() if o.position_id)}
    known = (positions.get(i) or journal.ledger.positions.get(i) for i in sorted(ids))
    return (position for position in known if position is not None)


def measured(position: Position, orders: Sequence[Order], now: datetime) -> PositionChange:
    """Return the new cover, with the time that has passed under the old one counted; empty while it is the same."""
    bare, protection = uncovered(position, orders), protection_of(position, orders)
    if (bare, protection) == (position.unprotected_quantity, position.protection) and position.cover_at is not None:
        return PositionChange()
    passed = 0
    if position.unprotected_quantity and position.cover_at is not None:
        passed = max(round((now - position.cover_at) / _MS), 0)
    return PositionChange(
        unprotected_ms=position.unprotected_ms + passed,
        unprotected_contract_ms=position.unprotected_contract_ms + passed * position.unprotected_quantity,
        unprotected_quantity=bare,
        protection=protection,
        cover_at=now,
        unprotected_since=(position.unprotected_since or now) if bare else None,
    )


def uncovered(position: Position, orders: Sequence[Order]) -> int:
    """Return the contracts that no sale working at the broker covers; what has expired needs none."""
    if position.close_reason is CloseReason.AWAITING_SETTLEMENT:
        return 0
    working = (o for o in orders if o.side is OrderSide.SELL and o.state in AMENDABLE)
    return max(position.quantity - sum(order.remaining for order in working), 0)


def protection_of(position: Position, orders: Sequence[Order]) -> Protection:
    """Return how a position is protected. A contract that a rung is about to sell is not the stop's to cover."""
    if position.state is PositionState.CLOSED:
        return Protection.ENDED
    if position.state is PositionState.CLOSING:
        return Protection.LEAVING
    stop = live_stop(orders)
    stopped = stop.remaining if stop is not None and stop.state in AMENDABLE else 0
    if stopped >= due_to_stop(position, orders):
        return Protection.WORKING
    if is_watched(orders):
        return Protection.SYNTHETIC
    latest = latest_stop(orders)
    return Protection.REJECTED if latest is not None and latest.state is OrderState.REJECTED else Protection.WANTED
