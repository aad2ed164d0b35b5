"""Sales that a store newer than ours placed: what is at the broker after an older backup was restored.

Those of a position that the store knows become that position's own again, with their executions: the newer stop stays
where it was raised to, the rung that was sold is counted. What that would sell beyond what is held, or a stop that is
looser than ours, is left to those who cancel (`bot.engine.book.lost_orders`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.orders import AT_BROKER, BrokerOrderStatus, BrokerOrderView
from bot.domain.ids import is_ours
from bot.domain.money import ZERO
from bot.domain.order import (
    Execution,
    Order,
    OrderSide,
    OrderTrigger,
    OrderType,
    Purpose,
    Terms,
    last_revisions,
)
from bot.domain.position import Position, PositionState
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Birth, Step

_NEWER: Final = "of a newer store"


class NewerSales:
    """The sales in one complete snapshot that a store newer than ours placed for positions that ours knows."""

    def __init__(self, ctx: Context, journal: Journal, snapshot: BrokerSnapshot) -> None:
        self._ctx, self._journal = ctx, journal
        self._views = {v.order_ref: v for v in (*snapshot.completed_orders, *snapshot.open_orders) if self._is_new(v)}
        self._sold: dict[str, list[Execution]] = defaultdict(list)
        for execution in last_revisions(snapshot.executions):
            if _is_unknown_sale(ctx, execution):
                self._sold[execution.order_ref].append(execution)
        self._held = {p.contract_key: p.quantity for p in snapshot.positions}
        self._on_sale: dict[str, int] = defaultdict(int)
        self._on_sale_of: dict[str | None, int] = defaultdict(int)  # the same, by position
        self._counted: dict[str, int] = defaultdict(int)  # sold by newer orders, by position
        for view in snapshot.open_orders:
            if view.side is OrderSide.SELL and (known := ctx.ledger.order_index.by_ref.get(view.order_ref)) is not None:
                self._on_sale[view.contract_key] += left_of(view)
                self._on_sale_of[known.position_id] += left_of(view)

    def _is_new(self, view: BrokerOrderView) -> bool:
        return view.side is OrderSide.SELL and is_unknown(self._ctx, view.order_ref, view.perm_id)

    def take_back(self) -> list[tuple[str, str]]:
        """Write each one down as its position's order, those that sold something first, then the tightest stop;
        returns reference and what was done. The facts of the snapshot then do the rest."""
        live = [v for v in self._views.values() if v.status in AT_BROKER and v.order_ref not in self._sold]
        live.sort(key=lambda v: (v.stop_price is None, -(v.stop_price or 0), v.order_ref))
        taken = [ref for ref in self._sold if self._took_back(ref)]
        taken += [view.order_ref for view in live if self._took_back(view.order_ref)]
        return [(ref, "taken back as the position's own") for ref in taken]

    def _took_back(self, ref: str) -> bool:
        view, sold = self._views.get(ref), self._sold.get(ref, [])
        key = view.contract_key if view is not None else sold[0].contract_key
        position = _position_sold(self._ctx, key, sold)
        count = sum(execution.quantity for execution in sold)
        if position is None or count > position.quantity - self._counted[position.id]:
            return False
        left = left_of(view) if view is not None and view.status in AT_BROKER else 0
        if not count and not self._fits(view, left, position):
            return False
        self._counted[position.id] += count
        self._on_sale[key] += left
        self._on_sale_of[position.id] += left
        self._write_down(view, sold, position)
        return True

    def _fits(self, view: BrokerOrderView | None, left: int, position: Position) -> bool:
        """A live order that sold nothing yet: not beside more than is held, by the broker or by the position
        (another position of the newer store's may have been on the contract), and no stop that is looser than ours."""
        if view is None or left <= 0 or self._on_sale[position.key] + left > self._held.get(position.key, 0):
            return False
        if self._on_sale_of[position.id] + left > position.quantity - self._counted[position.id]:
            return False
        return view.stop_price is None or view.stop_price >= (position.stop_price or 0)

    def _write_down(self, view: BrokerOrderView | None, sold: list[Execution], position: Position) -> None:
        shown = view or _view_of(sold)
        tag = f"stop {_NEWER}" if shown.stop_price is not None else f"rung {_NEWER}" if shown.limit_price else _NEWER
        order = order_of(self._ctx, shown, position, tag)
        words = f"{order.order_ref} was placed by a newer store than this one: it is the position's"
        evidence = {"perm_id": order.perm_id, "executions": [execution.exec_id for execution in sold]}
        self._journal.born(Birth(order, words, evidence), "reconcile")
        step = Step(order, OrderTrigger.SUBMIT, "sent before the store was restored", {}, actor="reconcile")
        self._journal.take(step)
        facts = {"order_ref": order.order_ref, "position_id": position.id}
        self._journal.alert("ORDER_TAKEN_BACK", words, facts)


def is_sale_of_a_newer_store(ctx: Context, execution: Execution) -> bool:
    """Say whether an execution is our own sale of a position that we know, by an order that we do not know: then only
    the broker's book tells what that order is."""
    return _is_unknown_sale(ctx, execution) and _position_sold(ctx, execution.contract_key, [execution]) is not None


def is_unknown(ctx: Context, ref: str, perm_id: int) -> bool:
    ledger = ctx.ledger
    return (
        is_ours(ctx.settings.bot_id, ref)
        and ref not in ledger.order_index.by_ref
        and perm_id not in ledger.order_index.by_perm
    )


def _is_unknown_sale(ctx: Context, execution: Execution) -> bool:
    unknown = is_unknown(ctx, execution.order_ref, execution.perm_id)
    return unknown and execution.side is OrderSide.SELL and execution.base_id not in ctx.ledger.fills.executions


def _position_sold(ctx: Context, key: str, sold: Sequence[Execution]) -> Position | None:
    """Return the position that such an order is of: the one on its contract that was open before it sold, or one that
    was closed by a sale which the broker took back since."""
    first = min((execution.executed_at for execution in sold), default=None)
    on_key = (*ctx.ledger.position_index.of(key), *(p for p in ctx.ledger.closed.values() if p.key == key))
    held_again = [p for p in on_key if p.state is PositionState.CLOSED and p.quantity > 0] if sold else []
    known = (*(p for p in on_key if p.state is not PositionState.CLOSED), *held_again)
    return next((p for p in known if first is None or p.opened_at <= first), None)


def left_of(view: BrokerOrderView) -> int:
    return view.quantity - (view.filled_quantity or 0)


def _view_of(sold: Sequence[Execution]) -> BrokerOrderView:
    """What executions alone say of an order that the broker's book no longer lists."""
    last, count = sold[-1], sum(execution.quantity for execution in sold)
    return BrokerOrderView(
        last.order_ref, last.perm_id, last.order_id, last.client_id, last.contract_key, last.side,
        BrokerOrderStatus.FILLED, count, count, None, None, last.executed_at,
    )  # fmt: skip


def order_of(
    ctx: Context, view: BrokerOrderView, position: Position, tag: str, sold: Sequence[Execution] = ()
) -> Order:
    """Return the order that the broker shows, as one of a position's; `sold`: what it had done before it was ours."""
    kind = OrderType.STOP if view.stop_price is not None else OrderType.LIMIT if view.limit_price else OrderType.MARKET
    return Order(
        id=ctx.new_id(),
        order_ref=view.order_ref,
        contract_key=view.contract_key,
        purpose=Purpose.PROTECT if kind is OrderType.STOP else Purpose.EXIT,
        side=view.side,
        order_type=kind,
        terms=Terms(view.quantity, view.limit_price, view.stop_price),
        created_at=ctx.now,
        state_since=ctx.now,
        position_id=position.id,
        tag=tag,
        filled_quantity=sum(execution.quantity for execution in sold),
        filled_value=sum((execution.price * execution.quantity for execution in sold), ZERO),
        order_id=view.order_id or None,
        perm_id=view.perm_id,
        client_id=view.client_id or None,
        submitted_at=ctx.now,
    )
