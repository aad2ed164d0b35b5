"""Whose an execution is."""

from __future__ import annotations

from bot.domain.order import Execution, Order
from bot.domain.position import Position
from bot.engine.state.ledger import Ledger


def order_of(ledger: Ledger, execution: Execution) -> Order | None:
    """Return our order that filled. A fill on another side or contract is not of it, whatever reference it bears:
    TWS copies references along with an order's other fields."""
    order = ledger.order_index.find(execution.order_ref, execution.perm_id)
    if order is None or (order.side is execution.side and order.contract_key == execution.contract_key):
        return order
    return None


def position_of(ledger: Ledger, order: Order | None) -> Position | None:
    """Return the position that an order bought for or sells of, also one that is over."""
    if order is None or order.position_id is None:
        return None
    return ledger.positions.get(order.position_id) or ledger.closed.get(order.position_id)
