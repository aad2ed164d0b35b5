"""A venue that accepts TCP and answers nothing, or half of what a start asks: the session never becomes active, says
why, and recovers when the venue does. Real sockets, the real client, engine and store.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bot.app.composition import BotParts, compose, core_stages, no_feed, sql_store, ticking
from bot.app.stages import in_order
from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.config.schema import Adopt, EngineSettings, Mode, Settings
from bot.domain.connection import ConnectionState
from bot.domain.ids import IdSource
from bot.domain.session import SessionState
from bot.engine.state.records import TickBatch
from bot.engine.tick import Engine
from bot.sim.driver import VenueDriver
from bot.sim.tws import TwsFace
from bot.sim.vocabulary import SimulatedVenue
from bot.store.revision import upgrade
from tests.engine.fakes import FakeCalendar
from tests.patience import PATIENCE_S
from tests.sim.tws.small_venue import RunningClock, SmallVenue

SPEED = 20.0
ANSWER_S = 0.4

# What TWS sends, by message id.
ACCOUNTS, NEXT_ID, TIME = 15, 9, 49
OPEN_ORDERS_END, COMPLETED_END, EXECUTIONS_END, POSITIONS_END, ACCOUNT_END = 53, 102, 55, 62, 54


@pytest.fixture
async def clock() -> RunningClock:
    """One time for bot and venue, as there is in the world: a broker at another hour is a fault of its own."""
    return RunningClock(speed=SPEED)


@dataclass
class Running:
    """An engine with its real client, ticking; what its batches said."""

    engine: Engine
    states: set[SessionState]
    alerts: list[str]
    details: list[str]
    books: list[bool]
    changed: asyncio.Event

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    @property
    def is_active(self) -> bool:
        return self.engine.ledger.session.state is SessionState.ACTIVE


@contextlib.asynccontextmanager
async def bot_at(port: int, directory: Path, clock: RunningClock | None = None) -> AsyncIterator[Running]:
    clock = clock or RunningClock(speed=SPEED)
    url = f"sqlite+aiosqlite:///{directory / 'bot.db'}"
    upgrade(url)
    reach = BrokerSettings(
        port=port, handshake_timeout_s=ANSWER_S, request_timeout_s=ANSWER_S, retry_min_s=0.05, retry_max_s=0.1
    )
    states: set[SessionState] = set()
    alerts: list[str] = []
    details: list[str] = []
    books: list[bool] = []
    changed = asyncio.Event()

    def heard(batch: TickBatch) -> None:
        states.add(engine.ledger.session.state)
        alerts.extend(f"{alert.code}: {alert.text}" for alert in batch.alerts)
        books.extend(row.complete for row in batch.reconciliations)
        details.append(engine.ledger.connection.detail)
        changed.set()

    bot = compose(
        BotParts(
            settings=Settings(mode=Mode.PAPER, engine=EngineSettings(tick_seconds=0.5, adopt=Adopt.ALL)),
            clock=clock,
            calendar=FakeCalendar(),
            store=sql_store(url, "test"),
            broker=lambda on: IbkrBroker(reach, on.clock, on.inbox.put, bot_id="qty"),
            feed=no_feed,
            strategies=(),
            ids=IdSource(random.Random(1)),
            on_commit=heard,
        )
    )
    engine, claim = bot.engine, partial(bot.store.record_config, "test", "{}")
    async with in_order((*core_stages(bot, lambda: "the test ends", claim), ticking(engine))):
        yield Running(engine, states, alerts, details, books, changed)


@contextlib.asynccontextmanager
async def venue_at(
    clock: RunningClock, port: int = 0, mute: frozenset[int] = frozenset()
) -> AsyncIterator[tuple[TwsFace, int]]:
    simulated = SimulatedVenue(SmallVenue())
    face, driver = TwsFace(simulated, clock, port=port), VenueDriver(simulated, clock)
    face.mute |= mute
    bound = await face.start()
    await driver.start()
    try:
        yield face, bound
    finally:
        await driver.stop()
        await face.stop()


async def test_a_venue_that_accepts_and_answers_nothing_never_makes_us_active(
    tmp_path: Path, clock: RunningClock
) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    deaf = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = deaf.sockets[0].getsockname()[1]
    async with bot_at(port, tmp_path, clock) as bot:
        await bot.until(lambda: len([each for each in bot.details if "did not complete the login" in each]) >= 3)
        assert bot.states <= {SessionState.STARTING}
        assert [
            each for each in bot.alerts if "did not complete the login within 0.4 s: no answer to the handshake" in each
        ]
        assert len([each for each in bot.alerts if each.startswith("BROKER_UNREACHABLE")]) == 1
        deaf.close()
        async with venue_at(clock, port):
            await bot.until(lambda: bot.is_active)
            assert bot.engine.ledger.connection.state is ConnectionState.SYNCED


@pytest.mark.parametrize(
    "kept_back, unanswered",
    [
        ({ACCOUNTS}, "no answer to managed accounts"),
        ({NEXT_ID}, "no answer to next order id"),
        ({TIME}, "no answer to current time"),
        ({ACCOUNTS, NEXT_ID, TIME}, "no answer to managed accounts and next order id"),
    ],
)
async def test_a_venue_that_answers_half_of_the_login_never_makes_us_active_and_we_say_which_half(
    kept_back: set[int], unanswered: str, tmp_path: Path, clock: RunningClock
) -> None:
    async with venue_at(clock, mute=frozenset(kept_back)) as (face, port), bot_at(port, tmp_path, clock) as bot:
        await bot.until(lambda: any("BROKER_UNREACHABLE" in each for each in bot.alerts))
        assert [each for each in bot.alerts if each.endswith(f"did not complete the login within 0.4 s: {unanswered}")]
        assert [each for each in bot.details if each.endswith(unanswered)]
        await bot.until(lambda: bot.engine.ledger.connection.state is ConnectionState.HANDSHAKING)
        assert bot.states <= {SessionState.STARTING}
        face.mute.clear()
        await bot.until(lambda: bot.is_active)


@pytest.mark.parametrize(
    "kept_back, part",
    [
        (OPEN_ORDERS_END, "open orders"),
        (COMPLETED_END, "completed orders"),
        (EXECUTIONS_END, "executions"),
        (POSITIONS_END, "positions"),
        (ACCOUNT_END, "account values"),
    ],
)
async def test_a_book_without_one_end_marker_never_makes_us_active(
    kept_back: int, part: str, tmp_path: Path, clock: RunningClock
) -> None:
    async with venue_at(clock, mute=frozenset({kept_back})) as (face, port), bot_at(port, tmp_path, clock) as bot:
        await bot.until(lambda: bot.books.count(False) >= 3)
        assert True not in bot.books
        assert bot.states <= {SessionState.STARTING, SessionState.RECONCILING}
        assert any(f"SNAPSHOT_INCOMPLETE: {part}: no end marker within 0.4 s" in each for each in bot.alerts)
        assert bot.engine.ledger.connection.state is ConnectionState.SYNCING
        assert bot.details[-1] == f"the broker's book is not whole: {part}: no end marker within 0.4 s"
        face.mute.clear()
        await bot.until(lambda: bot.is_active)
