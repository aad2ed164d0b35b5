"""The engine on the simulated venue, through the close and through a halt: what it books is what the account gained."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.composition import BotParts, compose, no_feed, ready_made
from bot.clocks.clock import ManualClock
from bot.config.schema import Settings
from bot.config.strategies import ExitSettings
from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.ids import IdSource
from bot.domain.instruments import parse_osi
from bot.domain.position import CloseReason, PositionState
from bot.sim.broker import SimBroker
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import Side, SimulatedVenue, VenueInstrument, VenueTicket
from tests.engine.fake_store import FakeStore
from tests.engine.fakes import FakeCalendar, FakeStrategy
from tests.examples import examples
from tests.sim.board_market import CALL, CLOSE, INDEX, NOON, PUT, SPY_PUT, BoardMarket
from tests.sim.small_market import SHARES

CASH = Decimal(1_000_000)


class Floor:
    """Engine, venue and a market whose quotes are set by hand, stepped a second at a time."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.board = BoardMarket()
        self.venue = MatchingVenue(self.board, 1, CASH, VenueScript(partial_fill_probability=0))
        self.simulated = SimulatedVenue(self.venue)
        bot = compose(
            BotParts(
                settings=Settings.model_validate({"engine": {"adopt": "all"}}),
                clock=self.clock,
                calendar=FakeCalendar(),
                store=ready_made(FakeStore()),
                broker=lambda on: SimBroker(self.simulated, on.clock, on.inbox.put, "qty"),
                feed=no_feed,
                strategies=[FakeStrategy(exit=ExitSettings.model_validate({"flat_at": "16:00"}))],
                ids=IdSource(random.Random(1)),
                wait_for_answers=True,
            )
        )
        self.store, self.broker, self.engine = bot.store, bot.broker, bot.engine

    async def open(self, held: dict[str, int]) -> None:
        """Start on an account that holds contracts: the bot adopts them."""
        for number, (instrument, quantity) in enumerate(_contracts(held), start=1):
            ticket = VenueTicket(9, number, instrument, Side.BUY, quantity, "MKT", account=self.venue.account_id)
            self.simulated.publish(self.venue.place(ticket, NOON - timedelta(seconds=2)))
        self.simulated.publish(self.venue.step(NOON))
        await self.engine.start()
        await self.broker.start()
        await self.steps(8)

    async def steps(self, count: int) -> None:
        for _ in range(count):
            self.clock.advance(1)
            self.simulated.publish(self.venue.step(self.clock.now()))
            self.broker.pump()
            await self.engine.tick()
            while self.engine.inbox.urgent:
                await self.engine.tick()

    async def close(self) -> None:
        """Let the close come, and what the broker does then be read."""
        self.clock.advance((CLOSE - self.clock.now()).total_seconds() - 3)
        await self.steps(24)

    def made(self, spot: Decimal) -> Decimal:
        """What the account gained: cash, and the shares it was delivered."""
        cash = self.venue.account_values(CLOSE)["TotalCashValue"] - CASH
        return cash + sum(p.quantity for p in self.venue.positions() if p.instrument is SHARES) * spot

    async def command(self, kind: RequestKind) -> None:
        self.engine.inbox.put(RequestReceived("c1", kind, {}, "cli", self.clock.now()))
        await self.steps(1)

    def alerts(self, code: str) -> int:
        return self.store.alerts.count(code)


def _contracts(held: dict[str, int]) -> list[tuple[VenueInstrument, int]]:
    known = {"call": CALL, "put": SPY_PUT, "index put": PUT}
    return [(known[name], quantity) for name, quantity in held.items() if quantity]


async def _live_to_the_close(held: dict[str, int], spot: Decimal, index: Decimal) -> Floor:
    floor = Floor()
    floor.board.quote(SHARES, str(spot), str(spot + Decimal("0.01")), last=str(spot))
    floor.board.quote(INDEX, None, None, last=str(index))
    await floor.open(held)
    await floor.close()
    return floor


@settings(max_examples=examples(15), deadline=None)
@given(
    st.fixed_dictionaries({name: st.integers(0, 3) for name in ("call", "put", "index put")}),
    st.decimals(575, 600, places=2),
    st.decimals(5850, 5950, places=2),
)
def test_whatever_the_expiry_price_the_profit_is_what_the_account_gained(
    held: dict[str, int], spot: Decimal, index: Decimal
) -> None:
    floor = asyncio.run(_live_to_the_close(held, spot, index))
    positions = floor.store.positions
    assert all(p.state is PositionState.CLOSED for p in positions)
    assert len(positions) == len(_contracts(held))
    assert sum((p.realized_pnl for p in positions), Decimal(0)) == floor.made(spot)
    worth = {CALL.local_symbol: spot - 590, SPY_PUT.local_symbol: 585 - spot, PUT.local_symbol: 5900 - index}
    for position in positions:
        in_kind = CloseReason.CASH_SETTLED if position.contract.settles_in_cash else CloseReason.EXERCISED
        assert position.close_reason is (in_kind if worth[position.key] > 0 else CloseReason.EXPIRED)
    assert floor.store.refused == []


async def test_a_flatten_in_a_halt_sells_when_it_is_over_and_keeps_the_stop_till_then() -> None:
    floor = Floor()
    await floor.open({"call": 2})
    floor.board.quote(CALL, None, None, halted=True)
    await floor.steps(5)
    await floor.command(RequestKind.FLATTEN)
    await floor.steps(60)
    (stop,) = floor.venue.open_orders()
    assert (stop.ticket.order_type, stop.remaining) == ("STP", 2)
    assert floor.alerts("EXIT_IN_HALT") == 1
    floor.board.quote(CALL, "1.20", "1.25")
    await floor.steps(20)
    (position,) = floor.store.positions
    assert (position.state, position.close_reason) == (PositionState.CLOSED, CloseReason.FLATTEN)
    assert floor.venue.open_orders() == []
    assert floor.alerts("EXIT_GOES_ON") == 1


async def test_what_nobody_bids_for_is_one_order_at_one_tick_and_expires_worthless() -> None:
    floor = Floor()
    floor.board.quote(SHARES, "560.00", "560.01", last="560.00")
    await floor.open({"call": 2})
    floor.board.quote(CALL, None, "0.01")
    await floor.steps(3)
    await floor.command(RequestKind.FLATTEN)
    await floor.steps(120)
    (offered,) = floor.venue.open_orders()
    assert (offered.ticket.order_type, offered.ticket.limit_price) == ("LMT", Decimal("0.01"))
    assert floor.alerts("EXIT_WITHOUT_BID") == 1
    await floor.close()
    (position,) = floor.store.positions
    assert (position.contract, position.close_reason) == (parse_osi(CALL.local_symbol), CloseReason.EXPIRED)
    assert position.realized_pnl == floor.made(Decimal(560))
