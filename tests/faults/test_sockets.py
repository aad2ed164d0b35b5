"""The socket face behind a script: what the real adapter hears of it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.domain.commands import Subscribe
from bot.domain.events import LinkChange, QuoteReceived
from bot.sim.faults.catalogue import Fault
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import FaultyTwsFace, vendor_fault
from bot.sim.vocabulary import SimulatedVenue
from tests.broker.conftest import Gathered
from tests.sim.tws import small_venue

ONE = TypeAdapter(Fault)
TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@dataclass
class Site:
    broker: IbkrBroker
    events: Gathered
    face: FaultyTwsFace


@pytest.fixture
async def site() -> AsyncIterator[Callable[..., Any]]:
    """Return what connects the real adapter to a face with the given faults, all at 10:00."""
    sites: list[Site] = []

    async def connect(*faults: dict[str, object]) -> Site:
        script = FaultScript([ONE.validate_python({"at": "10:00", **fault}) for fault in faults])
        venue, clock, events = small_venue.SmallVenue(), small_venue.RunningClock(), Gathered()
        face = FaultyTwsFace(SimulatedVenue(venue), venue, clock, script)  # type: ignore[arg-type]  # no order is placed
        port = await face.start()
        settings = BrokerSettings(port=port, retry_min_s=0.01, request_timeout_s=0.5)
        broker = IbkrBroker(settings, clock, events, bot_id="bot")
        broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
        await broker.start()
        sites.append(Site(broker, events, face))
        return sites[-1]

    yield connect
    for each in sites:
        await each.broker.stop()
        await each.face.stop()


async def test_a_lost_broker_is_told_as_1100_and_its_return_as_1102(site: Callable[..., Any]) -> None:
    here = await site({"kind": "orders_lost", "at": "10:00:01", "for_seconds": 1.5})
    await here.events.change(LinkChange.ORDERS_LOST)
    assert not (await here.broker.snapshot()).complete
    await here.events.change(LinkChange.RESTORED)
    assert (await here.broker.snapshot()).complete


async def test_a_gateway_that_restarts_lets_nobody_in_and_then_everybody(site: Callable[..., Any]) -> None:
    here = await site({"kind": "restart", "for_seconds": 1})
    await here.events.change(LinkChange.DROPPED)
    await here.events.change(LinkChange.ACCEPTED)


async def test_quotes_that_are_no_numbers_arrive_as_no_quotes(site: Callable[..., Any]) -> None:
    here = await site({"kind": "bad_quotes", "for_seconds": 60, "value": "nan"})
    await here.events.change(LinkChange.ACCEPTED)
    quotes = [e.quote for e in here.events.all if isinstance(e, QuoteReceived)]
    assert all(quote.bid is None and quote.ask is None for quote in quotes)


@pytest.mark.parametrize("answer, status", [("401", 401), ("422", 422), ("429", 429), ("html", 200), ("cut", 200)])
def test_the_vendor_answers_what_the_script_says(answer: str, status: int) -> None:
    script = FaultScript([ONE.validate_python({"kind": "uw", "at": "10:00", "for_seconds": 5, "answer": answer})])
    said = vendor_fault(script)("/api/anything", TEN)
    assert not isinstance(said, datetime)
    assert said is not None
    assert said.status == status


def test_a_stale_vendor_answers_as_of_an_hour_ago() -> None:
    script = FaultScript([ONE.validate_python({"kind": "uw", "at": "10:00", "for_seconds": 5, "answer": "stale"})])
    said = vendor_fault(script)("/api/anything", TEN)
    assert isinstance(said, datetime)
    assert (TEN - said).total_seconds() == 3600
