"""Context over the wire: the whole universe from the simulated venue, refused groups, delayed data, the budget."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.broker.adapter import IbkrBroker
from bot.clocks.clock import ScaledClock, wall_seconds
from bot.config.loader import load
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import ContractQualified, LineReported, QuoteReceived
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Subscribe
from bot.domain.quotes import QuoteFault
from bot.domain.universe import Universe
from bot.sim.market.context import WiderMarket
from bot.sim.market.model import MarketModel
from bot.sim.matching import build_venue
from bot.sim.scenario import Scenario
from bot.sim.tws.server import TwsFace
from bot.sim.vocabulary import SimulatedVenue
from tests.broker.conftest import SETTINGS, Gathered

SHIPPED = load(Path(__file__).resolve().parents[2], environ={}).settings.universe.read()
DAY = Scenario.model_validate(
    {
        "name": "context", "description": "one fund", "date": "2026-11-20",
        "symbols": {"SPY": {"open": 600, "iv": 0.15}},
    }
)  # fmt: skip
QUOTE = frozenset({"quote"})


@pytest.fixture(scope="module")
def market() -> WiderMarket:
    return WiderMarket(MarketModel(DAY, 1))


@asynccontextmanager
async def watching(
    market: WiderMarket, monkeypatch: pytest.MonkeyPatch, *, groups: tuple[str, ...] = (), **changes: Any
) -> AsyncIterator[tuple[IbkrBroker, Gathered, TwsFace]]:
    """The adapter at a venue in mid-session, with the members of some groups (all when none is named)."""
    monkeypatch.setattr("ib_insync.client.Client.MaxRequests", 0)
    monkeypatch.setattr("bot.broker.line_report.LOOK_WALL_S", 0.0)
    refused: Mapping[str, int] = changes.pop("refused", {})
    clock = ScaledClock(market.session_open() + timedelta(hours=1), 1.0, wall_seconds())
    face = TwsFace(SimulatedVenue(build_venue(market, DAY, 1)), clock, refused=refused)
    face.limits = replace(face.limits, messages_per_s=10_000, market_data_lines=changes.pop("allowed", 100))
    members = tuple(each for each in SHIPPED if not groups or each.group in groups)
    settings = replace(
        SETTINGS, port=await face.start(), universe=Universe(members), paced_per_second=1000, takes_delayed=True,
        request_timeout_s=5.0, **changes,
    )  # fmt: skip
    events = Gathered()
    broker = IbkrBroker(settings, clock, events, bot_id="bot")
    await broker.start()
    await events.change(LinkChange.ACCEPTED)
    yield broker, events, face
    await broker.stop()
    await face.stop()


async def test_every_member_of_the_universe_is_served_and_none_of_it_is_told_as_a_candidate(
    market: WiderMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(market, monkeypatch) as (_, events, _face):
        for member in SHIPPED:
            told = await events.first(QuoteReceived, lambda each, key=member.key: each.key == key)  # type: ignore[misc]
            assert told.context
            assert told.quote.reference is not None
        assert not events.of(ContractQualified)
        assert not events.of(AlertRaised)
        front = await events.first(LineReported, lambda each: each.key == "ES:FUT" and each.state == "open")
        assert (front.rank, front.group_name) == ("context", "futures_index")


@pytest.mark.parametrize("code", [354, 10089, 10168, 10186, 460])
async def test_a_group_without_a_subscription_is_told_once_and_the_rest_goes_on(
    market: WiderMarket, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    groups = ("crypto", "breadth")
    async with watching(market, monkeypatch, groups=groups, refused={"crypto": code}) as (broker, events, _):
        told = await events.first(AlertRaised)
        assert (told.code, told.facts["group"], told.facts["code"]) == ("DATA_GROUP_REFUSED", "crypto", code)
        assert (told.facts["whole_group"], told.facts["members"]) == (True, ["BTC.USD", "ETH.USD"])
        await events.first(QuoteReceived, lambda each: each.key == "TICK-NYSE:IND")
        shown = await events.first(LineReported, lambda each: each.key == "ETH.USD:CRYPTO" and each.state == "refused")
        assert str(code) in shown.detail
        broker.subscribe(Subscribe({"SPY": QUOTE}))
        await events.first(QuoteReceived, lambda each: each.key == "SPY")
        assert [each.code for each in events.of(AlertRaised)] == ["DATA_GROUP_REFUSED"]


async def test_delayed_data_are_shown_and_not_traded_on(market: WiderMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(market, monkeypatch, groups=("fx",), refused={"fx": 10167}) as (_, events, _face):
        quote = (await events.first(QuoteReceived, lambda each: each.key == "EUR.USD:CASH")).quote
        assert quote.reference is not None
        assert quote.fault(quote.at, timedelta(seconds=15)) is QuoteFault.DELAYED
        await events.first(LineReported, lambda each: each.key == "EUR.USD:CASH" and each.state == "delayed")
        assert not events.of(AlertRaised)


async def test_a_position_takes_the_line_of_what_is_watched_and_gives_it_to_nobody(
    market: WiderMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(market, monkeypatch, groups=("sectors",), line_budget=11) as (broker, events, _):
        for key in ("XLB", "XLY"):
            await events.first(LineReported, lambda each, key=key: each.key == key and each.state == "open")  # type: ignore[misc]
        broker.subscribe(Subscribe({"SPY": QUOTE}, held=frozenset({"SPY"})))
        await events.first(LineReported, lambda each: each.key == "SPY" and each.state == "open")
        left = await events.first(LineReported, lambda each: each.state == "left_out")
        assert (left.key, left.rank) == ("XLY", "context")
        broker.subscribe(Subscribe({"XLK": QUOTE, "SPY": QUOTE}, held=frozenset({"SPY"})))
        await events.first(LineReported, lambda each: each.key == "XLK" and each.rank == "candidate")
        assert ("SPY", "quote") in broker._market.open_lines
        assert not [each for each in events.of(AlertRaised) if each.code == "LINE_BUDGET"]


async def test_a_login_with_fewer_lines_than_the_budget_keeps_the_position_s(
    market: WiderMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(market, monkeypatch, groups=("sectors",), allowed=11) as (broker, events, _):
        await events.first(LineReported, lambda each: each.key == "XLY" and each.state == "open")
        broker.subscribe(Subscribe({"SPY": QUOTE}, held=frozenset({"SPY"})))
        await events.first(LineReported, lambda each: each.key == "SPY" and each.state == "open")
        await events.first(LineReported, lambda each: each.state == "left_out")
        assert len(broker._market.open_lines) <= 11
        assert ("SPY", "quote") in broker._market.open_lines


async def test_another_month_becomes_the_front_while_the_bot_runs(
    market: WiderMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(market, monkeypatch, groups=("futures_energy",)) as (broker, events, _):
        await events.first(QuoteReceived, lambda each: each.key == "CL:FUT")
        before = broker._book.con_id("CL:FUT")
        later = market.session_open() + timedelta(days=40)
        monkeypatch.setattr(broker._clock, "now", lambda: later)
        events.clear()
        broker._market.new_day()
        await events.first(QuoteReceived, lambda each: each.key == "CL:FUT")
        assert broker._book.con_id("CL:FUT") not in {before, None}
        line = broker._market._lines.line(("CL:FUT", "quote"))
        assert line is not None
        assert line.contract.conId == broker._book.con_id("CL:FUT")


async def test_books_beyond_the_allowance_take_turns(market: WiderMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: dict[str, Any] = {"depth_first": ("SPY",), "depth_then": ("AAPL", "TSLA"), "depth_every_s": 0.05}
    async with watching(market, monkeypatch, groups=("equities",), depth_budget=1, **turns) as (_, events, _face):
        for key in ("SPY", "AAPL", "TSLA"):
            await events.first(
                LineReported,
                lambda each, key=key: (each.key, each.kind, each.state) == (key, "book", "open"),  # type: ignore[misc]
            )
