"""The four brokers behind the engine's port, each with a market under it that a test sets by hand.

Three stand on one matching engine (over a socket, in process, in process behind a fault script), the fourth is the
dictionary that the engine's tests trade on. A test asks them all the same; what one of them cannot say at all is named
in `lacks`, so that it is a gap and not a lie.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final, TypeVar

from pydantic import TypeAdapter

from bot.broker.adapter import IbkrBroker
from bot.broker.settings import BrokerSettings
from bot.clocks.clock import ManualClock, ScaledClock, wall_seconds
from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.link import LinkChange, LinkChanged
from bot.domain.events.market_data import ContractQualified
from bot.domain.events.orders import BrokerOrderStatus, OrderReported
from bot.domain.instructions import Subscribe
from bot.domain.order import OrderSide, OrderTicket, OrderType, Terms
from bot.engine.state.ports import Broker, Clock
from bot.sim.broker import SimBroker
from bot.sim.driver import VenueDriver
from bot.sim.faults.broker import FaultyBroker
from bot.sim.faults.catalogue import Fault
from bot.sim.faults.script import FaultScript
from bot.sim.faults.sockets import FaultyTwsFace
from bot.sim.matching import MatchingVenue
from bot.sim.scenario import VenueScript
from bot.sim.vocabulary import SimulatedVenue, VenueEvent, VenueInstrument
from tests.broker.conftest import Gathered
from tests.engine.fake_broker import FakeBroker
from tests.patience import PATIENCE_S
from tests.sim.board_market import CALL, NOON, UNLISTED, BoardMarket

E = TypeVar("E")
KEY: Final = CALL.local_symbol
NOWHERE: Final = UNLISTED.local_symbol
"""A name that looks like an option's and that the venue does not list."""
CASH: Final = Decimal(100_000)
_ROUNDS: Final = 60
_STEP_S: Final = 0.25
_SPEED: Final = 10.0
_FAULT: Final[TypeAdapter[Fault]] = TypeAdapter(Fault)
_GONE_AT, _GONE_S = timedelta(minutes=10), 60


