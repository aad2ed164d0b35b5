"""Open positions: rungs, the trail, the time stop and the way out. Pure: steps out, nothing touched.

The order of questions is the order of danger: is it over, is more on sale than is held, does a rule of its plan sell
all of it (`bot.risk.exit_rules`), is it protected, is a rung due, does the stop follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from bot.domain.instructions import SubmitOrder
from bot.domain.order import (
    AMENDABLE,
    ENDED_EARLY,
    MOST_ATTEMPTS,
    Order,
    OrderType,
    Purpose,
    Terms,
    times_not_taken,
)
from bot.domain.order_tag import OrderTag, Why
from bot.domain.position import CloseReason, Position, PositionChange, PositionState, PositionTrigger
from bot.domain.wording import compared
from bot.engine.settlement import expiry
from bot.engine.state.context import Context
from bot.engine.state.steps import Birth, Step
from bot.engine.trade.calling_off import FLATTENED
from bot.engine.trade.live_orders import amend, cancel, make_room_or_sell, may_cancel, take_back
from bot.engine.trade.no_market import NoMarket, is_halted, no_market_of
from bot.engine.trade.prices import seen_bid, sound_bid, under_the_bid
from bot.engine.trade.protection import (
    live_entry,
    live_exits,
    live_stop,
    may_resize,
    may_sell_more,
    move_stop,
    place_stop,
    protect,
    shrink,
)
from bot.engine.trade.refusals import follow, is_watched, watch
from bot.engine.trade.sight import flat_from, is_opening, sight_of, sight_of_rungs
from bot.risk.exit_rules import EXIT_RULES, SellSome, begins_to_trail, closing, is_reached, way_gone
from bot.risk.ladder import trailing_stop, trails_from

RUNGS: Final = next(row for row in EXIT_RULES if row.name == "rungs")
_HALF: Final = Decimal("0.5")
_RETRY_AFTER_S, _RETRY_AFTER_MOST_S = 2.0, 60.0  # each failure doubles the wait: nothing covers what is on its way out


def decide_position(ctx: Context, position: Position) -> list[Step]:
    """Return the next steps of an open position; at most one thing at a time is asked of the broker."""
    if expiry.has_expired(ctx, position.contract):
        return []  # the broker settles it (bot.engine.settlement.expiry)
    orders = ctx.ledger.order_index.of_position(position.id)
    if smaller := shrink(ctx, position, orders):
        return smaller
    if position.state is PositionState.CLOSING:
        return _leave(ctx, position, orders)
    if leaves := _by_its_plan(ctx, position):
        return [leaves]
    if any(o.tag == FLATTENED for o in orders):
        words = "bought while everything was being flattened"
        return [request_close(ctx, position, CloseReason.FLATTEN, words, "tick")]
    if live_entry(orders) is not None or not ctx.may_exit_of(position):
        return []
    bid = sound_bid(ctx, position)
    if not position.has_cost:
        return _value(position, seen_bid(ctx, position))
    stop = live_stop(orders)
    watched = is_watched(orders) if stop is None else bid is not None and (stop.changes_are_over or is_watched(orders))
    watched = watched and not is_opening(ctx)
    due = watch(ctx, position, bid) if watched else []
    due = due or _follow_rungs(ctx, position, orders) or protect(ctx, position, orders)
    seen = None if due or bid is None else seen_bid(ctx, position)
    if bid is None or seen is None or is_opening(ctx):
        return due  # an opening print is no gain to sell or to follow
    return _climb(ctx, position, orders, min(seen, bid)) or _trail(ctx, position, orders, seen)


def _value(position: Position, bid: Decimal | None) -> list[Step]:
    """Count a position of which the broker names no cost (it came by a transfer, say) from the first bid that is fit to
    decide on: a stop and rungs of a price of zero would be none. Until then it is unprotected, and told as that."""
    if bid is None or bid <= 0:
        return []
    words = f"the broker names no cost: it counts from the first usable bid, {bid}"
    sets = PositionChange(entry_value=bid * position.entry_quantity, high=bid)
    return [Step(position, PositionTrigger.ADOPT, words, {"bid": bid, "entry_price": bid}, sets)]


def orphans(ctx: Context) -> list[Step]:
    """Take back what still works for a position that is over: a stop left alone could sell what nobody holds."""
    if not ctx.may_reduce:
        return []
    left = (o for o in ctx.ledger.order_index.open.values() if o.position_id in ctx.ledger.closed)
    return [step for order in left for step in take_back(ctx, order, "its position is closed")]


def request_close(
    ctx: Context,
    position: Position,
    reason: CloseReason,
    words: str,
    actor: str,
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> Step:
    """Turn a position towards the door; from here only exits may be created."""
    quote = ctx.board.quote(position.key)
    seen = {"bid": quote.bid if quote else None, "ask": quote.ask if quote else None, "left": position.quantity}
    evidence = {**seen, **facts}
    return Step(
        position,
        PositionTrigger.REQUEST_CLOSE,
        words,
        evidence,
        PositionChange(close_reason=reason, room_for=0),
        actor=actor,
    )


def _by_its_plan(ctx: Context, position: Position) -> Step | None:
    """Return the step towards the door where a rule of the plan says so; by day, most plans know the hour alone."""
    plan = position.plan
    if not plan.looks_further and not hour_has_come(ctx, position):
        return None
    found = closing(plan, position, sight_of(ctx, position), ctx.now)
    if found is None:
        return None
    rule, answer = found
    by_rule = {"rule": rule, "plan": plan.name} if plan.looks_further else {}
    return request_close(ctx, position, answer.reason, answer.words, "tick", by_rule)


def hour_has_come(ctx: Context, position: Position) -> bool:
    """Say whether the time stop is due: the plan's, on the day of the entry or on the last day of a contract held
    overnight. It is not due by a clock that the broker contradicts."""
    if not ctx.hour_is_known:
        return False
    flat_at = flat_from(ctx, position)
    return flat_at is not None and ctx.now >= flat_at


def watch_levels(ctx: Context, position: Position) -> tuple[Decimal | None, Decimal | None]:
    """Return the bids (low, high) that should wake the tick at once: the next rung, or a high worth moving the stop
    for. A low there is only where the broker does not take the stop.
    """
    if position.state is PositionState.CLOSING or not position.has_cost:
        return None, None
    low = position.stop_price if is_watched(ctx.ledger.order_index.of_position(position.id)) else None
    plan, levels = position.plan, list[Decimal]()
    to_come = position.entry_quantity > 1 and position.rungs_done < len(plan.rungs)
    if to_come and plan.rungs[position.rungs_done].atr is None:
        levels.append(position.entry_price * (1 + plan.rungs[position.rungs_done].gain))
    if position.state is PositionState.TRAILING and position.stop_price is not None:
        step = 1 + ctx.settings.execution.trail_min_step
        levels.append(position.stop_price * step / (1 - plan.trail))
    elif plan.atr is None and (plan.trail_from is not None or not to_come):
        levels.append(position.entry_price * (1 + trails_from(position.entry_quantity, plan)))
    return low, min(levels, default=None)


# ---- rungs: make room, sell, follow the bid


def _climb(ctx: Context, position: Position, orders: Sequence[Order], bid: Decimal) -> list[Step]:
    """A rung is reached: shrink the stop first; the sale follows once the broker has confirmed it. Where the broker
    takes no stop there is none to shrink, and the rung is sold at once."""
    rungs = position.plan.rungs
    if position.rungs_done >= len(rungs) or position.room_for or live_exits(orders):
        return []
    answer = RUNGS.ask(position.plan, position, sight_of_rungs(ctx, position, bid), ctx.now)
    if not isinstance(answer, SellSome):
        return []
    contracts, level = answer.contracts, position.entry_price * (1 + rungs[position.rungs_done].gain)
    evidence = {"bid": bid, "level": level, "entry_price": position.entry_price, "rung": position.rungs_done + 1}
    if contracts <= 0:
        words = f"{answer.words}: nothing to sell of {position.quantity}"
        return [
            Step(
                position, PositionTrigger.SELL_RUNG, words, evidence, PositionChange(rungs_done=position.rungs_done + 1)
            )
        ]
    stop = live_stop(orders)
    if stop is None and is_watched(orders):
        return _sell_rung(ctx, position, contracts)
    if stop is not None and stop.changes_are_over:
        words = f"{answer.words} is given up: the stop cannot be shrunk"
        return [
            Step(
                position, PositionTrigger.SELL_RUNG, words, evidence, PositionChange(rungs_done=position.rungs_done + 1)
            )
        ]
    if stop is None or not may_resize(ctx, stop):
        return []
    wanted = replace(stop.terms, quantity=stop.terms.quantity - contracts)
    words = f"{answer.words}: stop shrinks by {contracts} to make room"
    return [
        Step(
            position,
            PositionTrigger.MAKE_ROOM,
            words,
            {**evidence, "contracts": contracts},
            PositionChange(room_for=contracts),
        ),
        amend(ctx, stop, wanted, words, evidence),
    ]


def _follow_rungs(ctx: Context, position: Position, orders: Sequence[Order]) -> list[Step]:
    """Room was made: sell into it; a sale that hangs follows the bid."""
    exits = live_exits(orders)
    if exits:
        return _chase(ctx, position, exits[0])
    if not position.room_for:
        return []
    stop = live_stop(orders)
    if stop is None:
        return [_forget_room(position, "the stop is gone")]
    if stop.wanted is not None or stop.state not in AMENDABLE:
        return []
    if stop.remaining > position.quantity - position.room_for:
        return [_forget_room(position, "the stop could not be shrunk")]
    if _fell_back(ctx, position):
        return [_forget_room(position, "the bid fell back before the sale")]
    return _sell_rung(ctx, position, position.room_for) or _give_room_back(ctx, position, stop)


def _fell_back(ctx: Context, position: Position) -> bool:
    """Say whether less than half of the rung's gain is left: then it is no profit to take in haste."""
    bid, rung = sound_bid(ctx, position), position.plan.rungs[position.rungs_done]
    sight = sight_of_rungs(ctx, position, bid)
    if rung.atr is not None and way_gone(position.plan.atr, position, sight) is None:
        return False
    return bid is not None and not is_reached(position.plan, position, rung, sight, part=_HALF)


