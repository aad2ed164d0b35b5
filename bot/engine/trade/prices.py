"""The prices that a decision about a position may go by: the bid that is fit, the one that a second look bears out, and
the stop that stands under it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from bot.domain.position import Position
from bot.engine.state.context import Context

_SHORT_LOOK: Final = timedelta(seconds=1)


def sound_bid(ctx: Context, position: Position) -> Decimal | None:
    """Return the bid when the quote is fit to decide on, else None."""
    quote = ctx.board.quote(position.key)
    if quote is None or quote.fault(ctx.now, patience_with_quotes(ctx)) is not None:
        return None
    return quote.bid


def patience_with_quotes(ctx: Context) -> timedelta:
    """Return how old a quote may be that anything is decided on."""
    return _seconds(ctx.settings.risk.quote_max_age_s)


def seen_bid(ctx: Context, position: Position, above: Decimal | None = None) -> Decimal | None:
    """Return the highest bid that a second look bears out, None without one (`above` a price, where that is asked for)
    or while the quote is not fit to decide on. A new high, a rung and the trail go by it, for one print is not a
    market."""
    looks = ctx.board.looks(position.key)
    bid = looks.highest(ctx.now, second_look(ctx), above) if looks is not None else None
    return None if bid is None or sound_bid(ctx, position) is None else bid


def fallen_bid(ctx: Context, position: Position) -> Decimal | None:
    """Return the bid that a stop which is not at the broker is compared with: as `seen_bid`, downwards, and never asked
    to stand for longer than a second."""
    looks = ctx.board.looks(position.key)
    if looks is None or sound_bid(ctx, position) is None:
        return None
    return looks.lowest(ctx.now, min(second_look(ctx), _SHORT_LOOK))


def second_look(ctx: Context) -> timedelta:
    return _milliseconds(ctx.settings.execution.second_look_ms)


@lru_cache(maxsize=16)
def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@lru_cache(maxsize=16)
def _milliseconds(count: float) -> timedelta:
    return timedelta(milliseconds=count)


def waiting_for_a_look(ctx: Context, keys: Iterable[str]) -> set[str]:
    """Return the contracts whose latest bid has not stood for long enough yet: time alone will decide."""
    since, looks_of, found = ctx.now - second_look(ctx), ctx.board.looks, set()
    for key in keys:
        looks = looks_of(key)
        at = looks.latest_at if looks is not None else None
        if at is not None and at > since:
            found.add(key)
    return found


def under_the_bid(ctx: Context, position: Position, price: Decimal, below: Decimal | None = None) -> Decimal | None:
    """Return the stop price that may be sent for `price`: a stop at or above the present bid is a sale, so such a one
    becomes a tick less than the bid; None where no price stands under it.

    `below` is a further price to stay under. A quote that is not fit to decide on is no present bid.
    """
    bids = [bid for bid in (sound_bid(ctx, position), below) if bid is not None and bid > 0]
    if not bids or price < min(bids):
        return price
    grid = ctx.board.grid(position.key)
    lower = grid.down(min(bids) - grid.tick_at(min(bids)))
    return lower if lower > 0 else None