class Site(ABC):
    """A broker with its venue. `until` and `first` wait for what must come; nothing waits for time."""

    lacks: ClassVar[frozenset[str]] = frozenset()
    broker: Broker
    clock: Clock

    def __init__(self) -> None:
        self.events = Gathered()

    # ---- life

    async def up(self) -> None:
        """Start, be let in, have the contract qualified and the book read: positions are told from then on."""
        await self.broker.start()
        await self.link(LinkChange.ACCEPTED)
        self.broker.subscribe(Subscribe({KEY: frozenset({"quote"})}))
        if "contracts" not in self.lacks:
            await self.first(ContractQualified, lambda each: each.key == KEY)
        assert (await self.broker.snapshot()).complete

    async def close(self) -> None:
        await self.broker.stop()

    @abstractmethod
    async def lose_the_link(self) -> None:
        """Cut the connection; it stays cut."""

    @abstractmethod
    async def bring_it_back(self) -> None:
        """Let the broker in again."""

    # ---- waiting

    @abstractmethod
    async def first(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> E:
        """Return the first event of a kind, past or to come; raises when none comes."""

    async def link(self, change: LinkChange) -> LinkChanged:
        return await self.first(LinkChanged, lambda each: each.change is change)

    async def order(self, ticket: OrderTicket, status: BrokerOrderStatus) -> OrderReported:
        """Return the first report in which an order stands so."""
        return await self.first(
            OrderReported, lambda each: (each.view.order_ref, each.view.status) == (ticket.order_ref, status)
        )

    # ---- the venue's hand

    @abstractmethod
    async def market(self, bid: str, ask: str, size: int = 1000) -> None:
        """Quote the contract, so many contracts a side; what is marketable trades at it."""

    @abstractmethod
    async def refuse(self, code: int, ticket: OrderTicket) -> OrderTicket:
        """Submit so that the venue refuses with this code (110 or 201); return what was sent."""

    @abstractmethod
    async def breaks_a_part_of_the_book(self) -> None:
        """From now on an answer to the question for the book lacks a part's end."""


class InProcess(Site):
    """Time moves as a test waits: a quarter of a second, the venue, what it says."""

    clock: ManualClock

    async def first(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> E:
        for _ in range(_ROUNDS):
            found = next(filter(where, self.events.of(kind)), None)
            if found is not None:
                return found
            self.step()
            await asyncio.sleep(0)
        raise AssertionError(f"no such {kind.__name__} came; of its kind: {self.events.of(kind)}")

    @abstractmethod
    def step(self) -> None: ...


class OnTheBoard(Site):
    """Stands on the matching engine."""

    clock: ManualClock | ScaledClock

    def __init__(self) -> None:
        super().__init__()
        self.board = BoardMarket()
        self.board.quote(CALL, "0.98", "1.00")
        self.venue = MatchingVenue(self.board, 1, CASH, VenueScript(latency_ms=40, partial_fill_probability=0))
        self.simulated = SimulatedVenue(self.venue)

    async def market(self, bid: str, ask: str, size: int = 1000) -> None:
        self.board.quote(CALL, bid, ask, size)

    @abstractmethod
    async def venue_holds(self, instrument: VenueInstrument, quantity: int) -> None:
        """Wait until the account holds so much of a thing."""

    def _held(self, instrument: VenueInstrument) -> int:
        return sum(each.quantity for each in self.venue.positions() if each.instrument is instrument)

    async def refuse(self, code: int, ticket: OrderTicket) -> OrderTicket:
        off_grid, too_dear = Terms(1, limit_price=Decimal("0.9012")), Terms(9000, limit_price=Decimal("0.90"))
        refused = replace(ticket, terms={110: off_grid, 201: too_dear}[code])
        self.broker.submit(refused)
        return refused


class Simulated(OnTheBoard, InProcess):
    """`SimBroker`: it has no link that could be lost and no part that could be missing."""

    lacks = frozenset({"link", "parts"})
    clock: ManualClock
    broker: SimBroker | FaultyBroker

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(NOON)
        self.broker = self.a_broker()

    def a_broker(self) -> SimBroker | FaultyBroker:
        return SimBroker(self.simulated, self.clock, self.events, "bot")

    def step(self) -> None:
        self.clock.advance(_STEP_S)
        self.simulated.publish(self.venue.step(self.clock.now()))
        self.broker.pump()

    async def venue_holds(self, instrument: VenueInstrument, quantity: int) -> None:
        while self._held(instrument) != quantity:
            self.step()

    async def lose_the_link(self) -> None:
        raise NotImplementedError

    async def bring_it_back(self) -> None:
        raise NotImplementedError

    async def breaks_a_part_of_the_book(self) -> None:
        raise NotImplementedError


class Faulty(Simulated):
    """`FaultyBroker` with a script that takes the gateway away ten minutes after the start, for a minute."""

    lacks = frozenset()

    def a_broker(self) -> FaultyBroker:
        gone = {"kind": "restart", "at": "12:10", "for_seconds": _GONE_S}
        broken = {"kind": "drop", "at": "12:20", "for_seconds": _GONE_S, "callback": "end"}
        script = FaultScript([_FAULT.validate_python(each) for each in (gone, broken)])
        return FaultyBroker(self.simulated, self.venue, self.clock, self.events, "bot", script)

    async def lose_the_link(self) -> None:
        self._at(NOON + _GONE_AT)

    async def bring_it_back(self) -> None:
        self._at(NOON + _GONE_AT + timedelta(seconds=_GONE_S))

    async def breaks_a_part_of_the_book(self) -> None:
        self._at(NOON + 2 * _GONE_AT)

    def _at(self, moment: datetime) -> None:
        self.clock.advance_to(moment)
        self.step()


class OverTheSocket(OnTheBoard):
    """The adapter that trades, connected to a TWS face of the venue; all live by themselves, ten times as fast."""

    clock: ScaledClock
    broker: IbkrBroker

    def __init__(self) -> None:
        super().__init__()
        self.clock = ScaledClock(NOON, _SPEED, wall_seconds())
        self._face = self._a_face(0)
        self._driver = VenueDriver(self.simulated, self.clock)
        self._port = 0

    def _a_face(self, port: int) -> FaultyTwsFace:
        return FaultyTwsFace(self.simulated, self.venue, self.clock, FaultScript([]), port=port)

    async def listen(self) -> None:
        """Open the face; the adapter is built, not started."""
        self._port = await self._face.start()
        await self._driver.start()
        settings = BrokerSettings(
            port=self._port, retry_min_s=0.01, retry_max_s=0.02, request_timeout_s=2.0, what_if_timeout_s=2.0
        )
        self.broker = IbkrBroker(settings, self.clock, self.events, bot_id="bot")

    async def close(self) -> None:
        await super().close()
        await self._driver.stop()
        await self._face.stop()

    async def first(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> E:
        return await self.events.first(kind, where)

    async def venue_holds(self, instrument: VenueInstrument, quantity: int) -> None:
        moved = asyncio.Event()

        def hear(events: Sequence[VenueEvent]) -> None:
            moved.set()

        self.simulated.listeners.append(hear)
        async with asyncio.timeout(PATIENCE_S):
            while self._held(instrument) != quantity:
                await moved.wait()
                moved.clear()
        self.simulated.listeners.remove(hear)

    async def lose_the_link(self) -> None:
        await self._face.stop()

    async def bring_it_back(self) -> None:
        self._face = self._a_face(self._port)
        await self._face.start()

    async def breaks_a_part_of_the_book(self) -> None:
        self._face.mute.add(62)


class Faked(InProcess):
    """The engine tests' broker: it tells of orders and of the book. Its market and account are the tests' own."""

    lacks = frozenset({"market", "account", "contracts", "hours", "chains", "lines"})
    broker: FakeBroker

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(NOON)
        self.broker = FakeBroker(self.clock)
        self.broker.sink = self.events
        self._quote = Decimal("0.98"), Decimal("1.00"), 1000

    def step(self) -> None:
        self.clock.advance(_STEP_S)
        self.broker.answer()
        bid, ask, size = self._quote
        for order in self.broker.live:
            limit = order.terms.limit_price
            crosses = limit is not None and (limit >= ask if order.side is OrderSide.BUY else limit <= bid)
            if order.heard and (crosses or order.type is OrderType.MARKET):
                price = ask if order.side is OrderSide.BUY else bid
                self.broker.fill(order, min(order.left, size), price)

    async def market(self, bid: str, ask: str, size: int = 1000) -> None:
        self._quote = Decimal(bid), Decimal(ask), size

    async def refuse(self, code: int, ticket: OrderTicket) -> OrderTicket:
        self.broker.submit(ticket)
        self.broker.reject(self.broker.book[ticket.order_ref], code)
        return ticket

    async def lose_the_link(self) -> None:
        self.broker.hangs_up()

    async def bring_it_back(self) -> None:
        self.broker.comes_back()

    async def breaks_a_part_of_the_book(self) -> None:
        self.broker.incomplete = True


def a_ticket(name: str, quantity: int = 2, limit: str = "0.90", *, order_id: int | None = None) -> OrderTicket:
    """Return a limit order to buy, which rests below the market unless told otherwise."""
    terms = Terms(quantity, limit_price=Decimal(limit))
    return OrderTicket(name, f"bot-{name}", KEY, OrderSide.BUY, OrderType.LIMIT, terms, order_id)


async def book(site: Site) -> BrokerSnapshot:
    """Return the broker's book. Over a socket all that was said before has been heard when it comes."""
    return await site.broker.snapshot()
