"""The adapter against the simulated TWS, over a real socket: two rooms that share no code agree on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.domain.events.account import AccountReported
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import BookReceived, ContractQualified, GreeksReceived, HoursTold, QuoteReceived
from bot.domain.events.orders import (
    BrokerOrderStatus,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
)
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Subscribe
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.sim import tws
from bot.sim.driver import VenueDriver
from bot.sim.hours import HoursSaid
from bot.sim.vocabulary import SimulatedVenue
from tests.broker.conftest import Gathered
from tests.sim.tws import small_venue

KEY = "SPY   261120C00600000"


@dataclass
class Site:
    broker: IbkrBroker
    events: Gathered
    face: tws.TwsFace
    venue: small_venue.SmallVenue
    port: int


@pytest.fixture
async def site(events: Gathered) -> AsyncIterator[Site]:
    """The adapter connected to a small venue, with the option's quote, greeks and book flowing."""
    venue, clock = small_venue.SmallVenue(), small_venue.RunningClock()
    simulated = SimulatedVenue(venue)
    face, driver = tws.TwsFace(simulated, clock), VenueDriver(simulated, clock)
    port = await face.start()
    await driver.start()
    broker = IbkrBroker(BrokerSettings(port=port, retry_min_s=0.01, request_timeout_s=1.0), clock, events, bot_id="bot")
    broker.subscribe(Subscribe({"SPX": frozenset({"quote"}), KEY: frozenset({"quote", "book"})}))
    await broker.start()
    await events.first(BookReceived)
    yield Site(broker, events, face, venue, port)
    await broker.stop()
    await driver.stop()
    await face.stop()


def ticket(name: str, price: str, quantity: int = 2) -> OrderTicket:
    terms = Terms(quantity, limit_price=Decimal(price))
    return OrderTicket(name, f"bot-{name}", KEY, OrderSide.BUY, OrderType.LIMIT, terms)


async def test_account_contracts_quotes_greeks_and_book_arrive(site: Site) -> None:
    account = await site.events.first(AccountReported)
    option = await site.events.first(ContractQualified, lambda each: each.key == KEY)
    quote = (await site.events.first(QuoteReceived, lambda each: each.key == KEY)).quote
    greeks = (await site.events.first(GreeksReceived)).greeks
    index = (await site.events.first(QuoteReceived, lambda each: each.key == "SPX")).quote
    book = (await site.events.first(BookReceived)).book
    assert account.net_liquidation == 100_000
    assert option.con_id is not None
    assert option.grid is not None
    assert quote.bid is not None
    assert quote.ask is not None
    assert quote.bid < quote.ask
    assert greeks.delta is not None
    assert 0 < greeks.delta < 1
    assert (index.bid, index.last) == (None, Decimal(6000))
    assert len(book.bids) == len(book.asks) == 10
    assert not site.events.of(AlertRaised)


async def test_an_order_fills_and_the_book_agrees(site: Site) -> None:
    order_id = site.broker.submit(ticket("a", "9.00"))
    fill = (await site.events.first(ExecutionReported)).execution
    await site.events.first(CommissionReported)
    done = await site.events.first(OrderReported, lambda each: each.view.filled_quantity == 2)
    assert (fill.order_ref, fill.order_id, fill.quantity, fill.contract_key) == ("bot-a", order_id, 2, KEY)
    assert done.view.status is BrokerOrderStatus.FILLED
    book = await site.broker.snapshot()
    assert book.complete
    assert [(each.contract_key, each.quantity) for each in book.positions] == [(KEY, 2)]
    assert [each.exec_id for each in book.executions] == [fill.exec_id]
    assert book.commissions[fill.exec_id] == Decimal("1.30")
    assert [each.order_ref for each in book.completed_orders] == ["bot-a"]


async def test_a_resting_order_is_amended_and_cancelled(site: Site) -> None:
    resting = ticket("a", "0.05")
    order_id = site.broker.submit(resting)
    await site.events.first(OrderReported, lambda each: each.view.status is BrokerOrderStatus.WORKING)
    site.broker.amend(replace(resting, order_id=order_id, terms=Terms(3, limit_price=Decimal("0.10"))))
    amended = await site.events.first(OrderReported, lambda each: each.view.quantity == 3)
    assert amended.view.limit_price == Decimal("0.1")
    site.broker.cancel("bot-a", order_id)
    await site.events.first(OrderReported, lambda each: each.view.status is BrokerOrderStatus.CANCELLED)
    told = await site.events.first(OrderErred)
    assert (told.code, told.meaning) == (202, ErrorMeaning.CANCEL_REPORTED)


async def test_a_rejection_and_a_price_off_the_grid_are_told_apart(site: Site) -> None:
    site.broker.submit(ticket("a", "1.00", quantity=2000))
    site.broker.submit(ticket("b", "1.0012"))
    rejected = await site.events.first(OrderErred, lambda each: each.order_ref == "bot-a")
    off_grid = await site.events.first(OrderErred, lambda each: each.order_ref == "bot-b")
    assert (rejected.code, rejected.meaning) == (201, ErrorMeaning.REJECTED)
    assert (off_grid.code, off_grid.meaning) == (110, ErrorMeaning.NOT_PLACED)
    await site.events.first(OrderReported, lambda each: each.view.status is BrokerOrderStatus.INACTIVE)


async def test_a_margin_preview_leaves_no_order(site: Site) -> None:
    preview = await site.broker.what_if("s1", ticket("a", "1.00"))
    assert (preview.error, preview.init_margin_change) == (None, Decimal(200))
    refused = await site.broker.what_if("s2", ticket("b", "1.00", quantity=2000))
    assert refused.error is not None
    assert "201" in refused.error
    assert not site.venue.orders


async def test_what_happened_while_we_were_away_is_in_the_book(site: Site) -> None:
    site.broker.submit(ticket("a", "0.05"))
    await site.events.first(OrderReported, lambda each: each.view.status is BrokerOrderStatus.WORKING)
    site.events.clear()
    site.face.drop_connections()
    site.venue.orders[0].ticket = replace(site.venue.orders[0].ticket, limit_price=Decimal(9))
    await site.events.change(LinkChange.ACCEPTED)
    await site.events.first(QuoteReceived, lambda each: each.key == KEY)
    book = await site.broker.snapshot()
    assert book.complete
    assert {each.order_ref for each in book.executions} == {"bot-a"}


async def test_a_muted_part_leaves_the_book_incomplete(site: Site) -> None:
    site.face.mute.add(62)
    book = await site.broker.snapshot()
    assert not book.complete
    assert str(book.faults[0]).startswith("positions")


async def test_a_second_client_with_our_id_is_told_so(site: Site) -> None:
    told = Gathered()
    second = IbkrBroker(BrokerSettings(port=site.port), small_venue.RunningClock(), told, bot_id="bot")
    await second.start()
    assert "in use" in (await told.change(LinkChange.DROPPED)).detail
    await second.stop()


async def test_trading_hours_come_with_a_contract_and_when_they_are_asked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await site.events.first(HoursTold, lambda each: each.key == KEY)
    assert told.last_day == date(2026, 11, 20)
    assert str(told.days[0]) == "09:30-16:00"
    site.events.clear()
    said = HoursSaid("closed", "old", "CST (Central Standard Time)")
    monkeypatch.setattr(site.face, "hours_said", lambda: said)
    site.broker.ask_hours(["SPY"])
    told = await site.events.first(HoursTold, lambda each: each.key == "SPY")
    assert told.last_day is None
    assert not told.days[0].periods
