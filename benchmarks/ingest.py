"""(e) Market data in, over the socket: 5,000 quote updates a second for a minute on a hundred lines, with order books.

The whole bot takes them, its tick at its usual pace. Each bid says when it was written, so that its age is known where
it reaches the inbox (from where an urgent price wakes the tick at once) and where the tick takes it. Nothing may be
lost: every tick that was written is decoded; of a line's quotes within one packet or tick the last one stands.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.ingest_venue import WRAPS_MS
from benchmarks.result import Result, percentile
from bot.app.composition import BotParts, broker_settings, compose, core_stages, no_feed, sql_store, ticking
from bot.app.stages import in_order
from bot.broker.adapter import IbkrBroker
from bot.clocks.calendar import XnysCalendar
from bot.clocks.clock import ScaledClock, wall_seconds
from bot.config.loader import load
from bot.config.schema import Settings
from bot.config.strategies import ExitSettings
from bot.domain.calendar import TradingSession
from bot.domain.events import Event
from bot.domain.events.market_data import QuoteReceived
from bot.domain.ids import IdSource
from bot.domain.instruments import OptionContract
from bot.domain.market import MarketView
from bot.domain.position import Position
from bot.sim.scenario import load_scenario
from bot.store.revision import upgrade
from bot.strategies.base import STANDS, Look, Thesis

PER_SECOND = 5000
SECONDS = float(os.environ.get("QUANTICITY_INGEST_SECONDS", "60"))
LINES = 100
_ROOT = Path(__file__).resolve().parents[1]
_AIM_MS = 250.0


@dataclass
class Watching:
    """Trades nothing and watches options, so that every line is taken."""

    keys: Sequence[str]
    name: str = "watching"
    symbols: tuple[str, ...] = ("SPX",)
    exit: ExitSettings = field(default_factory=ExitSettings)
    cool_down_s: float = 0.0
    chain: None = None
    due_every_s: float = 5.0

    def interests(self, view: MarketView, session: TradingSession, now: datetime) -> dict[str, frozenset[str]]:
        books = dict.fromkeys(("SPY", "QQQ", "IWM"), frozenset({"quote", "book"}))
        return books | dict.fromkeys(self.keys, frozenset({"quote"}))

    def still_holds(self, position: Position, view: MarketView, now: datetime) -> Thesis:
        return STANDS

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        return Look(symbol, None, "it only watches", {"condition": "watches"})

    def input_faults(
        self, symbol: str, view: MarketView, now: datetime, contract: OptionContract | None = None
    ) -> tuple[str, ...]:
        return ()


class Ages:
    """What the inbox heard: the age in milliseconds of every quote that was handed on, by when it came."""

    def __init__(self, put: Any) -> None:
        self._put = put
        self.by_second: list[list[float]] = []
        self.begun = 0.0
        self.handed = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, QuoteReceived) and self.begun and event.quote.bid is not None:
            now = time.monotonic()
            age = (now * 1000 - float(event.quote.bid) * 100) % WRAPS_MS
            second = int(now - self.begun)
            while len(self.by_second) <= second:
                self.by_second.append([])
            self.by_second[second].append(age)
            self.handed += 1
        self._put(event)

    def within(self, first: int, last: int) -> list[float]:
        return [age for second in self.by_second[first:last] for age in second]


def _settings() -> Settings:
    return load(_ROOT, environ={}).settings


async def _until(done: Any) -> None:
    async with asyncio.timeout(120):
        while not done():  # noqa: ASYNC110 - what is open is watched, there is no event for it
            await asyncio.sleep(0.1)


async def measure(folder: Path, per_second: int, seconds: float) -> dict[str, float]:
    """Return ages at the inbox and at the tick in milliseconds, what was sent, decoded and handed on."""
    url = f"sqlite+aiosqlite:///{folder / 'ingest.db'}"
    upgrade(url)
    venue = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.ingest_venue", str(per_second), str(seconds),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_ROOT,
    )  # fmt: skip
    assert venue.stdout is not None
    assert venue.stdin is not None
    told = json.loads(await venue.stdout.readline())
    scenario = load_scenario("demo")
    clock = ScaledClock(scenario.moment(scenario.open), 1.0, wall_seconds())
    settings = _settings()
    reach = replace(broker_settings(settings), port=told["port"], expects_paper=None)
    heard: list[Ages] = []

    def broker(on: Any) -> IbkrBroker:
        heard.append(Ages(on.inbox.put))
        return IbkrBroker(reach, on.clock, heard[0], bot_id=on.settings.bot_id)

    bot = compose(
        BotParts(
            settings=settings, clock=clock, calendar=XnysCalendar.around(scenario.date, folder), store=sql_store(url),
            broker=broker, feed=no_feed, ids=IdSource(random.Random(1)), strategies=[Watching(told["options"])],
        )
    )  # fmt: skip
    waits: list[float] = []
    try:
        async with in_order((*core_stages(bot, lambda: "it is measured"), ticking(bot.engine))):
            market = bot.broker._market

            def quotes() -> list[tuple[str, str]]:
                return [each for each in market.open_lines if each[1] == "quote"]

            await _until(lambda: len(quotes()) >= LINES)
            await asyncio.sleep(2)
            lines, since = len(quotes()), clock.now()
            ages, decoded = heard[0], market.ticks.prices_heard
            ages.begun = time.monotonic()
            venue.stdin.write(b"go\n")
            await venue.stdin.drain()
            watching = asyncio.create_task(_watch_the_board(bot, quotes, waits, since))
            await venue.stdout.readline()  # it ended
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            sent = json.loads(await venue.stdout.readline())
            decoded = market.ticks.prices_heard - decoded
    finally:
        if venue.returncode is None:
            venue.kill()
        await venue.wait()
    third = max(int(seconds) // 3, 1)
    every = ages.within(0, int(seconds) + 1)
    return {
        "lines": lines, "sent": sent["quotes"], "rows": sent["rows"], "decoded": decoded, "handed": len(every),
        "p50": percentile(every, 0.5), "p99": percentile(every, 0.99), "most": max(every),
        "p99_first": percentile(ages.within(0, third), 0.99),
        "p99_last": percentile(ages.within(2 * third, 3 * third), 0.99),
        "p99_tick": percentile(waits, 0.99) if waits else 0.0, "venue_late": sent["late_ms"],
    }  # fmt: skip


async def _watch_the_board(bot: Any, quotes: Any, waits: list[float], since: datetime) -> None:
    """Look at each tick how old the newest quotes were when it took them."""
    seen = -1
    while True:
        await asyncio.sleep(0.005)
        if bot.engine.tick_number == seen:
            continue
        seen = bot.engine.tick_number
        now = time.monotonic() * 1000
        for key, _ in quotes():
            quote = bot.engine.board.quote(key)
            if quote is not None and quote.bid is not None and quote.at > since:
                waits.append((now - float(quote.bid) * 100) % WRAPS_MS)


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="quanticity-") as folder:
        got = asyncio.run(measure(Path(folder), PER_SECOND, SECONDS))
    conflated = got["decoded"] - got["handed"]
    lost = got["sent"] - got["decoded"]
    figures = (
        f"{got['sent']:,} quotes and {got['rows']:,} rows on {got['lines']} lines in {SECONDS:g} s; age at the inbox "
        f"p50 {got['p50']:.0f}, p99 {got['p99']:.0f}, most {got['most']:.0f} ms; p99 of the first third "
        f"{got['p99_first']:.0f}, of the last {got['p99_last']:.0f} ms; on the board at a tick p99 "
        f"{got['p99_tick']:.0f} ms; {conflated:,} conflated, {lost:,} lost"
    )
    grows = got["p99_last"] > 2 * got["p99_first"] + 50
    worst = max(got["p99"], got["p99_tick"])
    met = worst < _AIM_MS and lost == 0 and not grows
    measured = f"p99 {worst:.0f} ms at the tick, {lost:,} lost, backlog {'grows' if grows else 'does not grow'}"
    return [Result("market data in over the socket", figures, measured, f"p99 {_AIM_MS:g} ms, none lost", met)]
