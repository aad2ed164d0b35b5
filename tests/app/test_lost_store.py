"""Started on an empty store while the venue holds positions: real sockets, client, engine and store.

And stops that the venue refuses by code: each policy, over the wire.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.domain.position import CloseReason, Position, Protection
from bot.sim.driver import VenueDriver
from bot.sim.faults.catalogue import Fault
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import FaultyTwsFace
from bot.sim.vocabulary import (
    LIVE,
    Side,
    SimulatedVenue,
    Status,
    VenueEvent,
    VenueExecution,
    VenueInstrument,
    VenueOrder,
    VenuePosition,
    VenueTicket,
)  # fmt: skip
from bot.store.invariants import check_invariants
from tests.app.test_mute_venue import SPEED, Running, bot_at
from tests.sim.tws.small_venue import START, TODAY, RunningClock, SmallVenue

LOST = "qty-01JD00000000000000000000"
CLIENT = 17
EARLIER = START - timedelta(minutes=10)


class HeldVenue(SmallVenue):
    """A venue at which an earlier run of the bot left contracts and stops; it watches what is on sale."""

    def __init__(self) -> None:
        super().__init__()
        self.oversold: list[str] = []

    def place(self, ticket: VenueTicket, now: datetime) -> list[VenueEvent]:
        events = super().place(ticket, now)
        held = self.held[ticket.instrument.con_id].quantity
        if self.on_sale(ticket.instrument) > held:
            self.oversold.append(f"{self.on_sale(ticket.instrument)} on sale, {held} held")
        return events

    def options(self) -> list[VenueInstrument]:
        return [i for i in self.market.all if i.symbol == "SPY" and i.right == "C" and i.expiry == TODAY][3:6]

    def holds(self, option: VenueInstrument, quantity: int, price: str) -> None:
        cost = Decimal(price) * option.multiplier
        self.held[option.con_id] = VenuePosition(option, quantity, cost, Decimal(0))

    def left_a_stop(
        self, number: int, option: VenueInstrument, quantity: int, price: str, filled: int = 0
    ) -> VenueOrder:
        ticket = VenueTicket(
            CLIENT,
            number,
            option,
            Side.SELL,
            quantity,
            "STP",
            aux_price=Decimal(price),
            order_ref=f"{LOST}{number:02d}",
        )
        order = VenueOrder(ticket, 900_000_000 + number, Status.PRE_SUBMITTED, EARLIER, EARLIER)
        order.stop_price = Decimal(price)
        self.orders.append(order)
        if filled:
            order.filled, order.average_price, order.status = filled, Decimal(price), Status.SUBMITTED
            fill = VenueExecution(
                f"0000e0d5.{number:08x}.01.01", order.perm_id, number, CLIENT, ticket.order_ref, option, Side.SELL,
                filled, Decimal(price), filled, Decimal(price), EARLIER, Decimal("0.65") * filled, Decimal(0),
            )  # fmt: skip
            self.fills.append(fill)
        return order

    def on_sale(self, option: VenueInstrument) -> int:
        return sum(o.remaining for o in self.sales(option))

    def sales(self, option: VenueInstrument) -> list[VenueOrder]:
        return [
            o for o in self.open_orders()
            if o.ticket.side is Side.SELL and o.ticket.instrument.con_id == option.con_id
        ]  # fmt: skip

    def _next_perm_id(self) -> int:
        return 900_000_100 + len(self.orders)


@dataclass
class Site:
    bot: Running
    path: Path

    def positions(self) -> list[Position]:
        return sorted(self.bot.engine.ledger.positions.values(), key=lambda p: p.contract.strike)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(statement).fetchall()


@contextlib.asynccontextmanager
async def started_at(venue: HeldVenue, folder: Path, *faults: dict[str, Any]) -> AsyncIterator[Site]:
    """The bot on an empty store at a venue with these faults; never may more be on sale than is held."""
    script = FaultScript([TypeAdapter(Fault).validate_python({"at": "09:59", **fault}) for fault in faults])
    simulated, clock = SimulatedVenue(venue), RunningClock(speed=SPEED)
    face = FaultyTwsFace(simulated, venue, clock, script)  # type: ignore[arg-type]  # a venue in small
    driver = VenueDriver(simulated, clock)
    port = await face.start()
    await driver.start()
    try:
        async with bot_at(port, folder) as bot:
            yield Site(bot, folder / "bot.db")
    finally:
        await driver.stop()
        await face.stop()
    assert venue.oversold == []


async def test_three_positions_of_a_lost_store_are_adopted_protected_and_reported(tmp_path: Path) -> None:
    venue = HeldVenue()
    whole, part, bare = venue.options()
    venue.holds(whole, 4, "2.00")
    kept = venue.left_a_stop(1, whole, 4, "1.20")
    venue.holds(part, 3, "2.00")
    rest = venue.left_a_stop(2, part, 4, "1.10", filled=1)
    venue.holds(bare, 2, "2.00")
    async with started_at(venue, tmp_path) as site:
        await site.bot.until(lambda: site.bot.is_active and len(site.positions()) == 3)
        await site.bot.until(lambda: all(p.protection is Protection.WORKING for p in site.positions()))
        limit = site.bot.engine.settings.execution.protection_limit_s
        assert [p.quantity for p in site.positions()] == [4, 3, 2]
        assert [venue.on_sale(option) for option in (whole, part, bare)] == [4, 3, 2]
        assert venue.sales(whole) == [kept]
        assert venue.sales(part) == [rest]
        assert [p.stop_price for p in site.positions()] == [Decimal("1.20"), Decimal("1.10"), Decimal("1.00")]
        told = [each for each in site.bot.alerts if each.startswith("POSITION_ADOPTED")]
        assert len(told) == 3
    measured = site.rows("SELECT seconds, contract_seconds FROM v_protection ORDER BY contract_key")
    assert measured[0] == measured[1] == (0, 0), "the stops that were there were never taken away"
    assert 0 < measured[2][0] <= max(limit, 0.5 * SPEED)
    assert len(site.rows("SELECT id FROM alert WHERE code = 'POSITION_ADOPTED' AND severity = 'critical'")) == 3
    findings = check_invariants(f"sqlite+aiosqlite:///{site.path}")
    assert [(f.invariant, f.ok) for f in findings] == [(f"I{n}", True) for n in range(1, 13)], findings


def is_repriced(site: Site, venue: HeldVenue) -> bool:
    (stop,) = venue.sales(venue.options()[0]) or (None,)
    return stop is not None and stop.ticket.aux_price == Decimal("1.05")


def is_watched(site: Site, venue: HeldVenue) -> bool:
    (position,) = site.positions()
    return position.protection is Protection.SYNTHETIC and not venue.sales(venue.options()[0])


def is_sold(site: Site, venue: HeldVenue) -> bool:
    closed = site.bot.engine.ledger.closed.values()
    sold = [p.close_reason for p in closed] == [CloseReason.PROTECTION_FAILED]
    return sold and venue.held[venue.options()[0].con_id].quantity == 0


@pytest.mark.parametrize(
    "code, follows", [(110, is_repriced), (387, is_watched), (460, is_sold)], ids=["reprice", "watch", "flatten"]
)
async def test_a_stop_that_the_venue_refuses_is_answered_by_the_policy_of_its_code_and_told(
    code: int, follows: Callable[[Site, HeldVenue], bool], tmp_path: Path
) -> None:
    venue = HeldVenue()
    venue.holds(venue.options()[0], 2, "2.02")
    fault = {"kind": "reject", "of": "place", "code": code, "text": f"refused with {code}"}
    async with started_at(venue, tmp_path, fault) as site:
        await site.bot.until(lambda: any(each.startswith("PROTECTION_LOST") for each in site.bot.alerts))
        await site.bot.until(lambda: follows(site, venue))
        assert any(each.startswith("ORDER_REJECTED") and f"refused with {code}" in each for each in site.bot.alerts)
    (refused,) = site.rows("SELECT reject_code, acknowledged_at FROM broker_order WHERE state = 'rejected'")
    assert refused == (code, None)
    ((lost_at, told_at),) = site.rows(
        "SELECT (SELECT event_at FROM transition WHERE \"trigger\" = 'protection_lost'), "
        "(SELECT at FROM alert WHERE code = 'PROTECTION_LOST')"
    )
    assert told_at == lost_at, "in the same tick"
    assert all(o.status not in LIVE or o.ticket.side is Side.SELL for o in venue.orders)