def _give_room_back(ctx: Context, position: Position, stop: Order) -> list[Step]:
    """Without a price to sell at, what the stop was shrunk for may not stay uncovered for long."""
    patience = timedelta(seconds=ctx.settings.execution.protection_limit_s)
    if stop.wanted_since is not None and ctx.now - stop.wanted_since < patience:
        return []
    return [_forget_room(position, "there is no fit quote to sell at")]


def _forget_room(position: Position, why: str) -> Step:
    return Step(position, PositionTrigger.MAKE_ROOM, f"rung called off: {why}", {}, PositionChange(room_for=0))


def _sell_rung(ctx: Context, position: Position, contracts: int) -> list[Step]:
    present, seen = sound_bid(ctx, position), seen_bid(ctx, position)
    if present is None or seen is None or min(present, seen) <= 0 or not may_sell_more(ctx, position):
        return []
    if any(order.unseen for order in ctx.ledger.order_index.of_position(position.id)):
        return []  # the stop sold while it was being shrunk: how much is left, its executions tell
    bid = min(present, seen)
    price = ctx.board.grid(position.key).down(bid)
    number = position.rungs_done + 1
    order = ctx.new_order(
        Purpose.EXIT,
        OrderType.LIMIT,
        Terms(contracts, limit_price=price),
        tag=str(OrderTag.rung(number)),
        position=position,
    )
    words = f"rung {number}: sell {contracts} at {price}"
    sets = PositionChange(rungs_done=number, room_for=0)
    evidence = {"bid": bid, "order_ref": order.order_ref, "entry_price": position.entry_price}
    birth = Birth(order, words, evidence)
    return [
        Step(
            position,
            PositionTrigger.SELL_RUNG,
            words,
            evidence,
            sets,
            births=(birth,),
            instructions=(SubmitOrder(order.ticket()),),
        )
    ]


