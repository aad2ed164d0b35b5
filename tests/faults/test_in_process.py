"""The in-process broker behind a script: what a replay and the fault days hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from bot.broker import words
from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.domain.events.account import AccountReported
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.market_data import ContractQualified, GreeksReceived, QuoteReceived
from bot.domain.events.orders import ErrorMeaning, OrderErred, OrderReported
from bot.domain.instructions import Subscribe
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.sim.admission import BOTH_SIDES, TOO_MANY, says
from bot.sim.faults import codes
from bot.sim.faults.broker import FaultyBroker
from bot.sim.faults.catalogue import Fault
from bot.sim.faults.generator import REFUSAL_TEXTS
from bot.sim.faults.script import FaultScript
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import ModelGreeks, SimulatedVenue, VenueInstrument
from tests.faults.market import OPEN, OPTIONS, ToyMarket

ONE: TypeAdapter[Fault] = TypeAdapter(Fault)
KEY = OPTIONS[0].local_symbol


class GreekMarket(ToyMarket):
    """Knows greeks as well."""

    def greeks(self, instrument: VenueInstrument, at: datetime) -> ModelGreeks | None:
        return ModelGreeks(0.2, 0.5, 0.01, 0.1, -0.2, 2.0, 590.0)


class Site:
    """A venue, a clock and the broker port between them."""

    def __init__(self, *faults: Mapping[str, object]) -> None:
        self.clock, self.heard = ManualClock(OPEN), list[Event]()
        self.venue = MatchingVenue(GreekMarket(1), 1, Decimal(100_000), VenueScript(latency_ms=40))
        self.simulated = SimulatedVenue(self.venue)
        script = FaultScript([ONE.validate_python({"at": "10:00", **fault}) for fault in faults])
        self.broker = FaultyBroker(self.simulated, self.venue, self.clock, self.heard.append, "bot", script)

    async def run(self, seconds: int = 3) -> Site:
        await self.broker.start()
        self.broker.subscribe(Subscribe({KEY: frozenset({"quote"})}))
        for _ in range(seconds):
            self.clock.advance(1)
            self.simulated.publish(self.venue.step(self.clock.now()))
            self.broker.pump()
        return self

    def ticket(self, side: OrderSide = OrderSide.BUY) -> OrderTicket:
        return OrderTicket("o", "bot-o", KEY, side, OrderType.LIMIT, Terms(1, limit_price=Decimal("0.05")))

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.heard if isinstance(event, kind)]


STREAMS: dict[str, type[Event]] = {
    "quote": QuoteReceived,
    "greeks": GreeksReceived,
    "account": AccountReported,
    "contract": ContractQualified,
}


@pytest.mark.parametrize("dropped", STREAMS)
async def test_a_stream_that_is_dropped_never_comes_and_every_other_one_does(dropped: str) -> None:
    here = await Site({"kind": "drop", "for_seconds": 60, "callback": dropped}).run()
    assert {name: bool(here.of(kind)) for name, kind in STREAMS.items()} == {name: name != dropped for name in STREAMS}


async def test_a_stream_that_is_delayed_comes_so_much_later_and_one_that_is_doubled_twice() -> None:
    late = {"kind": "delay", "for_seconds": 60, "callback": "account", "delay_seconds": 2}
    assert len((await Site(late).run(2)).of(AccountReported)) == 0
    assert len((await Site(late).run(4)).of(AccountReported)) == 1
    twice = {"kind": "duplicate", "for_seconds": 60, "callback": "account", "delay_seconds": 0}
    assert len((await Site(twice).run(4)).of(AccountReported)) == 2


async def test_who_is_not_told_the_time_is_not_let_in_and_a_probe_that_is_dropped_tells_none() -> None:
    here = await Site({"kind": "drop", "for_seconds": 5, "callback": "time"}).run(3)
    assert here.of(LinkChanged) == here.of(BrokerTimeTold) == []
    assert len((await Site().run(40)).of(BrokerTimeTold)) == 2, "at the connect and with a probe"
    later = {"kind": "drop", "at": "10:00:10", "for_seconds": 60, "callback": "time"}
    assert len((await Site(later).run(40)).of(BrokerTimeTold)) == 1


async def test_rows_of_the_positions_that_are_dropped_are_not_in_the_book() -> None:
    here, there = [
        await Site(*faults).run() for faults in ((), ({"kind": "drop", "for_seconds": 60, "callback": "position"},))
    ]
    for each in (here, there):
        each.broker.submit(replace(each.ticket(), terms=Terms(1, limit_price=Decimal(50))))
        each.clock.advance(1)
        each.simulated.publish(each.venue.step(each.clock.now()))
    assert [len((await each.broker.snapshot()).positions) for each in (here, there)] == [1, 0]


@pytest.mark.parametrize("fault", [{"kind": "competing"}, {"kind": "orders_lost"}, {"kind": "mute"}])
async def test_without_market_data_there_are_none_of_any_kind(fault: dict[str, object]) -> None:
    here = await Site({**fault, "for_seconds": 60}).run()
    assert here.of(QuoteReceived) == here.of(GreeksReceived) == []


async def test_a_book_whose_end_does_not_come_is_not_whole_and_a_preview_that_is_dropped_is_no_answer() -> None:
    ends, previews = ({"kind": "drop", "for_seconds": 60, "callback": each} for each in ("end", "preview"))
    here, there = await Site(ends).run(), await Site(previews).run()
    assert [(await each.broker.snapshot()).complete for each in (here, there)] == [False, True]
    assert [(await each.broker.what_if("s", each.ticket())).error for each in (here, there)] == [None, "no answer"]


@pytest.mark.parametrize("code", sorted(codes.MEANING))
async def test_every_code_means_to_the_venue_what_the_vendor_means_by_it(code: int) -> None:
    """Two tables that share nothing, the venue's and the adapter's, say the same; and so the order is there or not."""
    assert codes.MEANING[code] is words.order_error(code)
    here = await Site({"kind": "reject", "code": code}).run(1)
    here.broker.submit(here.ticket())
    told = next(event for event in here.heard if isinstance(event, OrderErred))
    assert (told.code, told.meaning) == (code, codes.MEANING[code])
    assert bool(here.venue.open_orders()) is (told.meaning is ErrorMeaning.WARNING)


def test_no_code_with_which_the_adapter_knows_that_an_order_is_refused_is_left_out() -> None:
    assert set(codes.MEANING) == set(words.ORDER_ERRORS) - {202}, "202 tells of a cancel that was asked for"


@pytest.mark.parametrize("code", [103, 201, 321])
@pytest.mark.parametrize("text", [BOTH_SIDES, *REFUSAL_TEXTS, TOO_MANY])
def test_the_words_of_a_refusal_say_to_the_venue_what_they_say_to_the_adapter(code: int, text: str) -> None:
    assert says(code, text) is words.refusal(code, text)


async def test_the_link_is_told_step_by_step() -> None:
    here = await Site({"kind": "restart", "at": "10:00:02", "for_seconds": 2}).run(5)
    changes = [event.change for event in here.heard if isinstance(event, LinkChanged)]
    up = [LinkChange.CONNECTING, LinkChange.ACCEPTED]
    assert changes == [*up, LinkChange.DROPPED, *up]
    assert here.of(OrderReported) == []


@pytest.mark.parametrize("kind", [None, "delay", "reorder", "drop"])
async def test_a_print_that_is_not_the_market_comes_only_where_the_truth_follows_it(kind: str | None) -> None:
    bent = [{"kind": kind, "callback": "quote", "for_seconds": 30}] if kind else []
    site = Site({"kind": "wild_print", "does": "up", "share": 1.0, "for_seconds": 20}, *bent)
    await site.run(6)
    assert bool(site.broker.script.wild) is (kind is None)


@pytest.mark.parametrize("silence", [{"kind": "mute"}, {"kind": "dead_line", "code": 10090, "share": 1.0}])
async def test_nothing_is_printed_at_the_last_look_before_a_silence(silence: dict[str, object]) -> None:
    """Nobody would say that it was not the market."""
    wild = {"kind": "wild_print", "does": "up", "share": 1.0, "for_seconds": 20}
    site = Site(wild, {**silence, "at": "10:00:04", "for_seconds": 30})
    await site.run(10)
    printed = {each.at for each in site.broker.script.wild}
    assert printed
    assert max(printed) < min(printed).replace(second=3)


async def test_a_script_that_is_put_in_the_place_of_another_holds_for_every_part_of_the_broker() -> None:
    site = await Site({"kind": "orders_lost", "for_seconds": 600}).run()
    site.broker.script = FaultScript([])
    await site.run()
    changes = [event.change for event in site.heard if isinstance(event, LinkChanged)]
    assert changes[-2:] == [LinkChange.ORDERS_LOST, LinkChange.RESTORED]
