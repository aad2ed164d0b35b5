"""`python -m tests.kill.fifty`: how long a start takes with fifty open positions at the venue.

Another program buys fifty options; then the bot starts with an empty store (everything is adopted and protected), is
killed, and starts again with its store. Printed are seconds from the start of the process to the session being
active, and to a working stop at the venue for every contract; exit code 1 when a position is without.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import ib_insync

from tests.kill.bot import Bot
from tests.kill.venue import ROOT, Venue

OPEN = "20261120"
STRIKES = {"SPY": range(583, 598), "QQQ": range(503, 518)}
WITHIN_S = 60.0


async def buy(port: int, count: int) -> None:
    """Buy one contract each of `count` options, as another client of the same account."""
    ib = ib_insync.IB()
    await ib.connectAsync("127.0.0.1", port, clientId=5)
    wanted = [
        ib_insync.Option(symbol, OPEN, strike, right, "SMART")
        for symbol, strikes in STRIKES.items()
        for strike in strikes
        for right in "CP"
    ]
    contracts = (await ib.qualifyContractsAsync(*wanted))[:count]
    trades = [ib.placeOrder(contract, ib_insync.MarketOrder("BUY", 1)) for contract in contracts]
    async with asyncio.timeout(WITHIN_S):
        while not all(trade.isDone() for trade in trades):
            await ib.updateEvent
    ib.disconnect()


def start(directory: Path, venue: Venue) -> tuple[Bot, float, float]:
    """Start the bot; returns it with seconds to the active session and to the last stop."""
    bot = Bot(directory, venue, ENGINE__ADOPT="all")
    if not bot.until_active(WITHIN_S) or bot.active_after is None:
        raise RuntimeError("not active: " + "\n".join(bot.lines[-5:]))
    while (bare := venue.book().unprotected()) and time.monotonic() - bot.started < WITHIN_S:
        time.sleep(0.02)
    if bare:
        raise RuntimeError(f"without a stop after {WITHIN_S:g} s: {bare}")
    return bot, bot.active_after, time.monotonic() - bot.started


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill.fifty", description=__doc__)
    parser.add_argument("--positions", type=int, default=50)
    parser.add_argument("--starts", type=int, default=3, help="with a full store")
    asked = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="fifty-"))
    (directory / "config").mkdir()
    shutil.copy(ROOT / "config" / "data_sources.yaml", directory / "config")
    venue = Venue(directory, 1, 1.0)
    try:
        asyncio.run(buy(venue.tws_port, asked.positions))
        held = len(venue.book().held)
        bot, active, protected = start(directory, venue)
        bot.kill()
        print(
            f"{held} positions, empty store   active after {active:.2f} s, {bot.cpu_s:.2f} s of processor time, "
            f"every contract protected {protected:.2f} s"
        )
        times = []
        for _ in range(asked.starts):
            bot, active, protected = start(directory, venue)
            bot.kill()
            times.append(active)
            print(f"{held} positions, full store    active after {active:.2f} s, {bot.cpu_s:.2f} s of processor time")
        print(f"median of {len(times)}: {statistics.median(times):.2f} s")
    except RuntimeError as error:
        print(f"BROKEN {error}")
        return 1
    finally:
        venue.stop()
        shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