def _chase(ctx: Context, position: Position, order: Order) -> list[Step]:
    since = order.wanted_since or order.acknowledged_at or order.state_since  # the latest move, else the start
    patience = timedelta(seconds=ctx.settings.execution.rung_reprice_s)
    if order.state not in AMENDABLE or order.wanted is not None or not ctx.may_modify or ctx.now - since < patience:
        return []
    if order.changes_are_over:
        return [cancel(ctx, order, "its price cannot be changed: it is given up")] if may_cancel(ctx, order) else []
    quote = ctx.board.quote(order.contract_key)
    if quote is None or quote.bid is None or quote.bid <= 0 or order.order_type is not OrderType.LIMIT:
        return []
    price = max(ctx.board.grid(order.contract_key).down(quote.bid), _rung_floor(ctx, position))
    if price == order.terms.limit_price:
        return []
    words = f"unfilled for {ctx.settings.execution.rung_reprice_s:g} s: limit {order.terms.limit_price} to {price}"
    return [amend(ctx, order, replace(order.terms, limit_price=price), words, {"bid": quote.bid})]


def _rung_floor(ctx: Context, position: Position) -> Decimal:
    """Return the price below which no rung follows the bid: the sale of a profit is not chased into a loss."""
    rung = position.plan.rungs[max(position.rungs_done - 1, 0)] if position.plan.rungs else None
    if rung is not None and rung.atr is not None:
        return ctx.board.grid(position.key).tick_at(Decimal(0))  # the underlying's gain says nothing of the premium's
    gain = rung.gain if rung is not None else Decimal(0)
    least = position.entry_price * (1 + gain * ctx.settings.execution.rung_floor_fraction)
    return ctx.board.grid(position.key).up(least)


