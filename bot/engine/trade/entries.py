"""Entry orders: worked towards the ask once, given up when they take too long. Pure: steps out, nothing touched."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from bot.domain.order import AMENDABLE, Order, OrderState, Purpose, Terms
from bot.domain.position import PositionState
from bot.domain.quotes import Quote
from bot.domain.signal import SIGNAL, Signal, SignalChange, SignalState, SignalTrigger
from bot.domain.wording import compared_percent
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade.calling_off import why_called_off
from bot.engine.trade.entry_style import is_fast, next_try, too_dear
from bot.engine.trade.live_orders import CANCELLABLE, amend, take_back


def work_entry(ctx: Context, order: Order, first_fill_at: datetime | None) -> list[Step]:
    """Return what a live entry order needs now: a cancel, a better price, or nothing."""
    if order.purpose is not Purpose.ENTRY or order.state not in CANCELLABLE or order.wanted is not None:
        return []
    reason = _reason_to_cancel(ctx, order, first_fill_at)
    if reason is not None:
        return take_back(ctx, order, reason) if ctx.may_modify else []
    return _reprice(ctx, order)


def finish_signal(ctx: Context, signal: Signal, given_up: str = "") -> list[Step]:
    """Once no entry order can fill any more, the signal is what came of it; `given_up`: why not more was bought."""
    if signal.state is not SignalState.WORKING:
        return []
    orders = ctx.ledger.order_index.entries_of(signal.id)
    if not orders or any(not order.is_settled for order in orders):
        return []
    filled = sum(order.filled_quantity for order in orders)
    done = SignalChange(closed_at=ctx.now)
    if filled:
        rest = f"; the rest is given up: {given_up}" if given_up else ""
        words = f"{filled} of {signal.quantity} contracts bought{rest}"
        facts = {"filled": filled, "approved": signal.quantity, "orders": len(orders)}
        return [Step(signal, SignalTrigger.FILL, words, facts, done)]
    last = orders[-1]
    if last.state is OrderState.REJECTED:
        return [
            Step(
                signal,
                SignalTrigger.REJECT,
                last.reject_reason or "the broker refused the order",
                {},
                done,
                actor="broker" if last.submitted_at else "tick",  # what was never sent, nobody outside refused
            )
        ]
    trigger = SignalTrigger.EXPIRE if ctx.now >= signal.expires_at else SignalTrigger.CANCEL
    return [Step(signal, trigger, "the entry order ended unfilled", {"order_ref": last.order_ref}, done)]


def _reason_to_cancel(ctx: Context, order: Order, first_fill_at: datetime | None) -> str | None:
    execution = ctx.settings.execution
    signal = ctx.ledger.signals.get(order.signal_id or "")
    since = order.submitted_at or order.created_at
    age = (ctx.now - since).total_seconds()
    if signal is None or signal.state in SIGNAL.terminal:
        return "its signal is over"
    called_off = why_called_off(order) or kept_out(ctx, order, signal)
    if called_off is not None:
        return called_off
    if ctx.now >= signal.expires_at:
        return "the signal expired"
    if _leaving(ctx, order):
        return "the position is being closed"
    if first_fill_at is not None and (ctx.now - first_fill_at).total_seconds() >= execution.partial_fill_seconds:
        return (
            f"partly filled for {execution.partial_fill_seconds:g} s: the rest is given up so that a stop can be placed"
        )
    fast = is_fast(ctx, signal.rationale)
    if age >= (execution.fast_wait_s * execution.fast_tries if fast else execution.entry_timeout_s):
        return f"unfilled after {age:.0f} s"
    spread = _spread(ctx, order)
    if spread is not None and spread > execution.max_spread_fraction:
        wide, most = compared_percent(spread, execution.max_spread_fraction, digits=1)
        return f"spread {wide} of mid, over {most}"
    return None


def kept_out(ctx: Context, order: Order, signal: Signal) -> str | None:
    """Return why no entry may work now, whatever its own terms."""
    if not ctx.may_enter and ctx.may_modify:
        return f"entries are not allowed while the session is {ctx.ledger.session.state}"
    if ctx.kill_switch or ctx.against_hours:
        return ctx.kill_switch or ctx.against_hours
    if kept := ctx.ledger.entering.kept_off(signal.symbol):
        return kept.words
    if any(p.id != order.position_id for p in ctx.ledger.position_index.of(order.contract_key)):
        return "a position holds this contract: its stop cannot work beside a buy order"
    return None


def _leaving(ctx: Context, order: Order) -> bool:
    position = ctx.ledger.positions.get(order.position_id or "")
    return position is not None and position.state is PositionState.CLOSING


def _spread(ctx: Context, order: Order) -> Decimal | None:
    quote = ctx.board.quote(order.contract_key)
    return quote.spread_fraction if quote else None


def _reprice(ctx: Context, order: Order) -> list[Step]:
    """Move once, by a part of the spread, never past the ask."""
    execution = ctx.settings.execution
    quote = ctx.board.quote(order.contract_key)
    waited = ctx.now - (order.submitted_at or order.created_at) >= timedelta(seconds=execution.reprice_after_s)
    signal = ctx.ledger.signals.get(order.signal_id or "")
    if signal is not None and is_fast(ctx, signal.rationale):
        return _try_again(ctx, order, quote)
    if not waited or order.amendments or order.state not in AMENDABLE or not ctx.may_modify or quote is None:
        return []
    fault = quote.fault(ctx.now, timedelta(seconds=ctx.settings.risk.quote_max_age_s))
    limit = order.terms.limit_price
    if fault is not None or quote.ask is None or quote.spread is None or limit is None:
        return []
    grid = ctx.board.grid(order.contract_key)
    step = grid.down(limit + quote.spread * execution.reprice_spread_fraction)
    if quote.spread <= grid.tick_at(limit):
        step = limit + grid.tick_at(limit)  # no part of a tick is a price
    price = min(step, quote.ask)
    if price <= limit:
        return []
    if dear := too_dear(ctx, order.contract_key, price, quote.mid):
        return take_back(ctx, order, dear)
    wanted = Terms(order.terms.quantity, limit_price=price)
    evidence = {"limit": limit, "to": price, "bid": quote.bid, "ask": quote.ask}
    return [
        amend(ctx, order, wanted, f"unfilled for {execution.reprice_after_s:g} s: limit {limit} to {price}", evidence)
    ]


def _try_again(ctx: Context, order: Order, quote: Quote | None) -> list[Step]:
    """Follow the ask with a fast entry, a few times; what would cost too much by now is taken back."""
    execution = ctx.settings.execution
    since = order.wanted_since or order.submitted_at or order.created_at
    waited = ctx.now - since >= timedelta(seconds=execution.fast_wait_s)
    limit = order.terms.limit_price
    if order.state not in AMENDABLE or not ctx.may_modify or quote is None or limit is None:
        return []
    if quote.fault(ctx.now, timedelta(seconds=ctx.settings.risk.quote_max_age_s)) is not None:
        return []
    if dear := too_dear(ctx, order.contract_key, limit, quote.mid):
        return take_back(ctx, order, dear)
    price = next_try(ctx, order, quote) if waited and order.amendments < execution.fast_tries - 1 else None
    if price is None:
        return []
    words = f"try {order.amendments + 2} of {execution.fast_tries}: limit {limit} to {price}"
    evidence = {"limit": limit, "to": price, "bid": quote.bid, "ask": quote.ask}
    return [amend(ctx, order, Terms(order.terms.quantity, limit_price=price), words, evidence)]
