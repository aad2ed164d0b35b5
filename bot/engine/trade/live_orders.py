"""Orders that work at the broker: changed, taken back, and what is done with one that the broker never takes back.

| order | refused cancels | instead |
|---|---|---|
| an entry | three | its limit goes to one tick: nobody sells at it |
| an entry on a contract that is held | three | it is cut to one contract, at the ask: beside a buy no sale is taken |
| a stop of a position that is over | one | it goes to one tick: what it sold would be short |
| a limit sale of a position that is over | one | it goes to ten times the ask, for the same reason |
| a stop or rung of a position on its way out | three | it is the way out: the stop at the ask, the limit at the bid |

The order counts as live all the while, so that nothing is sold beside it; a cancel is tried ever more rarely, and what
no change helps either ends with its day or its contract. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from bot.domain.instructions import AmendOrder, CancelOrder
from bot.domain.order import (
    AMENDABLE,
    MOST_ATTEMPTS,
    Order,
    OrderChange,
    OrderSide,
    OrderState,
    OrderTrigger,
    OrderType,
    Purpose,
    Terms,
)
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade.entry_style import adaptive_of

CANCELLABLE: Final = frozenset({OrderState.SUBMITTED, OrderState.WORKING, OrderState.PARTIALLY_FILLED})
_FAR: Final = 10  # times the ask
_FAR_ENOUGH: Final = 2  # a sale at a half of that, after the market has moved, is left where it is
_MISS_WAIT_S: Final = 2.0
_MISS_WAIT_MOST_S: Final = 60.0


def may_cancel(ctx: Context, order: Order) -> bool:
    """Say whether a cancel may be sent now: each one that missed doubles the wait for the next, up to a minute."""
    if order.state not in CANCELLABLE:
        return False
    if not order.cancel_misses:
        return True
    wait = min(_MISS_WAIT_S * 2 ** min(order.cancel_misses, 10), _MISS_WAIT_MOST_S)
    return ctx.now - order.state_since >= timedelta(seconds=wait)


def cancel(ctx: Context, order: Order, reason: str) -> Step:
    """Ask the broker to cancel a live order; the answer decides what it was."""
    instruction = CancelOrder(order.order_ref, order.order_id or 0)
    quote = ctx.board.quote(order.contract_key)
    evidence = {
        "filled": order.filled_quantity,
        "bid": quote.bid if quote else None,
        "ask": quote.ask if quote else None,
    }
    return Step(order, OrderTrigger.REQUEST_CANCEL, reason, evidence, instructions=(instruction,))


def amend(
    ctx: Context, order: Order, wanted: Terms, reason: str, evidence: Mapping[str, Any], actor: str = "tick"
) -> Step:
    """Send new terms for a live order; they are in force once the broker echoes them."""
    later = order.good_after if order.good_after is not None and order.good_after > ctx.broker_now else None
    signal = ctx.ledger.signals.get(order.signal_id or "") if order.purpose is Purpose.ENTRY else None
    adaptive = adaptive_of(ctx, signal.rationale) if signal is not None else None
    ticket = replace(order.ticket(), terms=wanted, good_after=later, adaptive=adaptive)
    sets = OrderChange(wanted=wanted, wanted_since=ctx.now, amendments=order.amendments + 1)
    return Step(order, OrderTrigger.AMEND, reason, evidence, sets, instructions=(AmendOrder(ticket),), actor=actor)


def take_back(ctx: Context, order: Order, reason: str) -> list[Step]:
    """Return the step that cancels an order, or that moves one that is never cancelled to where it does not fill."""
    is_over = order.side is OrderSide.SELL  # nothing is held of it: each second on sale may end short
    if order.cancel_misses < (1 if is_over else MOST_ATTEMPTS):
        return [cancel(ctx, order, reason)] if may_cancel(ctx, order) else []
    held = order.side is OrderSide.BUY and any(p.quantity > 0 for p in ctx.ledger.position_index.of(order.contract_key))
    wanted = _one_more(ctx, order) if held else _out_of_the_way(ctx, order)
    return _instead(ctx, order, wanted, reason) or _try_again(ctx, order, reason)


def make_room_or_sell(ctx: Context, order: Order, reason: str) -> list[Step]:
    """Return the step that takes a sale back for another one to be sent, or that makes this one sell."""
    if not _is_never_taken_back(order):
        return [cancel(ctx, order, reason)] if may_cancel(ctx, order) else []
    return _instead(ctx, order, _sells_now(ctx, order), reason) or _try_again(ctx, order, reason)


def _is_never_taken_back(order: Order) -> bool:
    return order.cancel_misses >= MOST_ATTEMPTS


def _try_again(ctx: Context, order: Order, reason: str) -> list[Step]:
    return [cancel(ctx, order, reason)] if order.wanted is None and may_cancel(ctx, order) else []


def _instead(ctx: Context, order: Order, wanted: Terms | None, reason: str) -> list[Step]:
    since = order.wanted_since if order.amendments else None
    patience = timedelta(seconds=ctx.settings.execution.protection_limit_s)
    waits = since is not None and ctx.now - since < patience
    if wanted is None or waits or order.wanted is not None or order.changes_are_over:
        return []
    if order.state not in AMENDABLE or not ctx.may_modify:
        return []
    refused = f"{order.cancel_misses} cancels were" if order.cancel_misses > 1 else "a cancel was"
    words = f"{reason}; {refused} refused: {order.terms} becomes {wanted}"
    return [amend(ctx, order, wanted, words, {"cancels_refused": order.cancel_misses})]


def _out_of_the_way(ctx: Context, order: Order) -> Terms | None:
    """Return terms at which an order fills only in a market that is gone; None where it has them, or there are none."""
    tick = ctx.board.grid(order.contract_key).tick_at(Decimal(0))
    if order.stop_kind:
        return replace(order.terms, stop_price=tick) if order.terms.stop_price != tick else None
    limit = order.terms.limit_price
    if limit is None or limit == tick:
        return None
    if order.side is OrderSide.BUY:
        return replace(order.terms, limit_price=tick)
    far = _far_above(ctx, order)
    return replace(order.terms, limit_price=far) if far is not None and limit < far / _FAR_ENOUGH else None


def _far_above(ctx: Context, order: Order) -> Decimal | None:
    """Return a price at which nobody buys, None where what is asked now is not known."""
    sides = _sides(ctx, order)
    return ctx.board.grid(order.contract_key).up(sides[1] * _FAR) if sides is not None else None


def _one_more(ctx: Context, order: Order) -> Terms | None:
    """Return terms with which a buy is over as soon as one contract more is bought: the least that ends it. Its price
    goes to the ask where entries are allowed; elsewhere no entry asks for more, and it is only cut."""
    limit, sides = order.terms.limit_price, _sides(ctx, order)
    if limit is None or order.unseen:
        return None
    if sides is not None and ctx.may_enter and not ctx.kill_switch:
        limit = max(limit, sides[1])
    wanted = Terms(min(order.used_quantity + 1, order.terms.quantity), limit_price=limit)
    return wanted if wanted != order.terms else None


def _sides(ctx: Context, order: Order) -> tuple[Decimal, Decimal] | None:
    """Return what is bid and asked for an order's contract now, on its grid; None where that is not known."""
    quote, grid = ctx.board.quote(order.contract_key), ctx.board.grid(order.contract_key)
    age = timedelta(seconds=ctx.settings.risk.quote_max_age_s)
    if quote is None or quote.fault(ctx.now, age) is not None or not quote.bid or not quote.ask:
        return None
    return grid.down(quote.bid), grid.up(quote.ask)


def _sells_now(ctx: Context, order: Order) -> Terms | None:
    """Return terms at which a sale sells now; None where it has them, or no quote says what they are."""
    sides = _sides(ctx, order)
    if sides is None:
        return None
    bid, ask = sides
    if order.stop_kind:
        price = ask  # where the broker looks at the bid and where it looks at the ask
        below = order.terms.stop_price is not None and order.terms.stop_price < price
        return replace(order.terms, stop_price=price) if below and not order.filled_quantity else None
    if order.order_type is not OrderType.LIMIT or order.terms.limit_price is None:
        return None
    return replace(order.terms, limit_price=bid) if 0 < bid < order.terms.limit_price else None
