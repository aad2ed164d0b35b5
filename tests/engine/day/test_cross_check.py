"""A vendor whose prices stand apart from the broker's: told once, marked, not traded on, and over when it is over."""

from __future__ import annotations

from decimal import Decimal

from bot.domain.data.exposure import StrikeExposure
from bot.domain.data.sets import GEX_BY_STRIKE
from bot.domain.events import DatumReceived, QuoteReceived
from bot.domain.quotes import Quote
from bot.strategies.inputs import datum_faults
from tests.engine.desk import Desk


def say(desk: Desk, price: str) -> None:
    """The vendor answers with a price of its own; the broker quotes 600."""
    now = desk.clock.now()
    rows = (StrikeExposure(Decimal(600), Decimal(price), now, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),)
    desk.put(QuoteReceived("SPY", Quote(Decimal("599.99"), Decimal("600.01"), 10, 10, Decimal(600), now)))
    desk.put(DatumReceived(GEX_BY_STRIKE, "SPY", rows, now, now, 90.0, "unusual_whales"))


async def answers(desk: Desk, price: str, count: int) -> None:
    for _ in range(count):
        say(desk, price)
        await desk.ticks(2, 1)


def codes(desk: Desk) -> list[str]:
    told = [alert.code for batch in desk.store.batches for alert in batch.alerts]
    return [code for code in told if code.startswith("DATA_")]


async def test_a_divergence_that_lasts_is_told_marked_and_over_when_it_is_over() -> None:
    desk = await Desk().start()
    await answers(desk, "601", 2)
    await answers(desk, "630", 2)
    assert codes(desk) == []
    await answers(desk, "630", 3)
    assert codes(desk) == ["DATA_DIVERGE"]
    faults = datum_faults(desk.engine.board, GEX_BY_STRIKE, "SPY", desk.clock.now(), 90.0)
    assert faults
    assert faults[0].startswith("diverges:gex_by_strike:SPY price 630")
    await answers(desk, "601", 2)
    assert codes(desk) == ["DATA_DIVERGE", "DATA_AGREE"]
    assert not datum_faults(desk.engine.board, GEX_BY_STRIKE, "SPY", desk.clock.now(), 90.0)


async def test_one_odd_answer_among_sound_ones_is_nothing() -> None:
    desk = await Desk().start()
    for price in ("630", "601", "630", "630", "601"):
        await answers(desk, price, 1)
    assert codes(desk) == []
