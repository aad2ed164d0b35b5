"""What proves that a holding beyond our book is ours: a live sale, executions, or a sale that was taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.orders import MAY_FILL
from bot.domain.ids import is_ours
from bot.domain.order import Execution, OrderSide, last_revisions
from bot.domain.position import Origin, PositionState
from bot.engine.book.newer_store import is_unknown, left_of
from bot.engine.state.context import Context

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def proved_ours(ctx: Context, snapshot: BrokerSnapshot, key: str) -> int:
    """Return how many contracts beyond our book our own orders, executions and corrections explain."""
    return max(_on_sale(ctx, snapshot, key), _bought(ctx, snapshot, key), _given_back(ctx, key))


def _on_sale(ctx: Context, snapshot: BrokerSnapshot, key: str) -> int:
    """Contracts that live sales of ours, which this store does not know, would sell: we never sell what is not
    ours."""
    lost = (
        view
        for view in snapshot.open_orders
        if view.contract_key == key and view.side is OrderSide.SELL and view.status in MAY_FILL
    )
    return sum(left_of(view) for view in lost if is_unknown(ctx, view.order_ref, view.perm_id))


def _bought(ctx: Context, snapshot: BrokerSnapshot, key: str) -> int:
    """What executions with our reference, of orders that this store does not know, bought and did not sell; those
    of before it was last taken over are in that position."""
    ledger = ctx.ledger
    known = ledger.adoptions.get(key)
    since = known.adopted_at if known is not None and known.adopted_at is not None else _LONG_AGO
    strange = [e for base, e in ledger.fills.executions.items() if base in ledger.foreign.executions]
    strange += [e for e in snapshot.executions if e.base_id not in ledger.fills.executions]
    ours = (e for e in last_revisions(strange) if _is_of_a_lost_order(ctx, e, key) and e.executed_at > since)
    return sum(e.quantity if e.side is OrderSide.BUY else -e.quantity for e in ours)


def _is_of_a_lost_order(ctx: Context, execution: Execution, key: str) -> bool:
    ref = execution.order_ref
    return execution.contract_key == key and is_ours(ctx.settings.bot_id, ref) and (
        ref not in ctx.ledger.order_index.by_ref
    )  # fmt: skip


def _given_back(ctx: Context, key: str) -> int:
    """What corrections gave back to closed positions, less what was taken over of it since."""
    closed = [p for p in ctx.ledger.closed.values() if p.key == key]
    back = [p for p in closed if p.state is PositionState.CLOSED and p.quantity > 0]
    every = (*ctx.ledger.position_index.of(key), *closed)
    first = min((p.opened_at for p in back), default=None)
    return sum(p.quantity for p in back) - sum(
        p.entry_quantity for p in every if first is not None and p.origin is Origin.BROKER and p.opened_at > first
    )


# ---- barriers
