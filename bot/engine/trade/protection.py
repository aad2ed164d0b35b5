"""The protective stop at the broker: placed when the entry is done, sized to what is left, moved only upwards.

IBKR refuses a working buy and a working sell on one US option, so there is no stop before the entry order is done. What
the stop covers and what live exits may sell never add up to more than what is left (I4, I5). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bot.domain.events.people import AlertRaised
from bot.domain.instructions import SubmitOrder
from bot.domain.money import neat
from bot.domain.order import AMENDABLE, Order, OrderSide, OrderState, OrderType, Purpose, Terms
from bot.domain.position import Origin, Position, PositionChange, PositionTrigger
from bot.domain.wording import new_york
from bot.engine.state.context import Context
from bot.engine.state.steps import Birth, Step
from bot.engine.trade.live_orders import amend, cancel, may_cancel
from bot.engine.trade.prices import under_the_bid
from bot.engine.trade.refusals import is_watched, must_sell, repriced, touched, waits_for_the_other_side
from bot.engine.trade.sight import stop_is_live_from
from bot.risk.ladder import protective_stop, stop_move_is_material

_COARSER = 5  # times the least step, for a stop that was changed often


def live_stop(orders: Sequence[Order]) -> Order | None:
    """Return the protective order that is not done, or None."""
    return next((o for o in orders if o.purpose is Purpose.PROTECT and not o.is_done), None)


def live_exits(orders: Sequence[Order]) -> list[Order]:
    return [o for o in orders if o.purpose is Purpose.EXIT and not o.is_done]


def live_entry(orders: Sequence[Order]) -> Order | None:
    return next((o for o in orders if o.purpose is Purpose.ENTRY and not o.is_settled), None)


def sold_unseen(orders: Sequence[Order]) -> int:
    """Return the contracts that ended orders sold by the broker's count while their executions are on their way."""
    return sum(o.unseen for o in orders if o.is_done and o.purpose is not Purpose.ENTRY)


def may_sell_more(ctx: Context, position: Position) -> bool:
    """Say whether a sell may be sent at all: not beside a live buy of the contract, which the broker refuses (ours is
    taken back by the entry's rules, the end of somebody else's is waited for), and not while the broker's book shows
    fewer contracts than we count."""
    ledger, key = ctx.ledger, position.key
    is_there = ledger.proof.may_sell_more(key, ledger.position_index.held_on(key))
    return is_there and not ledger.order_index.live_on(key, OrderSide.BUY) and not ledger.foreign.buys_on(key)


def due_to_stop(position: Position, orders: Sequence[Order]) -> int:
    """Return the contracts that the stop has to cover: what nothing else sells, and nothing is about to."""
    exiting = sum(order.can_fill for order in live_exits(orders))
    return position.quantity - exiting - position.room_for - sold_unseen(orders)


def too_much(position: Position, orders: Sequence[Order]) -> int:
    """Return the contracts that the stop, with the exits that work beside it, would sell beyond what is held."""
    stop = live_stop(orders)
    if stop is None:
        return 0
    exiting = sum(order.can_fill for order in live_exits(orders))
    return min(max(stop.remaining + exiting + sold_unseen(orders) - position.quantity, 0), stop.remaining)


def shrink(ctx: Context, position: Position, orders: Sequence[Order]) -> list[Step]:
    """Return the steps that take from what is on sale what it would sell beyond what is held.

    A position shrinks without an order of ours when an execution is corrected, or when somebody else sold. That may
    come in the middle of a comparison, in which nothing else is changed: this is, for it makes nothing larger.
    """
    if not ctx.may_reduce:
        return []
    if position.key in ctx.ledger.proof.capped:
        return _keep_to_what_is_told(ctx, position, orders)
    return _shrink_stop(ctx, position, orders, too_much(position, orders))


def _keep_to_what_is_told(ctx: Context, position: Position, orders: Sequence[Order]) -> list[Step]:
    """The broker tells of fewer than we count: other sales are taken back first, which may be the reason and would sell
    at once, and the stop covers no more than the rest."""
    proven = _proven_of(ctx, position)
    exits, stop = live_exits(orders), live_stop(orders)
    stopped = stop.remaining if stop is not None else 0
    on_sale = sum(order.can_fill for order in exits) + stopped + sold_unseen(orders)
    excess, steps = on_sale - (proven + sold_unseen(orders)), list[Step]()
    for order in exits:
        if excess > 0:
            excess -= order.can_fill
            words = f"the broker holds {proven} of {position.quantity}: this would sell more"
            steps += [cancel(ctx, order, words)] if may_cancel(ctx, order) else []
    return [*steps, *_shrink_stop(ctx, position, orders, min(max(excess, 0), stopped))]


