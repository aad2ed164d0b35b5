"""A vendor whose prices stand apart from the broker's: told once, marked, not traded on, and over when it is over."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.exposure import StrikeExposure
from bot.domain.data.sets import GEX_BY_STRIKE, OPTION_CONTRACTS
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.market_data import QuoteReceived, QuoteSnapshot
from bot.domain.instruments import OptionContract, Right
from bot.domain.quotes import Quote
from bot.strategies.inputs import datum_faults
from tests.engine.desk import Desk


def say(desk: Desk, price: str) -> None:
    """The vendor answers with a price of its own; the broker quotes 600."""
    quoted(desk, "600")
    answered(desk, price)


def quoted(desk: Desk, price: str) -> None:
    mid, cent = Decimal(price), Decimal("0.01")
    desk.put(QuoteReceived("SPY", Quote(mid - cent, mid + cent, 10, 10, mid, desk.clock.now())))


def answered(desk: Desk, price: str) -> None:
    now = desk.clock.now()
    rows = (StrikeExposure(Decimal(600), Decimal(price), now, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),)
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


@pytest.mark.parametrize("under_way_s, told", [(2, ["DATA_DIVERGE"]), (30, [])])
async def test_what_the_underlying_did_while_an_answer_was_under_way_is_allowed_for(
    under_way_s: float, told: list[str]
) -> None:
    """A fast simulated clock makes an answer of a blink minutes old; the broker's price ran off meanwhile."""
    desk = await Desk({"risk": {"cross_check": {"under_way_s": under_way_s}}}).start()
    for _ in range(3):
        quoted(desk, "600")
        await desk.ticks(6, 1)
        quoted(desk, "620")
        await desk.ticks(6, 1)
        answered(desk, "600")
        await desk.ticks(2, 1)
    assert codes(desk) == told


def chain_answered(desk: Desk, bid: str) -> list[str]:
    """The vendor tells three contracts at the money and one far off; returns the keys of the three."""
    now, price = desk.clock.now(), Decimal(bid)
    contracts = [OptionContract("SPY", now.date(), Right.CALL, Decimal(strike)) for strike in (599, 600, 601, 700)]
    rows = tuple(
        OptionContractRow(each, price, price + Decimal("0.02"), None, 1, 1, 0, 0, 0.0, None, None, None, None)
        for each in contracts
    )
    desk.put(DatumReceived(OPTION_CONTRACTS, "SPY", rows, now, now, 90.0, "unusual_whales"))
    return [each.key for each in contracts]


async def test_contracts_without_a_line_are_asked_for_once_an_answer_and_compared_with_what_comes() -> None:
    desk = await Desk().start()
    for _ in range(3):
        quoted(desk, "600")
        keys = chain_answered(desk, "2.00")
        await desk.ticks(3, 1)
        for key in keys:
            at = desk.clock.now()
            desk.put(QuoteSnapshot(key, Quote(Decimal("3.00"), Decimal("3.02"), 10, 10, None, at)))
        await desk.ticks(2, 1)
    assert sorted(desk.broker.asked_quotes) == sorted(keys), "once, for what came is fresh for the answers after it"
    assert codes(desk) == ["DATA_DIVERGE"]
    assert "2.00 against 3.00" in desk.engine.board.diverging[OPTION_CONTRACTS, "SPY"]
    await desk.ticks(30, 1)
    quoted(desk, "600")
    keys = chain_answered(desk, "3.00")
    await desk.ticks(20, 1)
    assert len(desk.broker.asked_quotes) == 2 * len(keys), "nobody answers: it is asked once and given up"
    assert codes(desk) == ["DATA_DIVERGE"], "what could not be compared proves nothing"
