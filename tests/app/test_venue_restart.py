"""A simulator that is started again has the orders it had (P61): the day goes on where it stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.app.simulated_day import book_path, plan_day
from bot.app.venue_child import VenueSetup
from bot.app.venue_process import VenueProcess
from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.clocks.clock import wall_seconds
from bot.config.loader import load
from bot.config.options import RunOptions
from bot.domain.events.link import LinkChange
from bot.domain.events.market_data import ContractQualified
from bot.domain.events.orders import BrokerOrderStatus, ExecutionReported, OrderReported
from bot.domain.instructions import Subscribe
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.sim.book_file import read_book
from tests.broker.conftest import Gathered

ROOT = Path(__file__).resolve().parents[2]
KEY = "SPY   261120C00580000"  # some ten dollars in the money: nobody sells it for a cent
TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MARKETABLE = Terms(2, limit_price=Decimal("40.00"))
RESTING = Terms(3, limit_price=Decimal("0.01"))


def a_buy(name: str, terms: Terms) -> OrderTicket:
    return OrderTicket(name, f"qty-{name}", KEY, OrderSide.BUY, OrderType.LIMIT, terms)


@asynccontextmanager
async def opened(setup: VenueSetup) -> AsyncIterator[Site]:
    site = Site(setup)
    try:
        yield await site.open()
    finally:
        await site.close()


class Site:
    """A venue process's parts in this process, and the real client at its socket."""

    def __init__(self, setup: VenueSetup) -> None:
        self.venue = VenueProcess(setup)
        self.events = Gathered()
        self.broker: Any = None

    async def open(self) -> Site:
        port, _ = await self.venue.start()
        self.venue.release(wall_seconds())
        settings = BrokerSettings(port=port, retry_min_s=0.01)
        self.broker = IbkrBroker(settings, self.venue.clock, self.events, bot_id="qty")
        self.broker.subscribe(Subscribe({KEY: frozenset({"quote"})}))
        await self.broker.start()
        await self.events.change(LinkChange.ACCEPTED)
        await self.events.first(ContractQualified, lambda each: each.key == KEY and each.con_id is not None)
        return self

    async def close(self) -> None:
        if self.broker is not None:
            await self.broker.stop()
        await self.venue.stop()


async def test_p61_orders_fills_and_positions_of_the_simulator_survive_its_restart(tmp_path: Path) -> None:
    config = load(ROOT, {"database.url": f"sqlite+aiosqlite:///{tmp_path}/bot.db", "sim.state_dir": str(tmp_path)}, {})
    book_file = book_path(config.settings)
    setup = VenueSetup("demo", 1, "2026-11-20", TEN.isoformat(), 1.0, 0, 0, 0.02, str(book_file))
    async with opened(setup) as site:
        site.broker.submit(a_buy("a", MARKETABLE))
        bought = (await site.events.first(ExecutionReported)).execution
        order_id = site.broker.submit(a_buy("b", RESTING))
        before = await site.events.first(OrderReported, lambda each: bool(_rests(each) and each.view.perm_id))

    book = read_book(book_file)
    assert book is not None
    assert TEN <= book.at < TEN + timedelta(minutes=5)
    day = plan_day(config.settings, RunOptions())
    assert (day.resumed, day.start_at, day.session.day.isoformat()) == (True, book.at, "2026-11-20")

    async with opened(replace(setup, start_at=day.start_at.isoformat())) as again:
        found = await again.broker.snapshot()
        assert found.complete
        (resting,) = found.open_orders
        assert (resting.order_ref, resting.order_id, resting.perm_id) == ("qty-b", order_id, before.view.perm_id)
        assert (resting.quantity, resting.limit_price) == (3, Decimal("0.01"))
        assert [(each.contract_key, each.quantity) for each in found.positions] == [(KEY, 2)]
        assert [(each.exec_id, each.price) for each in found.executions] == [(bought.exec_id, bought.price)]
        assert found.next_order_id > order_id
        again.events.clear()
        again.broker.amend(replace(a_buy("b", replace(MARKETABLE, quantity=3)), order_id=order_id))
        filled = await again.events.first(OrderReported, lambda each: each.view.filled_quantity == 3)
        assert (filled.view.order_ref, filled.view.status) == ("qty-b", BrokerOrderStatus.FILLED), "it can still fill"


async def test_a_disk_that_does_not_take_the_venues_book_stops_no_order(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")
    setup = VenueSetup("demo", 1, "2026-11-20", TEN.isoformat(), 1.0, 0, 0, 0.02, str(folder / "book.json"))
    async with opened(setup) as site:
        site.broker.submit(a_buy("a", MARKETABLE))
        await site.events.first(ExecutionReported)
        folder.unlink()
        site.broker.submit(a_buy("b", RESTING))
        await site.events.first(OrderReported, lambda each: bool(_rests(each) and each.view.perm_id))
    book = read_book(folder / "book.json")
    assert book is not None, "and it is written when it can be"


def _rests(event: OrderReported) -> bool:
    return event.view.order_ref == "qty-b"
