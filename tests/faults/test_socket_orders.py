"""The faults of orders over a real socket: the real adapter trades at the real matching engine, a script between
them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import QuoteReceived
from bot.domain.events.orders import (
    BrokerOrderStatus,
    CommissionReported,
    ErrorMeaning,
    ExecutionReported,
    OrderErred,
    OrderReported,
)
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, price_grid
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.sim.driver import VenueDriver
from bot.sim.faults.catalogue import Fault
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import FaultyTwsFace
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import SimulatedVenue
from tests.broker.conftest import Gathered
from tests.faults.market import OPEN, OPTIONS, ToyMarket
from tests.patience import PATIENCE_S
from tests.sim.tws.small_venue import RunningClock

ONE: TypeAdapter[Fault] = TypeAdapter(Fault)
KEY = OPTIONS[0].local_symbol
LONG = 3600


@dataclass
class Site:
    broker: IbkrBroker
    events: Gathered
    venue: MatchingVenue
    number: int = 0

    def buy(self, quantity: int = 4, limit: str = "9.00") -> OrderTicket:
        self.number += 1
        terms = Terms(quantity, limit_price=Decimal(limit))
        reference = f"bot-{self.number:026}"
        ticket = OrderTicket(f"order-{self.number}", reference, KEY, OrderSide.BUY, OrderType.LIMIT, terms)
        return replace(ticket, order_id=self.broker.submit(ticket))

    async def status(self, status: BrokerOrderStatus) -> OrderReported:
        return await self.events.first(OrderReported, lambda e: e.view.status is status)

    async def book(self) -> BrokerSnapshot:
        return await self.broker.snapshot()

    @property
    def order_facts(self) -> list[type]:
        return [type(e) for e in self.events.all if isinstance(e, ExecutionReported | CommissionReported)]


@pytest.fixture
async def site() -> AsyncIterator[Callable[..., Any]]:
    """Return what connects the real adapter to a trading venue with the given faults, all from 10:00 on."""
    closing: list[Callable[[], Any]] = []

    async def connect(*faults: dict[str, object]) -> Site:
        script = FaultScript([ONE.validate_python({"at": "10:00", **fault}) for fault in faults])
        clock, events = RunningClock(OPEN, speed=4), Gathered()
        rules = VenueScript(latency_ms=40, partial_fill_probability=0)
        venue = MatchingVenue(ToyMarket(1), 1, Decimal(100_000), rules)
        simulated = SimulatedVenue(venue)
        face = FaultyTwsFace(simulated, venue, clock, script)
        driver = VenueDriver(simulated, clock)
        port = await face.start()
        await driver.start()
        settings = BrokerSettings(port=port, retry_min_s=0.01, request_timeout_s=0.5)
        broker = IbkrBroker(settings, clock, events, bot_id="bot")
        broker.remember({KEY: (Instrument(OPTIONS[0].con_id, "OPT"), price_grid("SPY"))})
        broker.subscribe(Subscribe({KEY: frozenset({"quote"})}))
        closing.extend((face.stop, driver.stop, broker.stop))
        await broker.start()
        await events.change(LinkChange.ACCEPTED)
        return Site(broker, events, venue)

    yield connect
    for close in reversed(closing):
        await close()


async def test_an_execution_that_is_never_told_is_in_the_book(site: Callable[..., Any]) -> None:
    here = await site({"kind": "drop", "for_seconds": LONG, "callback": "execution"})
    here.buy()
    await here.status(BrokerOrderStatus.FILLED)
    assert here.events.of(ExecutionReported) == []
    assert sum(e.quantity for e in (await here.book()).executions) == 4


async def test_what_is_told_twice_is_heard_twice_under_one_exec_id(site: Callable[..., Any]) -> None:
    here = await site({"kind": "duplicate", "for_seconds": LONG, "callback": "execution", "delay_seconds": 0.5})
    here.buy()
    first = await here.events.first(ExecutionReported)
    here.events.all.remove(first)
    second = await here.events.first(ExecutionReported)
    assert first.execution.exec_id == second.execution.exec_id


async def test_a_late_status_comes_after_the_execution_it_should_precede(site: Callable[..., Any]) -> None:
    here = await site({"kind": "delay", "for_seconds": LONG, "callback": "status", "delay_seconds": 2})
    here.buy()
    await here.events.first(ExecutionReported)
    assert not [e for e in here.events.of(OrderReported) if e.view.status is BrokerOrderStatus.FILLED]
    await here.status(BrokerOrderStatus.FILLED)


async def test_callbacks_in_any_order_all_come(site: Callable[..., Any]) -> None:
    here = await site({"kind": "reorder", "for_seconds": LONG, "callback": "order", "delay_seconds": 1})
    here.buy()
    await here.events.first(ExecutionReported)
    await here.events.first(CommissionReported)
    await here.status(BrokerOrderStatus.FILLED)


async def test_a_commission_may_come_before_its_execution(site: Callable[..., Any]) -> None:
    here = await site({"kind": "commission_first", "for_seconds": LONG})
    here.buy()
    await here.events.first(ExecutionReported)
    assert here.order_facts == [CommissionReported, ExecutionReported]


async def test_a_lost_order_is_answered_by_nothing_and_in_no_book(site: Callable[..., Any]) -> None:
    here = await site({"kind": "lose_order"})
    here.buy()
    book = await here.book()
    assert book.complete
    assert (book.open_orders, book.completed_orders, book.executions) == ((), (), ()) or not [
        *book.open_orders, *book.completed_orders, *book.executions
    ]  # fmt: skip
    assert here.events.of(OrderReported) == []
    here.buy()
    await here.status(BrokerOrderStatus.FILLED)  # one was lost, the next is not


@pytest.mark.parametrize(
    "code, meaning", [(201, ErrorMeaning.REJECTED), (110, ErrorMeaning.NOT_PLACED), (103, ErrorMeaning.NOT_PLACED)]
)
async def test_a_refusal_has_its_code_and_the_order_is_not_placed(
    site: Callable[..., Any], code: int, meaning: ErrorMeaning
) -> None:
    here = await site({"kind": "reject", "code": code})
    ticket = here.buy()
    error = await here.events.first(OrderErred)
    assert (error.code, error.meaning, error.order_id) == (code, meaning, ticket.order_id)
    assert here.venue.open_orders() == []


@pytest.mark.parametrize("code", [0, 9_999, 54_321])
async def test_a_refusal_by_a_code_of_no_table_is_in_doubt(site: Callable[..., Any], code: int) -> None:
    here = await site({"kind": "reject", "code": code, "text": "nobody knows"})
    here.buy()
    error = await here.events.first(OrderErred)
    assert (error.code, error.meaning) == (code, ErrorMeaning.AMBIGUOUS)
    assert here.venue.open_orders() == []


@pytest.mark.parametrize(
    "says, status", [("inactive", BrokerOrderStatus.INACTIVE), ("cancelled", BrokerOrderStatus.CANCELLED)]
)
async def test_an_order_may_end_without_a_word(site: Callable[..., Any], says: str, status: BrokerOrderStatus) -> None:
    here = await site({"kind": "reject", "says": says, "orders": "entry"})
    here.buy()
    await here.status(status)
    assert here.events.of(OrderErred) == []
    assert here.venue.open_orders() == []


async def test_a_refusal_of_stops_lets_an_entry_pass(site: Callable[..., Any]) -> None:
    here = await site({"kind": "reject", "says": "inactive", "orders": "stop"})
    here.buy()
    await here.status(BrokerOrderStatus.FILLED)


async def test_a_cancel_that_is_refused_leaves_the_order_live(site: Callable[..., Any]) -> None:
    here = await site({"kind": "reject", "of": "cancel", "code": 10148})
    ticket = here.buy(limit="0.01")
    await here.status(BrokerOrderStatus.WORKING)
    here.broker.cancel(ticket.order_ref, ticket.order_id or 0)
    error = await here.events.first(OrderErred)
    assert (error.code, error.meaning) == (10148, ErrorMeaning.CANCEL_REFUSED)
    assert [v.order_ref for v in (await here.book()).open_orders] == [ticket.order_ref]


async def test_a_slow_cancel_is_heard_late(site: Callable[..., Any]) -> None:
    here = await site({"kind": "slow_cancel", "for_seconds": LONG, "delay_seconds": 2})
    ticket = here.buy(limit="0.01")
    await here.status(BrokerOrderStatus.WORKING)
    here.broker.cancel(ticket.order_ref, ticket.order_id or 0)
    assert [v.order_ref for v in (await here.book()).open_orders] == [ticket.order_ref]
    await here.status(BrokerOrderStatus.CANCELLED)


async def test_fills_come_in_parts(site: Callable[..., Any]) -> None:
    here = await site({"kind": "partial_fills", "for_seconds": LONG})
    here.buy(quantity=40)
    fill = await here.events.first(ExecutionReported)
    assert fill.execution.quantity < 40


async def test_a_correction_is_a_second_revision_of_the_execution(site: Callable[..., Any]) -> None:
    here = await site({"kind": "correction", "at": "10:00:04", "by": "0.01"})
    here.buy()
    corrected = (await here.events.first(ExecutionReported, lambda e: e.execution.revision > 1)).execution
    told = [e.execution for e in here.events.of(ExecutionReported) if e.execution.base_id == corrected.base_id]
    assert [e.revision for e in told] == [1, 2]
    assert told[1].price - told[0].price == Decimal("0.01")


async def test_a_mute_gateway_gives_no_whole_book(site: Callable[..., Any]) -> None:
    here = await site({"kind": "mute", "at": "10:00:01", "for_seconds": LONG})
    await asyncio.wait_for(_not_whole(here), PATIENCE_S)


async def _not_whole(here: Site) -> None:
    while (await here.book()).complete:
        pass


async def test_a_short_book_ends_as_if_it_were_whole_and_the_next_one_is(site: Callable[..., Any]) -> None:
    here = await site({"kind": "short_book"}, {"kind": "short_book", "lacks": "positions"})
    here.buy()
    await here.status(BrokerOrderStatus.FILLED)
    resting = here.buy(limit="0.01")
    await here.status(BrokerOrderStatus.WORKING)
    short, whole = await here.book(), await here.book()
    assert (short.complete, len(short.open_orders), len(short.positions)) == (True, 0, 0)
    assert sum(e.quantity for e in short.executions) == 4
    assert [view.order_ref for view in whole.open_orders] == [resting.order_ref]
    assert [held.quantity for held in whole.positions] == [4]


async def test_a_competing_session_is_told(site: Callable[..., Any]) -> None:
    here = await site({"kind": "competing", "at": "10:00:01", "for_seconds": LONG})
    await here.events.change(LinkChange.COMPETING)


async def test_order_ids_that_begin_again_are_not_used_again(site: Callable[..., Any]) -> None:
    here = await site({"kind": "id_reset"})
    here.broker.reserve_order_ids(500)
    assert (here.buy().order_id or 0) >= 500


@pytest.mark.parametrize("value", ["nan", "minus_one", "crossed"])
async def test_quotes_that_are_none_never_arrive_as_a_price(site: Callable[..., Any], value: str) -> None:
    here = await site({"kind": "bad_quotes", "for_seconds": LONG, "value": value})
    quote = (await here.events.first(QuoteReceived)).quote
    sides = [side for side in (quote.bid, quote.ask) if side is not None]
    assert (sides == []) if value != "crossed" else all(side > 0 for side in sides)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_others_have_in_the_account_the_book_is_whole(site: Callable[..., Any], seed: int) -> None:
    here = await site({"kind": "strangers", "seed": seed, "most": 30})
    here.buy()
    await here.status(BrokerOrderStatus.FILLED)
    book = await here.book()
    assert (book.complete, book.faults) == (True, ())
    assert book.foreign, "they are there"
    (ours,) = [each for each in book.positions if each.contract_key == KEY]
    assert (ours.is_plain_us_option, ours.quantity) == (True, 4)
    assert sum(each.quantity for each in book.executions if each.contract_key == KEY) == 4
