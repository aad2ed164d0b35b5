"""Orders of ours that the store does not know: what a lost store leaves working at the broker.

A stop that fits a position which is being adopted becomes that position's protective stop, so it is never without one
and never has two. Every other one is cancelled, and a position is adopted only when none of those is live on its
contract any more: what can be sold together never adds up to more than is held.
"""

from __future__ import annotations

from bot.domain.commands import CancelOrder
from bot.domain.events import BrokerOrderStatus, BrokerOrderView, BrokerSnapshot, OrderReported
from bot.domain.ids import is_ours
from bot.domain.order import Order, OrderSide, OrderTrigger, OrderType, Purpose, Terms
from bot.domain.position import Position
from bot.engine.context import Context
from bot.engine.facts import FactKeeper
from bot.engine.journal import Journal
from bot.engine.steps import Birth, Step

_LIVE = frozenset({BrokerOrderStatus.PENDING, BrokerOrderStatus.WORKING})
_TAG = "stop of a lost store"


class LostOrders:
    """The lost orders of one snapshot."""

    def __init__(self, ctx: Context, journal: Journal, snapshot: BrokerSnapshot) -> None:
        self._ctx, self._journal = ctx, journal
        self._found = [view for view in snapshot.open_orders if self._is_lost(view)]
        self._extra = _held_beyond(ctx, snapshot)
        self._stops = {key: stop for key in self._extra if (stop := self._fitting_stop(key)) is not None}

    def _is_lost(self, view: BrokerOrderView) -> bool:
        ledger = self._ctx.ledger
        ours = is_ours(self._ctx.settings.bot_id, view.order_ref)
        return ours and view.order_ref not in ledger.by_ref and view.perm_id not in ledger.by_perm

    def _fitting_stop(self, key: str) -> BrokerOrderView | None:
        """Return the largest whole stop that sells no more than what nobody here knows of."""
        fitting = [v for v in self._found if v.contract_key == key and _is_whole_stop(v, self._extra[key])]
        return max(fitting, key=lambda v: (v.quantity, v.order_ref), default=None)

    def call_off(self) -> list[tuple[BrokerOrderView, str]]:
        """Cancel what protects nothing; returns each lost order and what was done about it."""
        done = []
        for view in self._found:
            if self._stops.get(view.contract_key) is view:
                done.append((view, "kept as the stop of what is adopted"))
                continue
            if view.status in _LIVE:
                words = f"{view.order_ref} is of a store that is lost, and protects nothing: it is cancelled"
                self._journal.alert("LOST_ORDER_CANCELLED", "critical", words, {"perm_id": view.perm_id})
                self._journal.commands.append(CancelOrder(view.order_ref, view.order_id))
            done.append((view, "cancel sent"))
        return done

    def in_the_way_on(self, key: str) -> bool:
        """Whether a lost order that is on its way out is still live on a contract."""
        return any(v.contract_key == key and v is not self._stops.get(key) for v in self._found)

    def protect(self, position: Position) -> None:
        """Make the kept stop the adopted position's own."""
        view = self._stops.pop(position.key, None)
        if view is None:
            return
        order = _order_of(self._ctx, view, position)
        words = f"{view.order_ref} works at the broker and fits: it is the position's stop"
        self._journal.born(Birth(order, words, {"perm_id": view.perm_id, "order_id": view.order_id}), "reconcile")
        self._journal.take(Step(order, OrderTrigger.SUBMIT, "sent before the store was lost", {}, actor="reconcile"))
        FactKeeper(self._ctx, self._journal).order_reported(OrderReported(view))


def _held_beyond(ctx: Context, snapshot: BrokerSnapshot) -> dict[str, int]:
    """Return by contract how many the broker holds more than we know of."""
    ours: dict[str, int] = {}
    for position in ctx.ledger.positions.values():
        ours[position.key] = ours.get(position.key, 0) + position.quantity
    beyond = {p.contract_key: p.quantity - ours.get(p.contract_key, 0) for p in snapshot.positions}
    return {key: extra for key, extra in beyond.items() if extra > 0}


def _is_whole_stop(view: BrokerOrderView, most: int) -> bool:
    is_stop = view.side is OrderSide.SELL and view.stop_price is not None and view.limit_price is None
    return is_stop and not view.filled_quantity and 0 < view.quantity <= most and view.status in _LIVE


def _order_of(ctx: Context, view: BrokerOrderView, position: Position) -> Order:
    return Order(
        id=ctx.new_id(),
        order_ref=view.order_ref,
        contract_key=view.contract_key,
        purpose=Purpose.PROTECT,
        side=view.side,
        order_type=OrderType.STOP,
        terms=Terms(view.quantity, None, view.stop_price),
        created_at=ctx.now,
        state_since=ctx.now,
        position_id=position.id,
        tag=_TAG,
        order_id=view.order_id,
        perm_id=view.perm_id,
        client_id=view.client_id,
        submitted_at=ctx.now,
    )