def _proven_of(ctx: Context, position: Position) -> int:
    """Return how many contracts of a position are there by the broker's own word: what is missing is taken from the
    same one first as the comparison takes it."""
    ledger, key = ctx.ledger, position.key
    if key not in ledger.proof.capped:
        return position.quantity
    missing = max(ledger.position_index.held_on(key) - ledger.proof.capped[key], 0)
    for each in ledger.position_index.of(key):
        gone = min(missing, each.quantity)
        if each is position:
            return position.quantity - gone
        missing -= gone
    return position.quantity


def _shrink_stop(ctx: Context, position: Position, orders: Sequence[Order], excess: int) -> list[Step]:
    stop = live_stop(orders)
    if stop is None or not excess:
        return []
    since = ctx.ledger.position_index.too_large.get(position.id, ctx.now)
    evidence = {"left": position.quantity, "beyond": excess, "for_s": (ctx.now - since).total_seconds()}
    words = f"the stop for {stop.remaining} would sell {excess} more than is held"
    if stop.remaining == excess or stop.changes_are_over:
        return [cancel(ctx, stop, words)] if may_cancel(ctx, stop) else []
    if _is_owed_an_answer(ctx, stop):
        words = f"{words}, and whether it was changed is not known: it is taken back, which says what it was"
        return [cancel(ctx, stop, words)] if may_cancel(ctx, stop) or _is_in_doubt(stop) else []
    if not _may_change(ctx, stop):
        return []
    return [amend(ctx, stop, replace(stop.terms, quantity=stop.terms.quantity - excess), words, evidence)]


def _is_owed_an_answer(ctx: Context, stop: Order) -> bool:
    """Say whether the broker's word on a stop, or on a change of it, has been missing for longer than a position may go
    unprotected: no change can be sent meanwhile, and what would be sold beyond what is held may not wait for it."""
    if stop.wanted is None and stop.state is not OrderState.SUBMITTED and not _is_in_doubt(stop):
        return False
    since = stop.wanted_since if stop.wanted is not None and not _is_in_doubt(stop) else stop.state_since
    patience = timedelta(seconds=ctx.settings.execution.protection_limit_s)
    return since is not None and ctx.now - since >= patience


def _is_in_doubt(stop: Order) -> bool:
    """Say whether a stop that was sent is unknown: taking it back asks no more than that it be gone."""
    return stop.state is OrderState.UNKNOWN and stop.order_id is not None


def protect(ctx: Context, position: Position, orders: Sequence[Order]) -> list[Step]:
    """Return the step that makes the stop cover what nothing else covers, or nothing when it does."""
    if not ctx.may_exit_of(position) or live_entry(orders) is not None or not may_sell_more(ctx, position):
        return []
    uncovered = due_to_stop(position, orders)
    stop = live_stop(orders)
    if stop is None and is_watched(orders):
        return []
    if stop is None:
        return _place(ctx, position, orders, uncovered) if uncovered > 0 else []
    if stop.remaining == uncovered or uncovered <= 0:
        return []
    if stop.changes_are_over and ctx.may_modify:
        words = f"{stop.change_refusals} changes in a row were refused: another stop takes its place"
        return [cancel(ctx, stop, words)] if may_cancel(ctx, stop) else []
    if not may_resize(ctx, stop):
        return []
    wanted = replace(stop.terms, quantity=stop.used_quantity + uncovered)
    words = f"stop resized from {stop.remaining} to {uncovered} contracts"
    evidence = {"left": position.quantity, "room_for": position.room_for}
    return [amend(ctx, stop, wanted, words, evidence)]


def may_resize(ctx: Context, stop: Order) -> bool:
    """Say whether the stop's quantity may be changed now; after a refusal the next attempt waits as long as a position
    may go without protection, so that it is not repeated at the tick's pace, and none is made after three in a row."""
    return ctx.may_modify and _may_change(ctx, stop)


def _may_change(ctx: Context, stop: Order) -> bool:
    if stop.wanted is not None or stop.state not in AMENDABLE or stop.changes_are_over:
        return False
    if not stop.reject_reason or stop.wanted_since is None:
        return True
    return ctx.now - stop.wanted_since >= timedelta(seconds=ctx.settings.execution.protection_limit_s)


def _place(ctx: Context, position: Position, orders: Sequence[Order], quantity: int) -> list[Step]:
    leave = must_sell(position, orders)
    if leave is not None:
        return [leave]
    if waits_for_the_other_side(ctx, orders) or waits_for_a_bid(ctx, position):
        return []
    price = stop_of(ctx, position, orders)
    is_live = stop_is_live_from(ctx) is None  # else no quote of now says whether it would sell
    if is_live and position.origin is not Origin.BROKER and under_the_bid(ctx, position, price) != price:
        return touched(ctx, position, price, "is to be placed")
    return place_stop(ctx, position, orders, quantity, _under_the_market(ctx, position))


