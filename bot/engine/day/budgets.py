"""How long an order may stay in each state, and what happens then. Resting stops have no budget: they rest all day.

| state | budget | then |
|---|---|---|
| intent, submitted, cancelling, an amendment | engine.ack_seconds | unknown, and the broker's book is asked |
| unknown | engine.doubt_alert_s | a person is told; the book is asked every two seconds all the while |
| working entry | execution.entry_timeout_s, the signal's life | cancelled (bot.engine.trade.entries) |
| working exit of a closing position | execution.exit_alert_s | a person is told why it does not end |
| position without its stop | execution.protection_limit_s, more beside a live entry | told, the stop placed again |
| a stop that would sell more than is held | execution.protection_limit_s | told; it is shrunk, or taken back |
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from bot.domain.instructions import AskSnapshot
from bot.domain.order import Order, OrderChange, OrderState, OrderTrigger, Purpose
from bot.domain.position import Position, PositionState
from bot.engine.book import foreign
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.schedule import Schedule
from bot.engine.state.steps import Step
from bot.engine.trade.coverage import uncovered
from bot.engine.trade.no_market import no_market_of
from bot.engine.trade.protection import live_entry, too_much, waits_for_a_bid

TOLD_AGAIN_S: Final = 300.0
_UNANSWERED: Final = frozenset({OrderState.INTENT, OrderState.SUBMITTED, OrderState.CANCELLING})


def overdue_orders(ctx: Context) -> list[Step]:
    """Orders, cancels and amendments that the broker did not answer in time become unknown: evidence is asked for,
    nothing is sent again."""
    deadline = timedelta(seconds=ctx.settings.engine.ack_seconds)
    steps = []
    for order in ctx.ledger.order_index.awaiting_answer():
        since = order.wanted_since if order.wanted is not None else order.state_since
        late = since is not None and ctx.now - since >= deadline
        if late and (order.state in _UNANSWERED or order.wanted is not None):
            steps.append(_lost(order, (ctx.now - since).total_seconds() if since else 0.0))
    return steps


def _lost(order: Order, waited_s: float) -> Step:
    what = "amendment" if order.wanted is not None else order.state.value
    words = f"no answer to the {what} for {waited_s:.0f} s"
    ask = AskSnapshot(f"{order.order_ref}: {words}")
    sets = OrderChange(wanted=None)
    if order.wanted is not None:
        sets["change_refusals"] = order.change_refusals + 1  # one that nobody answers counts as one that is refused
    return Step(order, OrderTrigger.LOSE_SIGHT, words, {"waited_s": waited_s}, sets, instructions=(ask,))


def tell_of_what_takes_too_long(
    ctx: Context,
    journal: Journal,
    schedule: Schedule,
    slow: Collection[str] | None = None,
) -> None:
    """Alert what is past its budget and cannot be helped by itself; again after a while as long as it lasts.
    `slow`: the positions that are on their way out or without their stop, where that is known."""
    if ctx.ledger.tallies.in_doubt:
        for order in ctx.ledger.order_index.open.values():
            if order.state is OrderState.UNKNOWN:
                _tell_of_doubt(ctx, journal, schedule, order)
    for position in ctx.ledger.position_index.among(slow):
        if expiry.has_expired(ctx, position.contract):
            continue  # told as such, and nothing can be done about it
        if position.state is PositionState.CLOSING:
            _tell_of_slow_exit(ctx, journal, schedule, position)
        elif position.unprotected_since is not None:
            _tell_of_no_stop(ctx, journal, schedule, position, position.unprotected_since)
    for position_id, since in ctx.ledger.position_index.too_large.items():
        _tell_of_too_much(ctx, journal, schedule, ctx.ledger.positions.get(position_id), since)


def _tell_of_doubt(ctx: Context, journal: Journal, schedule: Schedule, order: Order) -> None:
    waited = (ctx.now - order.state_since).total_seconds()
    due = waited >= ctx.settings.engine.doubt_alert_s
    if due and schedule.due("doubt", ctx.now, TOLD_AGAIN_S, of=order.id):
        facts = {"order_ref": order.order_ref, "order_id": order.order_id, "perm_id": order.perm_id, "for_s": waited}
        words = f"{order.purpose} order {order.order_ref} is in doubt for {waited:.0f} s: look at it in TWS"
        journal.alert("ORDER_IN_DOUBT", words, facts)


def _tell_of_too_much(
    ctx: Context, journal: Journal, schedule: Schedule, position: Position | None, since: datetime
) -> None:
    waited = (ctx.now - since).total_seconds()
    if position is None or waited < ctx.settings.execution.protection_limit_s:
        return
    if schedule.due("too large", ctx.now, TOLD_AGAIN_S, of=position.id):
        beyond = too_much(position, ctx.ledger.order_index.of_position(position.id))
        facts = {"position_id": position.id, "for_s": waited, "beyond": beyond}
        words = f"the stop of {position.contract} would sell {beyond} more than is held, for {waited:.1f} s by now"
        journal.alert("STOP_TOO_LARGE", words, facts)


def _tell_of_slow_exit(ctx: Context, journal: Journal, schedule: Schedule, position: Position) -> None:
    since = schedule.since("closing", ctx.now, of=position.id)
    waited = (ctx.now - since).total_seconds()
    due = waited >= ctx.settings.execution.exit_alert_s
    if due and schedule.due("slow exit", ctx.now, TOLD_AGAIN_S, of=position.id):
        what = f"{position.quantity} x {position.contract}"
        words = f"{what} on the way out for {waited:.0f} s: {why_not_out(ctx, position)}"
        journal.alert("EXIT_SLOW", words, {"position_id": position.id, "for_s": waited})


def why_not_out(ctx: Context, position: Position) -> str:
    """Return in words what a closing position waits for."""
    orders = ctx.ledger.order_index.of_position(position.id)
    quote = ctx.board.quote(position.key)
    if not ctx.may_exit_of(position):
        return f"exits wait while the connection is {ctx.ledger.connection.state}, session {ctx.ledger.session.state}"
    if any(order.state is OrderState.UNKNOWN for order in orders):
        return "an order of it is in doubt"
    if position.key in ctx.ledger.proof.doubted:
        return "the broker's book shows fewer contracts"
    if why := foreign.in_the_way(ctx.ledger, position.key):
        return why
    if silent := no_market_of(ctx, position):
        return silent.value
    if quote is None or not quote.bid:
        return "nobody bids"
    return "its orders are not filled yet"


def _why_no_stop(ctx: Context, position: Position) -> str:
    if not position.has_cost:
        return "the broker names no cost, and no bid has come to take a stop from"
    if waits_for_a_bid(ctx, position):
        return "no bid is known that the stop of an adopted position has to stand under"
    return foreign.in_the_way(ctx.ledger, position.key)


def _tell_of_no_stop(ctx: Context, journal: Journal, schedule: Schedule, position: Position, since: datetime) -> None:
    orders = ctx.ledger.order_index.of_position(position.id)
    bare = uncovered(position, orders)
    if not bare:
        return  # what this very tick heard ended it: the measure at its end says so
    done = [o.done_at for o in orders if o.purpose is Purpose.ENTRY and o.done_at is not None]
    waited = (ctx.now - max([since, *done])).total_seconds()
    limit = ctx.settings.execution.protection_limit_s
    if live_entry(orders) is not None:  # a stop beside it is refused: it has its own time to end, and to be cancelled
        limit += ctx.settings.execution.partial_fill_seconds + 2 * ctx.settings.engine.ack_seconds
    if waited < limit:
        return
    if schedule.due("no stop", ctx.now, TOLD_AGAIN_S, of=position.id):
        facts = {"position_id": position.id, "for_s": waited, "contract_s": waited * bare}
        words = f"{bare} x {position.contract} without a stop at the broker for {waited:.1f} s"
        why = _why_no_stop(ctx, position)
        words += f": {why}" if why else ""
        journal.alert("UNPROTECTED", words, facts)
