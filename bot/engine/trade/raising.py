"""A person's raise of a position's stop. A stop only ever rises, whoever moves it.

| may not | because |
|---|---|
| a stop at or below the present one | the position could lose more than it may now |
| a stop at or above the bid | it would sell at once, and that is what `close` is for |
| a price off the contract's grid | the broker refuses it |
| while the bid is not known, or the stop cannot be changed now | nobody could say what it does |
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bot.domain.order import Order
from bot.domain.position import Position, PositionChange, PositionTrigger
from bot.domain.requests import Refused
from bot.domain.typed_price import PriceUnclear, price_of
from bot.engine.state.context import Context
from bot.engine.state.steps import Step
from bot.engine.trade.live_orders import amend
from bot.engine.trade.prices import sound_bid
from bot.engine.trade.protection import live_stop, may_resize
from bot.engine.trade.refusals import is_watched


def raise_stop(ctx: Context, position: Position, typed: str, actor: str) -> list[Step]:
    """Return the steps that raise the stop of an open position to a price that a person typed; raises Refused with a
    code where it may not stand there, and then nothing has changed."""
    orders = ctx.ledger.order_index.of_position(position.id)
    stop = live_stop(orders)
    watched = is_watched(orders) if stop is None else stop.changes_are_over
    present = _present(position, stop)
    price = _wanted(ctx, position, typed, present)
    words = f"raised by {actor}: stop from {present} to {price}"
    evidence = {"from": present, "to": price, "bid": sound_bid(ctx, position)}
    sets = PositionChange(stop_price=price, ratcheted_at=ctx.now)
    moved = Step(position, PositionTrigger.RATCHET, words, evidence, sets, actor=actor)
    if watched:
        return [moved]
    if stop is None or not may_resize(ctx, stop):
        raise Refused("STOP_NOT_NOW: no stop that can be changed works at the broker at this moment; ask again")
    return [moved, amend(ctx, stop, replace(stop.terms, stop_price=price), words, evidence, actor)]


def _present(position: Position, stop: Order | None) -> Decimal:
    """Return where the stop stands: at the broker, or where the tick watches it."""
    known = [at for at in (position.stop_price, stop.terms.stop_price if stop is not None else None) if at is not None]
    if not known:
        raise Refused("STOP_NOT_NOW: it has no stop yet; the first one is the plan's")
    return max(known)


def _wanted(ctx: Context, position: Position, typed: str, present: Decimal) -> Decimal:
    try:
        price = price_of(typed)
    except PriceUnclear as unclear:
        raise Refused(f"STOP_UNCLEAR: {unclear}") from unclear
    grid = ctx.board.grid(position.key)
    if not grid.contains(price):
        raise Refused(f"STOP_OFF_GRID: {price} is no price of it; {grid.down(price)} and {grid.up(price)} are")
    if price <= present:
        raise Refused(f"STOP_LOWER: the stop stands at {present} and may only rise")
    bid = sound_bid(ctx, position)
    if bid is None:
        raise Refused("STOP_NO_QUOTE: no quote of the contract is here to judge a stop by")
    if price >= bid:
        raise Refused(f"STOP_AT_BID: {price} is not below the bid, {bid}: it would sell at once; `close` does that")
    return price
