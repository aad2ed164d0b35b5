"""Option chains and snapshots over the wire, served by the simulated venue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.broker.adapter import IbkrBroker
from bot.broker.chain_desk import ChainRow, listings_of
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import ChainTold, ContractQualified, LineReported, QuoteReceived, QuoteSnapshot
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Subscribe
from bot.domain.instruments import OptionContract, Right
from bot.sim.market.context import WiderMarket
from bot.sim.market.model import MarketModel
from tests.broker.conftest import Gathered
from tests.broker.fake_tws import OPTION_KEY, FakeTws
from tests.broker.test_universe import DAY, QUOTE, watching

GROUPS = ("breadth",)
NOWHERE = "SPY   261120C00612345"
MARKET_DATA, CANCELLED, CHAIN, SNAPSHOT = 1, 2, 78, 17


@pytest.fixture(scope="module")
def market() -> WiderMarket:
    return WiderMarket(MarketModel(DAY, 1))


def keys_at(price: float, count: int) -> tuple[str, ...]:
    """Calls of today from a price on."""
    today = MarketModel(DAY, 1).session_open().date()
    return tuple(OptionContract("SPY", today, Right.CALL, Decimal(round(price) + n)).key for n in range(count))


async def test_a_chain_is_told_and_seen_by_lines_as_far_as_they_go_else_by_snapshots(
    market: WiderMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.line_report.AGE_WALL_S", 0.0)
    async with watching(market, monkeypatch, groups=GROUPS, chain_lines=2, chain_snapshot_s=0.05) as (
        broker,
        events,
        _,
    ):
        broker.ask_chains(["SPY"])  # not named yet: nothing happens
        broker.subscribe(Subscribe({"SPY": QUOTE}))
        await events.first(ContractQualified, lambda each: each.key == "SPY")
        broker.ask_chains(["SPY"])
        chain = (await events.first(ChainTold)).chain
        today = market.session_open().date()
        listing = chain.listing(today)
        assert listing is not None
        assert {each.trading_class for each in chain.listings} == {"SPY"}
        keys = keys_at(600, 4)
        broker.subscribe(Subscribe({"SPY": QUOTE}, chain=(*keys, NOWHERE)))
        for key in keys[:2]:
            await events.first(QuoteReceived, lambda each, key=key: each.key == key and each.context)  # type: ignore[misc]
        for key in keys[2:]:
            told = await events.first(QuoteSnapshot, lambda each, key=key: each.key == key)  # type: ignore[misc]
            assert told.quote.bid is not None
            assert told.greeks is not None
            assert told.greeks.delta is not None
        state = await events.first(LineReported, lambda each: each.key == keys[3] and each.state == "snapshot")
        assert state.rank == "candidate"
        await events.first(LineReported, lambda each: each.key == keys[3] and each.ticked_at is not None)
        events.clear()
        await events.first(QuoteSnapshot, lambda each: each.key == keys[3])  # and again
        assert {key for key, _ in broker._market.open_lines if key in keys} == set(keys[:2])
        assert not events.of(ContractQualified), "of what is only seen nobody is told"
        assert not events.of(AlertRaised)
        broker.subscribe(Subscribe({"SPY": QUOTE, keys[3]: QUOTE}))
        await events.first(ContractQualified, lambda each: each.key == keys[3])  # it is decided on from now on


async def test_a_snapshot_that_does_not_end_is_cancelled_and_what_is_refused_is_not_asked_for_again(
    tws: FakeTws, broker: IbkrBroker, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.quote_snapshots.DEADLINE_S", 0.05)
    await broker.start()
    await events.change(LinkChange.ACCEPTED)
    broker.ask_quotes([OPTION_KEY, OPTION_KEY])
    asked = await tws.until_asked(MARKET_DATA)
    assert (asked[SNAPSHOT], len(tws.of(MARKET_DATA))) == ("1", 1)
    tws.send(1, 6, asked[2], 1, 5.1, 3, 0)  # half of it
    assert (await tws.until_asked(CANCELLED))[2] == asked[2]
    assert not events.of(QuoteSnapshot), "half of a quote is none"
    broker.ask_quotes([OPTION_KEY])
    again = await tws.until_asked(MARKET_DATA, 2)
    tws.send_all([(1, 6, again[2], 1, 5.1, 3, 0), (1, 6, again[2], 2, 5.3, 4, 0), (57, 1, again[2])])
    told = await events.first(QuoteSnapshot)
    assert (told.quote.bid, told.quote.ask) == (Decimal("5.1"), Decimal("5.3"))
    broker.ask_quotes([OPTION_KEY])
    third = await tws.until_asked(MARKET_DATA, 3)
    tws.send(4, 2, third[2], 354, "Requested market data is not subscribed.", "")
    await broker.snapshot()  # answered after what came before it
    broker.ask_quotes([OPTION_KEY])
    assert len(tws.of(MARKET_DATA)) == 3
    assert "354" in broker._market._snapshots.refusal(OPTION_KEY)


async def test_a_chain_that_is_refused_or_empty_is_told(tws: FakeTws, broker: IbkrBroker, events: Gathered) -> None:
    await broker.start()
    await events.change(LinkChange.ACCEPTED)
    broker.subscribe(Subscribe({"SPX": QUOTE}))
    await events.first(ContractQualified)
    tws.answers[CHAIN] = lambda asked: tws.send(4, 2, asked[1], 321, "Invalid contract id", "")
    broker.ask_chains(["SPX"])
    told = await events.first(AlertRaised)
    assert (told.code, "321" in told.text) == ("CHAIN_UNKNOWN", True)
    events.clear()
    tws.answers[CHAIN] = lambda asked: tws.send_all(
        [(75, asked[1], "SMART", 7004, "SPXW", "100", 1, "20261120", 0), (76, asked[1])]
    )
    broker.ask_chains(["SPX"])
    assert (await events.first(AlertRaised)).code == "CHAIN_UNKNOWN"
    assert tws.of(CHAIN)[0][2:] == ("SPX", "", "IND", "7004")


def test_what_is_listed_is_read_by_class_and_what_cannot_be_is_left_out() -> None:
    smart = ChainRow("SMART", "SPXW", "100", ("20261120", "nonsense"), (6000.0, 6005.0, float("nan"), -1.0, 1e300))
    cboe = ChainRow("CBOE", "SPXW", "100", ("20261121",), (7000.0,))
    alone = ChainRow("CBOE", "SPX", "100", ("20261218",), (6000.0,))
    bad = [ChainRow("SMART", "TOOLONGNAME", "100", ("20261120",), (1.0,)), ChainRow("SMART", "X", "ten", (), (1.0,))]
    empty = ChainRow("SMART", "Y", "100", (), (1.0,))
    spx, spxw = listings_of([smart, cboe, alone, *bad, empty])
    assert (spx.trading_class, spxw.trading_class) == ("SPX", "SPXW")
    assert spxw.strikes == (Decimal(6000), Decimal(6005)), "SMART stands for the others"
    assert len(spxw.expiries) == 1
