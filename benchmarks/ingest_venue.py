"""The venue of the ingest benchmark: our TWS face, which floods every market data line that is open.

Once told to, it writes so many price ticks a second to the open lines in turn, ten depth rows beside every hundred of
them, in packets as TWS writes them. A bid says when it was written: its price is the monotonic time in milliseconds,
cut to 100 seconds, as cents. It says when it has ended and prints what it sent as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import cycle

from bot.clocks.clock import ScaledClock, wall_seconds
from bot.sim.market.context import WiderMarket
from bot.sim.market.model import build_market
from bot.sim.matching import build_venue
from bot.sim.scenario import load_scenario
from bot.sim.tws import messages
from bot.sim.tws.limits import ClientLimits
from bot.sim.tws.serve_data import DEPTH, QUOTES
from bot.sim.tws.server import TwsFace
from bot.sim.tws.session import ClientSession
from bot.sim.tws.wire import WireMessage, encode_message
from bot.sim.vocabulary import SimulatedVenue

PACKET_S = 0.02
WRAPS_MS = 100_000
DEPTH_EVERY = 10


def stamp() -> str:
    """Return the time as a price in cents: 1 ms is 0.01 dollar."""
    now = int(time.monotonic() * 1000) % WRAPS_MS
    return f"{now // 100}.{now % 100:02d}"


class Flood:
    """Writes ticks to one client's lines, the same number to each."""

    def __init__(self, session: ClientSession, per_second: int) -> None:
        self._session = session
        self._per_packet = round(per_second * PACKET_S)
        self._quotes = cycle([number for kind, number in session.streams if kind == QUOTES])
        self._books = [number for kind, number in session.streams if kind == DEPTH]
        self.quotes = self.rows = 0
        self.late_s = 0.0

    async def run(self, seconds: float) -> None:
        begun = time.monotonic()
        packets = round(seconds / PACKET_S)
        for number in range(packets):
            due = begun + number * PACKET_S
            now = time.monotonic()
            self.late_s = max(self.late_s, now - due)
            if now < due:
                await asyncio.sleep(due - now)
            self._packet(number)

    def _packet(self, number: int) -> None:
        said: list[WireMessage] = []
        for _ in range(self._per_packet):
            request_id = next(self._quotes)
            self.quotes += 1
            said.append(WireMessage(1, (6, request_id, messages.BID, stamp(), 1 + self.quotes % 900, 1)))
        for row in range(self._per_packet // DEPTH_EVERY if self._books else 0):
            book = self._books[row % len(self._books)]
            self.rows += 1
            size = 1 + number % 500
            said.append(messages.smart_depth_row(book, row % 5, "ARCA", messages.UPDATE, row % 2, "500.01", size, True))
        self._session.write_raw(b"".join(encode_message(each) for each in said))


async def serve(per_second: int, seconds: float) -> dict[str, float]:
    scenario = load_scenario("demo")
    clock = ScaledClock(scenario.moment(scenario.open), 1.0, wall_seconds())
    market = WiderMarket(build_market(scenario, 1))
    face = TwsFace(SimulatedVenue(build_venue(market, scenario, 1)), clock, limits=ClientLimits(), pace_s=0.02)
    port = await face.start()
    calls = market.find(symbol="SPX", sec_type="OPT", right="C")[:40]
    print(json.dumps({"port": port, "options": [each.local_symbol for each in calls]}), flush=True)
    told = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await told
    face.hold_pace = True
    session = next(each for each in face._sessions if each.client_id >= 0)
    flood = Flood(session, per_second)
    await flood.run(seconds)
    print(json.dumps({"flooded": True}), flush=True)  # what is looked at from now on only grows old
    await asyncio.sleep(1)
    await face.stop()
    return {"quotes": flood.quotes, "rows": flood.rows, "late_ms": round(flood.late_s * 1000)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))), flush=True)
