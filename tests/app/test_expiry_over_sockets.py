"""The close over real sockets: the venue exercises and pays out, the bot settles what it held, both count the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import text

from bot.app.background import cancel
from bot.app.composition import BotParts, compose, core_stages, no_feed, sql_store, ticking
from bot.app.stages import in_order
from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.clocks.paced import Pace, PacedClock, keep_leading
from bot.config.schema import Settings
from bot.config.strategies import ExitSettings
from bot.domain.ids import IdSource
from bot.domain.position import CloseReason
from bot.engine.tick import Engine
from bot.sim.driver import VenueDriver
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.tws import TwsFace
from bot.sim.vocabulary import Side, SimulatedVenue, VenueTicket
from bot.store.database import open_reader
from bot.store.invariants import check_invariants
from bot.store.revision import upgrade
from tests.engine.fakes import FakeCalendar, FakeStrategy
from tests.patience import PATIENCE_S
from tests.sim.tws.small_venue import CLOSE, TODAY, SmallMarket

SPEED = 10.0
OPENING_CASH = Decimal(1_000_000)
HELD = (("SPY   261120C00598000", 2), ("SPY   261120P00604000", 3), ("SPXW  261120C05980000", 1),
        ("SPY   261120C00605000", 2))  # fmt: skip


class OnTheGrid(SmallMarket):
    """With the price grids that the matching engine knows."""

    def __init__(self) -> None:
        super().__init__()
        rules = {"SPY": 26, "SPX": 109}
        self.all = [replace(each, market_rule_id=rules[each.symbol]) for each in self.all]
        self._by_id = {each.con_id: each for each in self.all}


class Site:
    """A venue with contracts in its account, behind its TWS face, a hundred seconds before the close."""

    def __init__(self) -> None:
        self.pace = Pace.new()  # on a slow machine the last hundred seconds last as long as it needs
        self.clock = PacedClock(CLOSE - timedelta(seconds=100), SPEED, self.pace)
        self.market = OnTheGrid()
        self.market.spot["SPY"] = Decimal("601.37")
        self.market.spot["SPX"] = Decimal("6004.12")
        rules = VenueScript(latency_ms=1, partial_fill_probability=0)
        self.venue = MatchingVenue(self.market, 1, OPENING_CASH, rules)
        simulated = SimulatedVenue(self.venue)
        self.face, self.driver = TwsFace(simulated, self.clock), VenueDriver(simulated, self.clock)

    def buy(self) -> None:
        """Somebody bought them by hand: a bot on an empty store adopts them."""
        for number, (name, quantity) in enumerate(HELD, start=1):
            (option,) = self.market.find(local_symbol=name)
            ticket = VenueTicket(client_id=9, order_id=number, instrument=option, side=Side.BUY, quantity=quantity,
                                 order_type="MKT", account=self.venue.account_id)  # fmt: skip
            self.venue.place(ticket, self.clock.now() - timedelta(seconds=2))
        self.venue.step(self.clock.now() - timedelta(seconds=1))
        assert len(self.venue.positions()) == len(HELD)

    @property
    def made(self) -> Decimal:
        """What the account gained: its cash, and the shares at the close."""
        cash = self.venue.account_values(CLOSE)["TotalCashValue"] - OPENING_CASH
        return cash + sum(p.quantity * self.market.spot["SPY"] for p in self.venue.positions())


@asynccontextmanager
async def running(site: Site, url: str, committed: asyncio.Event) -> AsyncIterator[Engine]:
    port = await site.face.start()
    await site.driver.start()
    site.pace.begin()
    leading = asyncio.create_task(keep_leading(site.pace, SPEED, asyncio.Event(), patience_wall_s=0.0))
    settings = BrokerSettings(port=port, retry_min_s=0.01, request_timeout_s=2.0)
    bot = compose(
        BotParts(
            settings=Settings.model_validate({"engine": {"adopt": "all"}}),
            clock=site.clock,
            calendar=FakeCalendar(),
            store=sql_store(url),
            broker=lambda on: IbkrBroker(settings, on.clock, on.inbox.put, bot_id="qty"),
            feed=no_feed,
            strategies=[FakeStrategy(exit=ExitSettings.model_validate({"flat_at": "16:00"}))],
            ids=IdSource(random.Random(1)),
            on_commit=lambda batch: committed.set(),
        )
    )
    async with in_order((*core_stages(bot, lambda: "the test ends"), ticking(bot.engine))):
        yield bot.engine
    await cancel(leading)
    await site.driver.stop()
    await site.face.stop()


async def test_what_is_held_through_the_close_is_settled_as_the_venue_settles_it(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    upgrade(url)
    site = Site()
    site.buy()
    committed = asyncio.Event()
    async with running(site, url, committed) as engine, asyncio.timeout(PATIENCE_S):
        while len(engine.ledger.closed) < len(HELD):
            await committed.wait()
            committed.clear()
    closed = {p.contract.key: p for p in engine.ledger.closed.values()}
    assert {key: p.close_reason for key, p in closed.items()} == {
        "SPY   261120C00598000": CloseReason.EXERCISED,
        "SPY   261120P00604000": CloseReason.EXERCISED,
        "SPXW  261120C05980000": CloseReason.CASH_SETTLED,
        "SPY   261120C00605000": CloseReason.EXPIRED,
    }
    assert [p.closed_at for p in closed.values()] == [CLOSE] * len(HELD)
    assert [(p.instrument.symbol, p.quantity) for p in site.venue.positions()] == [("SPY", -100)], "200 less 300"
    assert sum(p.realized_pnl for p in closed.values()) == site.made
    with open_reader(url) as reader:
        days = reader.execute(text("SELECT day, realized_cents FROM v_daily_pnl")).fetchall()
    assert [tuple(day) for day in days] == [(TODAY.isoformat(), int(site.made * 100))]
    # Nobody bids for the one that expires worthless, so its first stop waited: that is told, and is the one finding.
    (bare,) = (f for f in check_invariants(url) if not f.ok)
    assert (bare.invariant, [row["position_id"] for row in bare.rows]) == ("I4", [closed["SPY   261120C00605000"].id])
