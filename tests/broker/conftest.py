"""The adapter, connected over a socket to a scripted TWS, with its events gathered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.clocks.clock import ManualClock
from bot.domain.events import Event
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.instruments import Instrument, price_grid
from tests.broker.book_tws import BookTws
from tests.broker.fake_tws import OPTION_KEY, OTHER_KEY, FakeTws
from tests.patience import PATIENCE_S

E = TypeVar("E")
START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


class Gathered:
    """A sink that remembers, and wakes who waits for something in particular."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._waiting: list[Callable[[Event], None]] = []

    def __call__(self, event: Event) -> None:
        self.all.append(event)
        for wake in self._waiting:
            wake(event)

    def of(self, kind: type[E]) -> list[E]:
        return [each for each in self.all if isinstance(each, kind)]

    async def first(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> E:
        """Return the first event of a kind, past or future."""
        for each in self.of(kind):
            if where(each):
                return each
        found: asyncio.Future[E] = asyncio.get_running_loop().create_future()

        def wake(event: Event) -> None:
            if not found.done() and isinstance(event, kind) and where(event):
                found.set_result(event)

        self._waiting.append(wake)
        return await asyncio.wait_for(found, PATIENCE_S)

    async def change(self, change: LinkChange) -> LinkChanged:
        return await self.first(LinkChanged, lambda each: each.change is change)

    @property
    def changes(self) -> list[LinkChange]:
        return [each.change for each in self.of(LinkChanged)]

    def clear(self) -> None:
        self.all.clear()


SETTINGS = BrokerSettings(
    handshake_timeout_s=2,
    request_timeout_s=0.3,
    what_if_timeout_s=0.3,
    probe_every_s=60,
    line_quiet_s=0.2,
    retry_min_s=0.01,
    retry_max_s=0.02,
)


@pytest.fixture
async def tws() -> AsyncIterator[FakeTws]:
    fake = FakeTws()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def events() -> Gathered:
    return Gathered()


@pytest.fixture
def settings() -> BrokerSettings:
    return SETTINGS


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def idle(
    tws: FakeTws, events: Gathered, settings: BrokerSettings, clock: ManualClock
) -> AsyncIterator[IbkrBroker]:
    """The adapter, not started."""
    adapter = IbkrBroker(replace(settings, port=tws.port), clock, events, bot_id="bot")
    adapter.remember(
        {
            OPTION_KEY: (Instrument(7001, "OPT"), price_grid("SPXW")),
            OTHER_KEY: (Instrument(7002, "OPT"), price_grid("SPXW")),
        }
    )
    yield adapter
    await adapter.stop()


@pytest.fixture
async def broker(idle: IbkrBroker, events: Gathered) -> IbkrBroker:
    """The adapter, connected and accepted."""
    await idle.start()
    await events.change(LinkChange.ACCEPTED)
    return idle


@pytest.fixture
async def book_tws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BookTws]:
    """A TWS with an order book; positions are as quick as fills."""
    monkeypatch.setattr("bot.broker.snapshot.SETTLE_S", 0.0)
    monkeypatch.setattr("bot.broker.adapter.REMIND_S", 0.0)
    monkeypatch.setattr("ib_insync.client.Client.MaxRequests", 0)  # the clock is fast, the client's throttle is not
    fake = BookTws()
    await fake.start()
    yield fake
    await fake.stop()
