"""A TWS face in front of the small venue, and clients that connect to it over the socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import eventkit
import ib_insync
import pytest

from bot.sim.driver import VenueDriver
from bot.sim.tws import ClientLimits, TwsFace
from bot.sim.vocabulary import SimulatedVenue
from tests.patience import PATIENCE_S
from tests.sim.tws.small_venue import RunningClock, SmallVenue

TIMEOUT_S = PATIENCE_S


@dataclass
class Site:
    """The venue with its face and driver, running."""

    venue: SmallVenue
    simulated: SimulatedVenue
    face: TwsFace
    driver: VenueDriver
    port: int


@pytest.fixture
def limits() -> ClientLimits:
    """IB's limits, but for the pauses between two requests of one kind, which tests would have to sit through."""
    return ClientLimits(tick_by_tick_repeat_s=0.0, historical_repeat_s=0.0)


@pytest.fixture
async def site(limits: ClientLimits) -> AsyncIterator[Site]:
    venue = SmallVenue()
    simulated = SimulatedVenue(venue)
    clock = RunningClock()
    face = TwsFace(simulated, clock, limits=limits)
    driver = VenueDriver(simulated, clock)
    port = await face.start()
    await driver.start()
    yield Site(venue, simulated, face, driver, port)
    await driver.stop()
    await face.stop()


async def connect(site: Site, client_id: int = 1) -> ib_insync.IB:
    ib = ib_insync.IB()
    await ib.connectAsync("127.0.0.1", site.port, clientId=client_id, timeout=TIMEOUT_S)
    return ib


@pytest.fixture
async def ib(site: Site) -> AsyncIterator[ib_insync.IB]:
    """The real ib_insync, connected as client 1."""
    ib = await connect(site)
    yield ib
    ib.disconnect()


async def until(condition: Callable[[], bool], *events: eventkit.Event) -> None:
    """Wait until `condition` holds, looking each time one of the eventkit `events` fires."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():
            fired = [asyncio.ensure_future(_next(event)) for event in events]
            try:
                if not condition():
                    await asyncio.wait(fired, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in fired:
                    each.cancel()
                await asyncio.gather(*fired, return_exceptions=True)


async def _next(event: eventkit.Event) -> None:
    heard = asyncio.get_running_loop().create_future()

    def hear(*_: object) -> None:
        if not heard.done():
            heard.set_result(None)

    event.connect(hear)
    try:
        await heard
    finally:
        event.disconnect(hear)