# ---- the trail


def _trail(ctx: Context, position: Position, orders: Sequence[Order], bid: Decimal) -> list[Step]:
    if position.plan.atr is not None:
        return []  # the underlying's trail is a rule that sells all; the premium's stop stays where it is
    if position.state is PositionState.FILLED:
        if live_exits(orders) or not begins_to_trail(position.plan, position, bid):
            return []  # the last rung's sale comes first: then the rest is known
        words = f"{_why_it_trails(position, bid)}: the rest trails {position.plan.trail:.0%} below its high"
        return [
            Step(position, PositionTrigger.TRAIL, words, {"bid": bid, "high": position.high}),
            *_ratchet(ctx, position, orders),
        ]
    return _ratchet(ctx, position, orders)


def _why_it_trails(position: Position, bid: Decimal) -> str:
    """The last rung's sale begins the trail too, and by then the bid may be back below the rung."""
    start = position.entry_price * (1 + trails_from(position.entry_quantity, position.plan))
    if bid < start:
        return f"{position.rungs_done} of {len(position.plan.rungs)} rungs are done"
    shown, level = compared(bid, start)
    return f"bid {shown} has reached {level}"


def _ratchet(ctx: Context, position: Position, orders: Sequence[Order]) -> list[Step]:
    price = trailing_stop(position.high, position.plan, ctx.board.grid(position.key))
    stop = live_stop(orders)
    if sound_bid(ctx, position) is None or under_the_bid(ctx, position, price) != price:
        return []  # a stop at or above the bid is a sale, not a stop
    if is_watched(orders) if stop is None else stop.changes_are_over:
        return follow(ctx, position, price)
    wanted = move_stop(ctx, position, orders, price)
    if wanted is None or stop is None:
        return []
    words = f"high {position.high}: stop from {stop.terms.stop_price} to {price}"
    evidence = {"high": position.high, "from": stop.terms.stop_price, "to": price}
    step = amend(ctx, stop, wanted, words, evidence)
    return [_ratcheted(ctx, position, words, evidence, price), step]


def _ratcheted(ctx: Context, position: Position, words: str, evidence: Mapping[str, Any], price: Decimal) -> Step:
    # Fired after TRAIL in the same list, so the position is trailing by the time this is carried out.
    sets = PositionChange(stop_price=price, ratcheted_at=ctx.now)
    return Step(position, PositionTrigger.RATCHET, words, evidence, sets)


# ---- the way out


