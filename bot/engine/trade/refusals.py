"""What is done when the broker refuses a protective stop: a policy for each reason.

| policy | when | what |
|---|---|---|
| reprice | the price does not fit the venue's grid or band | again, on a grid that every option class takes |
| watch | stops are not taken for this contract or account | the tick watches the bid and sells at the market |
| flatten | the contract is no longer what it was, or may only be sold | sold at the market at once |
| wait | a buy of somebody else works on the contract | again when it is gone; no other sale would be taken either |
| retry | anything else | again at once |

After three attempts in a row that did not last, whatever the broker said or did not say of them, the stop counts as not
taken at all: it is watched. Waits for a buy of somebody else are no attempts. A stop that is sent again, or that the
broker answered in words that we do not know, is watched until it works. Under a watched stop the ladder and the trail
go on; only the stop itself is the tick's to sell at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bot.domain.instruments import NICKEL_CLASS
from bot.domain.order import MOST_ATTEMPTS, Order, OrderState, Purpose, RefusalKind, times_not_taken
from bot.domain.position import CloseReason, Position, PositionChange, PositionState, PositionTrigger
from bot.domain.quotes import QuoteFault
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade.prices import fallen_bid, under_the_bid
from bot.risk.ladder import stop_move_is_material

_WAIT_S, _WAIT_MOST_S = 2.0, 60.0


class Policy(StrEnum):
    RETRY = "retry"
    REPRICE = "reprice"
    WATCH = "watch"
    FLATTEN = "flatten"
    WAIT = "wait"


# Not here: 391 (a date and time in an order field) and 10006 (a parent order that is missing) speak of what no order of
# ours carries. They are as any other refusal: counted, and after three the stop is watched.
POLICY_OF: Final[Mapping[int, Policy]] = MappingProxyType(
    {
        109: Policy.REPRICE,  # out of the venue's price range
        110: Policy.REPRICE,  # off the grid of the contract's market rule
        200: Policy.FLATTEN,  # no such contract any more: adjusted or delisted while we hold it
        203: Policy.WATCH,  # not available for this account
        387: Policy.WATCH,  # order type unsupported for this contract
        460: Policy.FLATTEN,  # trading permission is gone: what is held may be sold, nothing else
    }
)


_NOT_YET: Final = frozenset({OrderState.INTENT, OrderState.SUBMITTED, OrderState.UNKNOWN})
_COUNTED: Final = frozenset({Policy.RETRY, Policy.REPRICE})


def policy_of(order: Order) -> Policy:
    if order.refusal is RefusalKind.OTHER_SIDE:
        return Policy.WAIT
    return POLICY_OF.get(order.reject_code or 0, Policy.RETRY)


def refused_stops(orders: Sequence[Order]) -> list[Order]:
    return [o for o in orders if o.purpose is Purpose.PROTECT and o.state is OrderState.REJECTED]


def latest_stop(orders: Sequence[Order]) -> Order | None:
    """Return the stop that was placed last, whatever became of it."""
    return next((o for o in reversed(orders) if o.purpose is Purpose.PROTECT), None)


def is_watched(orders: Sequence[Order]) -> bool:
    """Say whether the tick watches the stop because the broker does not take it: so says the latest refusal."""
    stop = latest_stop(orders)
    if stop is None:
        return False
    if stop.state in _NOT_YET:
        return bool(stop.attempts) or (stop.state is OrderState.UNKNOWN and stop.reject_code is not None)
    if not stop.was_not_taken:
        return False
    policy = policy_of(stop) if stop.state is OrderState.REJECTED else Policy.RETRY
    return policy is Policy.WATCH or (policy in _COUNTED and stops_not_taken(orders) >= MOST_ATTEMPTS)


def stops_not_taken(orders: Sequence[Order]) -> int:
    """Return how many stops in a row the broker did not take, leaving out those that only wait for their turn."""
    return times_not_taken((o for o in orders if policy_of(o) is not Policy.WAIT), Purpose.PROTECT)


def repriced(price: Decimal, orders: Sequence[Order]) -> Decimal:
    """Return the stop's price, on the coarsest grid once a finer one was refused, rounded up: it sells sooner."""
    refused = refused_stops(orders)
    if not refused or policy_of(refused[-1]) is not Policy.REPRICE:
        return price
    return NICKEL_CLASS.up(price)


