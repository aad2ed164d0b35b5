"""(e) A session of 187,200 quotes (8 contracts, one a second) through the whole loop, with the store on disk.

Strategies, risk, orders, stops, audit chain: everything but a socket. One tick takes the eight quotes of a second. The
reference is the least that any loop must do with the same quotes in the same run: look each contract up and compare its
bid with two levels. Where another framework's figures stand beside these: most of them are called per quote.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.replay_venue import CONTRACTS, EQUITY, OPEN, SECONDS, EverySixHundredth, OneSession, TouchBroker
from benchmarks.result import Result
from bot.app.allocator import seldom_collected
from bot.app.composition import BotParts, compose, no_feed, ready_made
from bot.clocks.clock import ManualClock
from bot.config.schema import Settings
from bot.domain.events import Event
from bot.domain.events.account import AccountReported
from bot.domain.events.link import BrokerTimeTold
from bot.domain.events.market_data import QuoteReceived
from bot.domain.ids import IdSource
from bot.domain.quotes import Quote
from bot.domain.session import SessionState
from bot.engine.tick import Engine
from bot.store.database import replay_lane_for
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore

_AIM = 50_000
_TICKS_A_SECOND = 12
Second = dict[str, Decimal]


def _settings() -> Settings:
    """Return limits that no session reaches, so that every trade is taken."""
    return Settings.model_validate(
        {
            "risk": {
                "max_positions": 100, "max_same_direction": 100, "max_per_symbol": 100, "max_losses_in_a_row": 10**6,
                "max_correlation": 1, "max_pair_correlation": 1, "daily_loss_usd": 0, "max_orders_per_minute": 10**6,
                "uw_silent_s": 10**7,
                "degradation": {"enabled": False},  # it buys by the count, and would be switched off for it
            },
            "execution": {"trail_min_step": "0.001", "trail_min_interval_s": 1},
            "engine": {"status_wall_seconds": 60},
        }
    )  # fmt: skip


def prices_of_the_session() -> list[Second]:
    """Return the price of each contract in each second: a random walk of two hundredths of a percent."""
    seconds: list[Second] = [{} for _ in range(SECONDS)]
    for number, contract in enumerate(CONTRACTS):
        walk, price = random.Random(number), 100.0
        for second in seconds:
            price *= 1 + walk.gauss(0, 0.0002)
            second[contract.key] = Decimal(f"{price:.2f}")
    return seconds


def quotes_of(seconds: list[Second]) -> Iterator[list[QuoteReceived]]:
    """Yield each second's quotes."""
    for number, second in enumerate(seconds):
        at = OPEN + timedelta(seconds=number)
        yield [QuoteReceived(key, Quote(price, price, 100, 100, price, at)) for key, price in second.items()]


async def _settle(engine: Engine) -> None:
    await engine.guarded_tick()
    for _ in range(_TICKS_A_SECOND):
        if not engine.inbox.urgent:
            return
        await engine.guarded_tick()


def _account(clock: ManualClock) -> AccountReported:
    nothing = Decimal(0)
    return AccountReported("DU1", EQUITY, EQUITY, EQUITY, EQUITY, nothing, nothing, clock.now())


@dataclass(frozen=True, slots=True)
class _Played:
    """What a session took, in seconds by the wall and of processor time, and what came of it."""

    wall_s: float
    cpu_s: float
    trades: int
    chained: int


@dataclass(frozen=True, slots=True)
class Session:
    """The whole loop on a store on disk, a second before the session opens."""

    clock: ManualClock
    engine: Engine
    broker: TouchBroker
    store: SqlStore
    held: dict[str, int]

    async def second(self, number: int, events: Iterable[Event], prices: Second) -> None:
        """Let one second of the session be: its quotes, what became of orders, now and then the account, the tick."""
        clock, put = self.clock, self.engine.inbox.put
        for event in events:
            put(event)
        self.broker.step(prices)
        self.held.update(self.broker.held)
        if number % 10 == 0:
            put(_account(clock))
        if number % 30 == 0:
            put(BrokerTimeTold(clock.now(), clock.now(), clock.now(), clock.monotonic()))
        await _settle(self.engine)


@asynccontextmanager
async def a_session(folder: Path) -> AsyncIterator[Session]:
    """Put the loop together in a folder, and stop it in good order."""
    url, clock = f"sqlite+aiosqlite:///{folder / 'replay.db'}", ManualClock(OPEN - timedelta(seconds=30))
    upgrade(url)
    store = SqlStore(url, clock, lane=replay_lane_for(url))  # as replays have it
    await store.open()
    held: dict[str, int] = {}
    bot = compose(
        BotParts(
            settings=_settings(),
            clock=clock,
            calendar=OneSession(),
            store=ready_made(store),
            broker=lambda ground: TouchBroker(clock, ground.inbox.put),
            feed=no_feed,
            strategies=[EverySixHundredth(held)],
            ids=IdSource(random.Random(1)),
            wait_for_answers=True,
        )
    )
    engine, broker, put = bot.engine, bot.broker, bot.inbox.put
    await engine.start()
    await broker.start()
    for _ in range(_TICKS_A_SECOND):
        put(_account(clock))
        clock.advance(2)
        await _settle(engine)
    assert engine.ledger.session.state is SessionState.ACTIVE, engine.ledger.session
    clock.advance((OPEN - clock.now()).total_seconds() - 1)
    yield Session(clock, engine, broker, store, held)
    await engine.stop("the session is over")
    await store.close()


async def _ours(seconds: list[Second], folder: Path) -> _Played:
    async with a_session(folder) as session:
        quotes = list(quotes_of(seconds))
        with seldom_collected():  # as replays have it
            began, busy = time.perf_counter(), time.process_time()
            for number, events in enumerate(quotes):
                session.clock.advance(1)
                await session.second(number, events, seconds[number])
            took, busy = time.perf_counter() - began, time.process_time() - busy
        return _Played(took, busy, len(session.engine.ledger.closed), session.store.head.seq)


def _bare(seconds: list[Second]) -> float:
    """Compare each bid with a stop and a level above it; wall seconds."""
    levels = {contract.key: (Decimal(50), Decimal(200)) for contract in CONTRACTS}
    began, crossed = time.perf_counter(), 0
    for second in seconds:
        for key, price in second.items():
            low, high = levels[key]
            crossed += price <= low or price >= high
    return time.perf_counter() - began


def run() -> list[Result]:
    seconds = prices_of_the_session()
    with tempfile.TemporaryDirectory(prefix="quanticity-replay-") as folder:
        played = asyncio.run(_ours(seconds, Path(folder)))
    events = SECONDS * len(CONTRACTS)
    rate, bare = events / played.wall_s, events / max(_bare(seconds), 1e-9)
    figures = f"{events:,} quotes in {played.wall_s:.1f} s, {played.trades} trades, {played.chained:,} chained "
    figures += f"transitions; {events / played.cpu_s:,.0f} a second of processor time; bare comparison {bare:,.0f}/s"
    ratio = f"{rate:,.0f}/s by the wall, {bare / (events / played.cpu_s):,.0f}x bare of processor time"
    return [Result("replay of a session, store on disk", figures, ratio, f"{_AIM:,}/s", rate >= _AIM)]
