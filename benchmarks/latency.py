"""(b) Quote in to order bytes out, through the whole bot with its durable commit, against a bare ib_insync quote
handler.

Both trade on the same kind of venue in a process of its own: a position of ten calls whose bid rises by half a percent
at a time. The bot finds the position at its start, adopts it, protects it and then trails it: each rise is decided,
written to disk and only then sent as a modified stop. The bare handler sends the modified stop from inside its quote
callback and writes nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import ib_insync

from benchmarks.result import Result, median, percentile
from bot.app.composition import BotParts, compose, core_stages, no_feed, sql_store, ticking
from bot.app.stages import in_order
from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.clocks.calendar import XnysCalendar
from bot.clocks.clock import ScaledClock, wall_seconds
from bot.config.schema import Settings
from bot.domain.ids import IdSource
from bot.sim.scenario import load_scenario
from bot.store.revision import upgrade

_STEPS = 150
_ROOT = Path(__file__).resolve().parents[1]


class _Venue:
    def __init__(self, process: asyncio.subprocess.Process, port: int, option: str) -> None:
        self._process, self.port, self.option = process, port, option

    async def rise(self) -> Sequence[float]:
        """Let the bid rise and return the milliseconds from each rise to its order."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"rise\n")
        await self._process.stdin.drain()
        assert self._process.stdout is not None
        samples: list[float] = json.loads(await self._process.stdout.readline())
        return samples


@asynccontextmanager
async def _venue() -> AsyncIterator[_Venue]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.latency_venue", str(_STEPS),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    words = dict(part.split("=") for part in (await process.stdout.readline()).decode().split()[1:])
    try:
        yield _Venue(process, int(words["tws"]), words["option"].replace("_", " "))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not done():  # noqa: ASYNC110 - two libraries' states are watched, neither has an event for it
            await asyncio.sleep(0.05)


def _settings() -> Settings:
    """Trail from the first rise, at every rise."""
    given: dict[str, Any] = {
        "execution": {"trail_min_step": "0.001", "trail_min_interval_s": 0.001},
        "engine": {"min_tick_wall_seconds": 0.001, "adopt": "all"},  # what the venue was made to hold is ours
        "strategies": {"zero_dte_gamma": {"exit": {"rungs": [], "trail": "0.25"}}},
    }
    return Settings.model_validate(given)


async def _through_the_bot(folder: Path) -> Sequence[float]:
    url = f"sqlite+aiosqlite:///{folder / 'latency.db'}"
    upgrade(url)
    scenario = load_scenario("demo")
    clock = ScaledClock(scenario.starts(), 1.0, wall_seconds())
    async with _venue() as venue:
        bot = compose(
            BotParts(
                settings=_settings(),
                clock=clock,
                calendar=XnysCalendar.around(scenario.date, folder),
                store=sql_store(url),
                broker=lambda on: IbkrBroker(
                    BrokerSettings(port=venue.port), on.clock, on.inbox.put, bot_id=on.settings.bot_id
                ),
                feed=no_feed,
                ids=IdSource(random.Random(1)),
            )
        )
        async with in_order((*core_stages(bot, lambda: "it is measured"), ticking(bot.engine))):
            await _until(lambda: any(p.protected_at for p in bot.engine.ledger.positions.values()))
            return await venue.rise()


async def _through_a_bare_handler() -> Sequence[float]:
    async with _venue() as venue:
        ib: Any = ib_insync.IB()
        await ib.connectAsync("127.0.0.1", venue.port, clientId=18)
        details = await ib.reqContractDetailsAsync(
            ib_insync.Contract(secType="OPT", localSymbol=venue.option, exchange="SMART")
        )
        contract = details[0].contract
        order = ib_insync.StopOrder("SELL", 10, 1.0, tif="DAY")
        trade = ib.placeOrder(contract, order)
        await _until(lambda: trade.orderStatus.status in {"PreSubmitted", "Submitted"})
        last = [0.0]

        def on_quote(ticker: Any) -> None:
            if ticker.bid > 3 and ticker.bid != last[0]:
                last[0] = ticker.bid
                order.auxPrice = round(ticker.bid * 0.75, 2)
                ib.placeOrder(contract, order)

        ib.reqMktData(contract).updateEvent += on_quote
        await asyncio.sleep(0.5)
        samples = await venue.rise()
        ib.disconnect()
        return samples


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="quanticity-") as folder:
        bare = asyncio.run(_through_a_bare_handler())
        ours = asyncio.run(_through_the_bot(Path(folder)))
    ratio, p99 = median(ours) / median(bare), percentile(ours, 0.99)
    theirs = f"bare median {median(bare):.2f} ms, p99 {percentile(bare, 0.99):.2f} ms"
    figures = f"median {median(ours):.2f} ms, p99 {p99:.2f} ms; {theirs}"
    measured = f"{ratio:.1f}x bare, p99 {p99:.1f} ms"
    return [Result("quote in to order bytes out", figures, measured, "5x bare, p99 25 ms", ratio <= 5 and p99 < 25)]