def must_sell(position: Position, orders: Sequence[Order]) -> Step | None:
    """Return the step towards the door when no further stop is asked for, else None."""
    latest = latest_stop(orders)
    if latest is None or latest.state is not OrderState.REJECTED or policy_of(latest) is not Policy.FLATTEN:
        return None
    words = f"{latest.reject_reason}: no position without protection"
    sets = PositionChange(close_reason=CloseReason.PROTECTION_FAILED, room_for=0)
    return Step(position, PositionTrigger.REQUEST_CLOSE, words, {"refused": len(refused_stops(orders))}, sets)


def waits_for_the_other_side(ctx: Context, orders: Sequence[Order]) -> bool:
    """Say whether the next stop has to wait: the last one was refused beside a buy of somebody else, and the book that
    names that buy is on its way; each such refusal doubles the wait, up to a minute."""
    latest = latest_stop(orders)
    if latest is None or latest.state is not OrderState.REJECTED or policy_of(latest) is not Policy.WAIT:
        return False
    times = sum(policy_of(o) is Policy.WAIT for o in refused_stops(orders))
    wait = min(_WAIT_S * 2 ** min(times - 1, 10), _WAIT_MOST_S)
    return ctx.now - (latest.done_at or latest.state_since) < timedelta(seconds=wait)


def watch(ctx: Context, position: Position, bid: Decimal | None) -> list[Step]:
    """Do in the tick what the stop would do at the broker: sell at its price, never without a quote."""
    stop = position.stop_price or Decimal(0)
    if bid is None:
        return _blind(ctx, position, {"bid": bid, "stop": stop, "high": position.high})
    return touched(ctx, position, stop, "the broker does not take")


def touched(ctx: Context, position: Position, stop: Decimal, what: str) -> list[Step]:
    """Sell where the bid has come to a stop that is not at the broker, once a second, short look bears it out."""
    bid = fallen_bid(ctx, position)
    if bid is None or bid > stop:
        return []
    trailing = position.state is PositionState.TRAILING
    sets = PositionChange(close_reason=CloseReason.TRAIL if trailing else CloseReason.STOP, room_for=0)
    evidence = {"bid": bid, "stop": stop, "high": position.high}
    place = "at" if bid == stop else "below"
    words = f"the bid {bid} is {place} the stop of {stop} that {what}"
    return [Step(position, PositionTrigger.REQUEST_CLOSE, words, evidence, sets)]


def _blind(ctx: Context, position: Position, evidence: Mapping[str, Any]) -> list[Step]:
    quote = ctx.board.quote(position.key)
    age = timedelta(seconds=ctx.settings.risk.quote_max_age_s)
    if quote is not None and (quote.fault(ctx.now, age) is not QuoteFault.STALE or ctx.now - quote.sound_at <= age):
        return []  # halted, crossed or without a bid: a sale would not go through; or lost only just now
    if quote is None and ctx.now - (position.unprotected_since or ctx.now) < age:
        return []
    sets = PositionChange(close_reason=CloseReason.PROTECTION_FAILED, room_for=0)
    words = "the broker takes no stop and there is no quote to watch: it is sold"
    return [Step(position, PositionTrigger.REQUEST_CLOSE, words, evidence, sets)]


def follow(ctx: Context, position: Position, price: Decimal) -> list[Step]:
    """Raise a watched stop to `price` when that is worth a row; the broker need not be asked, so none is late."""
    stop = position.stop_price or Decimal(0)
    if under_the_bid(ctx, position, price) != price:
        return []
    if price <= stop or not stop_move_is_material(stop, price, ctx.settings.execution.trail_min_step):
        return []
    evidence = {"high": position.high, "from": stop, "to": price}
    sets = PositionChange(stop_price=price, ratcheted_at=ctx.now)
    words = f"high {position.high}: watched stop from {stop} to {price}"
    return [Step(position, PositionTrigger.RATCHET, words, evidence, sets)]