def waits_for_a_bid(ctx: Context, position: Position) -> bool:
    """Say whether the first stop of an adopted position waits: it was bought elsewhere, at a price that says nothing of
    the market now, and a stop at the bid or above it would sell at once."""
    if position.origin is not Origin.BROKER or position.stop_price is not None:
        return False
    quote = ctx.board.quote(position.key)
    return quote is None or quote.bid is None or quote.bid <= 0


def stop_of(ctx: Context, position: Position, orders: Sequence[Order]) -> Decimal:
    """Return where a position's stop belongs, whatever is bid."""
    grid = ctx.board.grid(position.key)
    return repriced(position.stop_price or protective_stop(position.entry_price, position.plan, grid), orders)


def _under_the_market(ctx: Context, position: Position) -> Decimal | None:
    """Return what the stop of an adopted position has to stand under; None: its cost says where. A stop that its cost
    puts at the bid or above would sell at once: then it is taken from the bid, as if bought there."""
    quote = ctx.board.quote(position.key)
    if position.origin is not Origin.BROKER or quote is None or quote.bid is None or quote.bid <= 0:
        return None
    grid = ctx.board.grid(position.key)
    if protective_stop(position.entry_price, position.plan, grid) < quote.bid:
        return quote.bid
    return min(protective_stop(quote.bid, position.plan, grid) + grid.tick_at(quote.bid), quote.bid)


def place_stop(
    ctx: Context, position: Position, orders: Sequence[Order], quantity: int, below: Decimal | None = None
) -> list[Step]:
    """Return the step that sends a stop for `quantity`, a tick under the bid and `below` where it would not stand under
    them; nothing where no price does."""
    wanted, later = stop_of(ctx, position, orders), stop_is_live_from(ctx)
    price = under_the_bid(ctx, position, wanted, below) if later is None or below is not None else wanted
    if price is None:
        return []
    terms = Terms(quantity, stop_price=price)
    order = ctx.new_order(Purpose.PROTECT, OrderType.STOP, terms, tag="stop", position=position, good_after=later)
    lowered = f"lowered from {wanted}: the bid is {_bid_of(ctx, position)}" if price < wanted else ""
    words = f"stop for {quantity} at {price}, entry {neat(position.entry_price)}" + (f", {lowered}" if lowered else "")
    evidence: dict[str, Any] = {"stop": price, "quantity": quantity, "order_ref": order.order_ref}
    if later is not None:
        words += f", live from {new_york(later)}: after the opening"
        evidence["good_after"] = later
    birth = Birth(order, words, {"entry_price": position.entry_price, "stop_loss": position.plan.stop_loss})
    sets = PositionChange(stop_price=price)
    return [
        Step(
            position,
            PositionTrigger.PROTECT,
            words,
            evidence,
            sets,
            births=(birth,),
            instructions=(SubmitOrder(order.ticket()),),
            alerts=(_told_lowered(ctx, position, f"the stop at {price} is {lowered}"),) if lowered else (),
        )
    ]


def _bid_of(ctx: Context, position: Position) -> Decimal | None:
    quote = ctx.board.quote(position.key)
    return quote.bid if quote is not None else None


def _told_lowered(ctx: Context, position: Position, words: str) -> AlertRaised:
    text = f"{position.contract}: {words}, and at its own price it would sell at once"
    return AlertRaised("STOP_LOWERED", text, {"position_id": position.id}, ctx.now)


def move_stop(ctx: Context, position: Position, orders: Sequence[Order], price: Decimal) -> Terms | None:
    """Return the stop's new terms when moving it to `price` is worth a message now, else None; never to the bid."""
    stop = live_stop(orders)
    if under_the_bid(ctx, position, price) != price:
        return None
    if stop is None or not ctx.may_modify or not _may_change(ctx, stop):
        return None
    execution = ctx.settings.execution
    current = stop.terms.stop_price or Decimal(0)
    if price <= current or not stop_move_is_material(current, price, least_step(ctx, stop)):
        return None
    last = position.ratcheted_at
    if last is not None and ctx.now - last < timedelta(seconds=execution.trail_min_interval_s):
        return None
    return replace(stop.terms, stop_price=price)


def least_step(ctx: Context, stop: Order) -> Decimal:
    """Return the least part of its price by which a stop is raised; one that was changed often waits for more, so that
    no market, however it moves, makes hundreds of messages (P20) and none leaves the stop where it was."""
    execution = ctx.settings.execution
    often = stop.amendments >= execution.trail_moves_most
    return execution.trail_min_step * (_COARSER if often else 1)
