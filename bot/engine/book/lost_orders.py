"""Orders of ours that the store does not know: what a lost store leaves working at the broker.

A stop that fits a position which is being adopted becomes that position's protective stop, so it is never without one
and never has two. Every other one is cancelled, and a position is adopted only when none of those is live on its
contract any more: what can be sold together never adds up to more than is held. (Sales of a position that the store
does know are `bot.engine.book.newer_store`'s.)
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.orders import AT_BROKER, BrokerOrderView, OrderReported
from bot.domain.instructions import CancelOrder
from bot.domain.order import Execution, Order, OrderSide, OrderTrigger, last_revisions
from bot.domain.position import Position
from bot.engine.book.facts import FactKeeper
from bot.engine.book.newer_store import is_unknown, left_of, order_of
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.records import NewExecution
from bot.engine.state.steps import Birth, Step

_TAG = "stop of a lost store"


class LostOrders:
    """The lost orders of one snapshot."""

    def __init__(self, ctx: Context, journal: Journal, snapshot: BrokerSnapshot) -> None:
        self._ctx, self._journal = ctx, journal
        self._found = [view for view in snapshot.open_orders if self._is_lost(view)]
        self._sold: dict[str, list[Execution]] = defaultdict(list)
        for execution in last_revisions(snapshot.executions):
            self._sold[execution.order_ref].append(execution)
        self._extra = _held_beyond(ctx, snapshot)
        self._stops = {key: stop for key in self._extra if (stop := self._fitting_stop(key)) is not None}

    def _is_lost(self, view: BrokerOrderView) -> bool:
        return is_unknown(self._ctx, view.order_ref, view.perm_id)

    def _fitting_stop(self, key: str) -> BrokerOrderView | None:
        """Return the largest stop that sells no more than what nobody here knows of; what it sold before is gone."""
        fitting = [v for v in self._found if v.contract_key == key and self._fits(v, self._extra[key])]
        return max(fitting, key=lambda v: (left_of(v), v.order_ref), default=None)

    def _fits(self, view: BrokerOrderView, most: int) -> bool:
        """A live stop whose executions are all here, for then what is left of it is known."""
        is_stop = view.side is OrderSide.SELL and view.stop_price is not None and view.limit_price is None
        told = sum(execution.quantity for execution in self._sold[view.order_ref])
        known = told == (view.filled_quantity or 0)
        return is_stop and known and 0 < left_of(view) <= most and view.status in AT_BROKER

    def call_off(self) -> list[tuple[BrokerOrderView, str]]:
        """Cancel what protects nothing; returns each lost order and what was done about it."""
        done = []
        for view in self._found:
            if self._stops.get(view.contract_key) is view:
                done.append((view, "kept as the stop of what is adopted"))
                continue
            if view.status in AT_BROKER:
                words = f"{view.order_ref} is of a store that is lost, and protects nothing: it is cancelled"
                self._journal.alert("LOST_ORDER_CANCELLED", words, {"perm_id": view.perm_id})
                self._journal.instructions.append(CancelOrder(view.order_ref, view.order_id))
            done.append((view, "cancel sent"))
        return done

    def in_the_way_on(self, key: str) -> bool:
        """Whether a lost order that is on its way out is still live on a contract."""
        return any(v.contract_key == key and v is not self._stops.get(key) for v in self._found)

    @property
    def on_their_way_out(self) -> frozenset[str]:
        """The contracts on which lost orders are still live that nobody keeps."""
        return frozenset(v.contract_key for v in self._found if v is not self._stops.get(v.contract_key))

    def protect(self, position: Position) -> None:
        """Make the kept stop the adopted position's own."""
        view = self._stops.pop(position.key, None)
        if view is None:
            return
        order = order_of(self._ctx, view, position, _TAG, self._sold[view.order_ref])
        words = f"{view.order_ref} works at the broker and fits: it is the position's stop"
        sold = self._count_what_it_sold(order)
        evidence = {"perm_id": view.perm_id, "order_id": view.order_id, **({"sold": sold} if sold else {})}
        self._journal.born(Birth(order, words, evidence), "reconcile")
        self._journal.take(Step(order, OrderTrigger.SUBMIT, "sent before the store was lost", {}, actor="reconcile"))
        FactKeeper(self._ctx, self._journal).order_reported(OrderReported(view))

    def _count_what_it_sold(self, order: Order) -> dict[str, list[int | Decimal]]:
        """Before the store was lost: executions of this order, and of no contract that is adopted. Returns them as the
        chain tells of them: quantity and price by exec id."""
        told: dict[str, list[int | Decimal]] = {}
        for execution in self._sold[order.order_ref]:
            paid = self._ctx.ledger.fills.commissions.get(execution.exec_id)
            self._ctx.ledger.foreign.executions.discard(execution.base_id)
            self._journal.batch.executions.append(NewExecution(execution, paid, order.id, None))
            told[execution.exec_id] = [execution.quantity, execution.price]
        return told


def _held_beyond(ctx: Context, snapshot: BrokerSnapshot) -> dict[str, int]:
    """Return by contract how many the broker holds more than we know of."""
    ours: dict[str, int] = {}
    for position in ctx.ledger.positions.values():
        ours[position.key] = ours.get(position.key, 0) + position.quantity
    beyond = {p.contract_key: p.quantity - ours.get(p.contract_key, 0) for p in snapshot.positions}
    return {key: extra for key, extra in beyond.items() if extra > 0}