def _leave(ctx: Context, position: Position, orders: Sequence[Order]) -> list[Step]:
    """Take every other order back, wait until it is certain, then sell what is left at the market."""
    if not ctx.may_exit_of(position):
        return []
    entry = live_entry(orders)
    if entry is not None:
        return take_back(ctx, entry, "the position is being closed")
    if live_stop(orders) is not None and is_halted(ctx, position):
        return []  # the stop stays: nothing could be sold in its place
    live = [o for o in orders if o.purpose is not Purpose.ENTRY and not o.is_done]
    if times_not_taken(orders, Purpose.EXIT) >= MOST_ATTEMPTS and not _may_retry(ctx, position, orders):
        return [] if live else _cover_meanwhile(ctx, position, orders)
    if live:
        return _take_back(ctx, position, live)
    if not may_sell_more(ctx, position):
        return []
    unsettled = [o for o in orders if not o.is_settled]
    if unsettled or position.quantity <= 0 or not _may_retry(ctx, position, orders):
        return []
    order, words = _way_out(ctx, position)
    birth = Birth(order, words, {"mid": order.mid_at_decision, "reason": position.close_reason})
    evidence = {"order_ref": order.order_ref, "left": position.quantity}
    return [
        Step(
            position,
            PositionTrigger.SELL,
            words,
            evidence,
            births=(birth,),
            instructions=(SubmitOrder(order.ticket()),),
        )
    ]


def _cover_meanwhile(ctx: Context, position: Position, orders: Sequence[Order]) -> list[Step]:
    """While a sale that the broker does not take waits for its next attempt, the stop is put back."""
    in_doubt = any(not o.is_settled for o in orders)
    if in_doubt or position.quantity <= 0 or is_watched(orders) or not may_sell_more(ctx, position):
        return []
    return place_stop(ctx, position, orders, position.quantity, below=sound_bid(ctx, position))


def _way_out(ctx: Context, position: Position) -> tuple[Order, str]:
    """Return the order that sells what is left, in words as well: at the market, or where nobody bids at one tick."""
    tag, left = str(OrderTag(Why.CLOSE, position.close_reason or "")), position.quantity
    if no_market_of(ctx, position) is NoMarket.NO_BID:
        tick = ctx.board.grid(position.key).tick_at(Decimal(0))
        order = ctx.new_order(Purpose.EXIT, OrderType.LIMIT, Terms(left, limit_price=tick), tag=tag, position=position)
        return order, f"nobody bids: {left} are offered at one tick, {tick}, and take any bid that returns"
    order = ctx.new_order(Purpose.EXIT, OrderType.MARKET, Terms(left), tag=tag, position=position)
    return order, f"sell {left} at the market"


def _is_way_out(order: Order) -> bool:
    return order.purpose is Purpose.EXIT and OrderTag.of(order.tag).why is Why.CLOSE


def _take_back(ctx: Context, position: Position, live: Sequence[Order]) -> list[Step]:
    steps = []
    for order in live:
        if _is_way_out(order) or _is_leaving_by_itself(ctx, position, order):
            continue
        steps += make_room_or_sell(ctx, order, f"closing: {position.close_reason or 'asked'}")
    return steps


def _is_leaving_by_itself(ctx: Context, position: Position, order: Order) -> bool:
    """A stop that is filling is the exit; it gets a while to finish before the rest is sold at the market."""
    stopped = position.close_reason in {CloseReason.STOP, CloseReason.TRAIL}
    patience = timedelta(seconds=ctx.settings.execution.rung_reprice_s)
    return stopped and order.purpose is Purpose.PROTECT and ctx.now - order.state_since < patience


def _may_retry(ctx: Context, position: Position, orders: Sequence[Order]) -> bool:
    failed = [o for o in orders if _is_way_out(o) and o.state in ENDED_EARLY]
    if not failed:
        return True
    waited = ctx.now - max(o.done_at or o.state_since for o in failed)
    patience = min(_RETRY_AFTER_S * 2 ** min(len(failed) - 1, 10), _RETRY_AFTER_MOST_S)
    return waited >= timedelta(seconds=patience)
