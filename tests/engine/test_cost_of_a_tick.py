"""What a tick costs follows from what changed: not from what is held, not from what the day has brought so far. Counted
in calls, for time says more of the machine."""

from __future__ import annotations

import sys
from decimal import Decimal
from statistics import median_low
from types import FrameType

import pytest

from benchmarks.ticks import engine_with
from bot.domain.events.market_data import QuoteReceived
from bot.domain.quotes import Quote
from bot.engine.tick import Engine

TICKS = 9  # a tick in four is one that also marks
IDLE = 160
"""Calls of a tick in which nothing has come: times are compared, and nobody is asked."""
FEW = 40
"""Calls that a tick may differ by: a set that is walked over, a hash table that grew."""


async def calls_of(engine: Engine) -> int:
    """Return how many functions a tick calls, those of the interpreter among them."""
    count = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(called)
    try:
        await engine.tick()
    finally:
        sys.setprofile(None)
    return count


async def cost_with(held: int, over: int = 0, quoted: int = 1) -> int:
    """Return the calls of a tick in which one position of so many is quoted, so many others being over."""
    engine, clock, inbox, keys = await engine_with(held, over)
    counted = []
    for number in range(8 + TICKS):
        clock.advance(0.25)
        bid = Decimal(200 + number % 7).scaleb(-2)
        for key in keys[:quoted]:
            inbox.put(QuoteReceived(key, Quote(bid, bid + Decimal("0.02"), 50, 60, bid, clock.now())))
        counted.append(await calls_of(engine))
    return median_low(counted[8:])


@pytest.mark.parametrize("held, over", [(20, 400), (300, 0), (300, 400)])
async def test_a_tick_costs_the_same_whatever_is_held_and_whatever_the_day_has_brought(held: int, over: int) -> None:
    assert await cost_with(held, over) <= await cost_with(20) + FEW


async def test_a_tick_in_which_nothing_has_come_compares_times_and_asks_nobody() -> None:
    assert await cost_with(20, quoted=0) <= IDLE
