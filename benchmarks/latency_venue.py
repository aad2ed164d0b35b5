"""The venue of the latency benchmark: our TWS face with one option whose bid rises step by step.

It stamps the moment at which a new bid goes out and the moment at which the next placeOrder comes in, and prints the
differences in milliseconds as JSON once enough steps were answered. Both programs that are compared trade on a fresh
one of these.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.clocks.clock import ScaledClock, wall_seconds
from bot.sim.driver import VenueDriver
from bot.sim.market.model import build_market
from bot.sim.matching import build_venue
from bot.sim.scenario import load_scenario
from bot.sim.tws.limits import ClientLimits
from bot.sim.tws.requests import PlaceOrder, WireRequest
from bot.sim.tws.server import TwsFace
from bot.sim.tws.session import ClientSession
from bot.sim.tws.wire import WireMessage
from bot.sim.vocabulary import Market, Side, SimulatedVenue, TopOfBook, Venue, VenueDepth, VenueInstrument, VenueTicket

BID_TICK = 1
STEP_S = 0.06
START_BID = Decimal("4.00")
STEP = Decimal("1.006")
CONTRACTS = 10


class RisingMarket:
    """The demo day's market, but for one option: its quote is what `bid` says."""

    def __init__(self, market: Any, option: VenueInstrument) -> None:
        self._market, self.option = market, option
        self.bid = Decimal("2.00")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        if instrument.con_id != self.option.con_id:
            return self._market.top(instrument, at)  # type: ignore[no-any-return]
        ask = self.bid + Decimal("0.02")
        return TopOfBook(self.bid, ask, 500, 500, self.bid, 1, 1000, self.bid, ask, self.bid, self.bid)

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        return self._market.depth(instrument, at, levels)  # type: ignore[no-any-return]


class StampingFace(TwsFace):
    """Notes when a bid of the option went out and when the order came in that answers it."""

    asked_at: float | None = None
    orders = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.samples: list[float] = []

    def egress(self, session: ClientSession, message: WireMessage) -> None:
        if self.asked_at == 0.0 and message.id == 1 and message.fields[2] == BID_TICK:
            self.asked_at = time.perf_counter()
        super().egress(session, message)

    def ingress(self, session: ClientSession, request: WireRequest) -> None:
        if isinstance(request, PlaceOrder):
            self.orders += 1
            if self.asked_at:
                self.samples.append((time.perf_counter() - self.asked_at) * 1000)
                self.asked_at = None
        super().ingress(session, request)


def _option_to_trade(market: Market, at: datetime) -> VenueInstrument:
    """Return a call near the money of the last expiry listed: it does not expire while we measure."""
    spot = market.top(market.find(symbol="SPY", sec_type="STK")[0], at).last or Decimal(0)
    calls = [i for i in market.find(symbol="SPY", sec_type="OPT", right="C") if i.expiry and i.strike]
    last = max(i.expiry for i in calls if i.expiry)
    return min((i for i in calls if i.expiry == last), key=lambda i: abs((i.strike or spot) - spot))


def _open_a_position(venue: Venue, option: VenueInstrument, at: datetime) -> None:
    ticket = VenueTicket(99, 1, option, Side.BUY, CONTRACTS, "LMT", limit_price=Decimal("2.10"))
    venue.place(ticket, at)
    for minute in (1, 2, 3):
        venue.step(at + timedelta(minutes=minute))


async def serve(count: int) -> Sequence[float]:
    scenario = load_scenario("demo")
    clock = ScaledClock(scenario.starts(), 1.0, wall_seconds())
    market = build_market(scenario, 1)
    option = _option_to_trade(market, clock.now())
    rising = RisingMarket(market, option)
    venue = build_venue(rising, scenario, 1)
    simulated = SimulatedVenue(venue)
    _open_a_position(venue, option, scenario.moment(scenario.open))
    face = StampingFace(simulated, clock, limits=ClientLimits(), pace_s=0.002)
    driver = VenueDriver(simulated, clock)
    port = await face.start()
    await driver.start()
    print(f"ready tws={port} option={option.local_symbol.replace(' ', '_')} con_id={option.con_id}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    rising.bid = START_BID
    await asyncio.sleep(1)
    while len(face.samples) < count:
        face.asked_at = 0.0
        rising.bid = (rising.bid * STEP).quantize(Decimal("0.01"))
        await asyncio.sleep(STEP_S)
    await driver.stop()
    await face.stop()
    return face.samples


if __name__ == "__main__":
    print(json.dumps(asyncio.run(serve(int(sys.argv[1])))), flush=True)
