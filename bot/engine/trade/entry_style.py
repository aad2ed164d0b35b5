"""How an entry is worked: patiently from the mid, or fast from the ask where a strategy is very sure. Pure.

| style | when | limit | then |
|---|---|---|---|
| patient | else | the mid | once towards the ask by a part of the spread; given up after `entry_timeout_s` |
| fast | confidence above `fast_confidence` | a tick above the ask | again each `fast_wait_s`, `fast_tries` in all |

Neither is a market order, and none works beside a sale. Whatever the style, a price that would cost more than
`max_slippage_fraction` of the mid, or `max_slippage_bps` of the underlying, is not paid: the order is taken back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bot.config.risk import EntryAlgo, EntryStyle
from bot.domain.instruments import option_of_key
from bot.domain.order import AdaptivePriority, Order
from bot.domain.quotes import Quote
from bot.engine.state.context import Context

_BPS: Final = Decimal(10_000)
_SUREST: Final = 100.0


def is_fast(ctx: Context, rationale: Mapping[str, Any]) -> bool:
    """Say whether an entry is worked fast: by the settings always, else where the idea behind it is sure enough."""
    if ctx.settings.execution.entry_style is EntryStyle.FAST:
        return True
    said = rationale.get("confidence")
    if not isinstance(said, int | float | Decimal) or isinstance(said, bool):
        return False
    return ctx.settings.execution.fast_confidence < float(said) <= _SUREST  # more than that is no confidence at all


def adaptive_of(ctx: Context, rationale: Mapping[str, Any]) -> AdaptivePriority | None:
    """Return how urgently the broker's algorithm works an entry; None: without one."""
    execution = ctx.settings.execution
    if execution.algo is not EntryAlgo.ADAPTIVE:
        return None
    return AdaptivePriority.URGENT if is_fast(ctx, rationale) else AdaptivePriority(execution.adaptive_priority.title())


def fast_limit(ctx: Context, key: str, quote: Quote) -> Decimal | None:
    """Return a tick above the ask; None where nobody asks."""
    if quote.ask is None or quote.ask <= 0:
        return None
    grid = ctx.board.grid(key)
    return grid.up(quote.ask) + grid.tick_at(quote.ask)


def dearest(ctx: Context, key: str, mid: Decimal) -> Decimal:
    """Return the highest price that may be paid at a mid: by its share, and by what it is of the underlying where its
    delta is known. A tick above the mid is always allowed: an option of cents has no finer price."""
    execution, grid = ctx.settings.execution, ctx.board.grid(key)
    most = mid * (1 + execution.max_slippage_fraction)
    greeks, contract = ctx.board.greeks(key), option_of_key(key)
    underlying = ctx.board.quote(contract.symbol) if contract is not None else None
    spot, delta = underlying.reference if underlying is not None else None, greeks.delta if greeks is not None else None
    if spot is not None and delta is not None and math.isfinite(delta):
        most = min(most, mid + execution.max_slippage_bps / _BPS * spot * abs(Decimal(str(delta))))
    return max(grid.down(most), grid.up(mid + grid.tick_at(mid)))


def too_dear(ctx: Context, key: str, price: Decimal, mid: Decimal | None) -> str:
    """Return in words that a price is more than may be paid now; empty: it is not, or no quote says."""
    if mid is None or mid <= 0:
        return ""
    most = dearest(ctx, key, mid)
    return "" if price <= most else f"SLIPPAGE_TOO_HIGH would_be={price} max={most} mid={mid}"


def opening_terms(ctx: Context, key: str, quote: Quote) -> tuple[Decimal, Decimal] | None:
    """Return of a fast entry its first limit and the most that it may cost; None where no quote says."""
    first = fast_limit(ctx, key, quote)
    if first is None or quote.mid is None:
        return None
    most = dearest(ctx, key, quote.mid)
    return min(first, most), most


def next_try(ctx: Context, order: Order, quote: Quote) -> Decimal | None:
    """Return the limit of a fast entry's next try: above the ask of now, never more than may be paid now, nor than when
    it was sized; None: it stays."""
    first, limit = fast_limit(ctx, order.contract_key, quote), order.terms.limit_price
    if first is None or quote.mid is None or limit is None:
        return None
    bounds = [mid for mid in (quote.mid, order.mid_at_decision) if mid is not None]
    price = min(first, *(dearest(ctx, order.contract_key, mid) for mid in bounds))
    return price if price > limit else None
