"""Entries larger than one order may be, in chunks: one order after the other, each with its own row and reference.

One order asks for at most `risk.max_contracts` and a multiple of what the quote displays (`bot.risk.sizing`). IBKR
takes no working sell beside a working buy of one US option, so the stop comes when the last chunk is done. Decision: a
chain of chunks is no more than one order that fills in parts. It has the same time, `execution.partial_fill_seconds`
from its first fill, after which what works is taken back, the rest is given up and the stop is placed; no chunk follows
one that did not fill whole, and none a stop or a sale. The alternative, to lift a working stop for each further chunk,
was rejected: it leaves what is held without cover for as long as a cancel takes, which nobody can promise. After a
restart the chain is over, for the stop comes first. Consequence: what is bare is bare for no longer than before, and in
a thin market less is bought than was approved, which the signal's last step says. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bot.domain.events.orders import WhatIfAnswered
from bot.domain.order import Order, OrderState, Purpose
from bot.domain.position import Position, PositionState
from bot.domain.signal import Signal, SignalState
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade import signals
from bot.engine.trade.calling_off import why_called_off
from bot.engine.trade.entries import finish_signal, kept_out
from bot.risk.rules import failed


def go_on(ctx: Context, signal: Signal) -> list[Step]:
    """Once none of a signal's orders can fill any more: send the next chunk, or let the signal be what came of it."""
    orders = ctx.ledger.order_index.entries_of(signal.id)
    if signal.state is not SignalState.WORKING or not orders or any(not order.is_settled for order in orders):
        return []
    if asked_for(orders) >= signal.quantity:
        return finish_signal(ctx, signal)
    why = _why_it_ends(ctx, signal, orders)
    return finish_signal(ctx, signal, why) if why else _next(ctx, signal, orders)


def asked_for(orders: Sequence[Order]) -> int:
    """Return how many contracts entry orders have asked for, or were filled with where that is more."""
    return sum(max(order.terms.quantity, order.filled_quantity) for order in orders)


def _next(ctx: Context, signal: Signal, orders: Sequence[Order]) -> list[Step]:
    left = signal.quantity - asked_for(orders)
    chunk = min(left, signals.order_most(ctx, signal.key), _within_the_day(ctx, signal))
    if chunk < 1:
        return finish_signal(ctx, signal, "nothing is displayed, or the day may not lose more")
    results = signals.check(ctx, signal, answer_of(signal))
    if refused := failed(results):
        return finish_signal(ctx, signal, "; ".join(result.text for result in refused))
    words = f"chunk {len(orders) + 1}: {chunk} of the {left} that are left"
    position = ctx.ledger.positions.get(signal.position_id or "")
    return [signals.send_entry(ctx, signal, chunk, words, signals.rule_facts(results), position=position)]


def _why_it_ends(ctx: Context, signal: Signal, orders: Sequence[Order]) -> str:
    """Return in words why no further chunk may follow, whatever the rules say; empty: one may."""
    last, position = orders[-1], ctx.ledger.positions.get(signal.position_id or "")
    if called_off := next((why for order in orders if (why := why_called_off(order))), ""):
        return called_off
    if last.state is not OrderState.FILLED or last.filled_quantity != last.terms.quantity:
        return f"the last order bought {last.filled_quantity} of {last.terms.quantity}"
    if position is None or position.state is not PositionState.FILLED:
        return "the position is being closed"
    if position.quantity != sum(order.filled_quantity for order in orders):
        return "what is held is not what these orders bought"
    if any(order.purpose is not Purpose.ENTRY for order in ctx.ledger.order_index.of_position(position.id)):
        return "its stop was placed"
    if answer_of(signal) is None:
        return "the bot was restarted: what is held gets its stop first"
    return _against_any_entry(ctx, signal, last) or _out_of_time(ctx, signal, orders, position)


def _against_any_entry(ctx: Context, signal: Signal, last: Order) -> str:
    ledger, key = ctx.ledger, signal.key
    if not ctx.may_enter:
        return f"entries are not allowed: session {ledger.session.state}, connection {ledger.connection.state}"
    if ledger.proof.is_in_doubt(key):
        return "what is held of it is in doubt"
    return kept_out(ctx, last, signal) or ""


def _out_of_time(ctx: Context, signal: Signal, orders: Sequence[Order], position: Position) -> str:
    """What is held has no stop while the chain goes on: by our clock and by the broker's, whichever says so first."""
    if ctx.now >= signal.expires_at:
        return "the signal expired"
    most = ctx.settings.execution.partial_fill_seconds
    since = min([position.opened_at, *(order.done_at for order in orders if order.done_at is not None)])
    if ctx.now - since >= timedelta(seconds=most):
        return f"{most:g} s after the first fill what is held needs its stop"
    return ""


def _within_the_day(ctx: Context, signal: Signal) -> int:
    """Return how many contracts more the day may lose all of, beside the premium that is open and allowed already."""
    room = signals.day_room(ctx, leaving_out=signal)
    return signal.quantity if room is None else max(int(room // (signal.limit_price * signal.contract.multiplier)), 0)


def answer_of(signal: Signal) -> WhatIfAnswered | None:
    """Return the broker's what-if as it was heard in this run; of an earlier run there are only its words."""
    facts = signal.what_if or {}
    at = facts.get("at")
    if not isinstance(at, datetime):
        return None

    def dollars(name: str) -> Decimal | None:
        value = facts.get(name)
        return value if isinstance(value, Decimal) else None

    return WhatIfAnswered(
        signal.id,
        init_margin_change=dollars("init_margin_change"),
        init_margin_after=dollars("init_margin_after"),
        equity_with_loan_after=dollars("equity_with_loan_after"),
        commission=dollars("commission"),
        error=facts.get("error"),
        at=at,
    )
