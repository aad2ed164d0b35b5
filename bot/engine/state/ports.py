"""What the engine needs of the world outside, in its own words. Floors 3 and 4 implement these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from bot.domain.calendar import TradingSession
from bot.domain.events import Event
from bot.domain.events.account import BrokerSnapshot
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.events.people import InboundReceived, RequestReceived, RequestUnreadable
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, PriceGrid
from bot.domain.order import OrderTicket
from bot.engine.state.records import LoadedState, TickBatch


class Clock(Protocol):
    """Time. `speed` is simulated seconds per wall second: 1 when trading.

    `tests/contracts/test_clocks.py` asks every clock for what is promised here.
    """

    speed: float

    def now(self) -> datetime:
        """Return the aware UTC time that the bot lives in; it never goes back by itself."""
        ...

    def monotonic(self) -> float:
        """Return wall seconds that never go back, for pacing sockets and pages (a manual clock: its own seconds)."""
        ...

    def steady_s(self) -> float:
        """Return wall seconds that never go back as this clock's time counts them: so many times `speed` have passed
        of it, whatever anybody set. The same as `monotonic`, but where the time waits for who lives in it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of this clock (of its monotonic time: that many by its speed), after others had
        their turn when it is none."""
        ...


class TradingCalendar(Protocol):
    """Sessions of XNYS. Both raise ValueError outside the range that was loaded."""

    def session_on(self, day: date) -> TradingSession | None:
        """Return the session of a New York date, None on a holiday or weekend."""
        ...

    def next_session(self, after: date) -> TradingSession:
        """Return the first session later than `after`."""
        ...

    def today(self, now: datetime) -> date:
        """Return the New York date of `now`."""
        ...


Sink = Callable[[Event], None]
"""Where adapters put their events. Called in the engine's own event loop thread."""


class Broker(Protocol):
    """The broker. Events arrive through the sink that the adapter was built with; nothing here decides anything.

    `tests/contracts/test_brokers.py` and `test_broker_market.py` ask every implementation for what is promised here.
    """

    client_id: int
    account: str

    async def start(self) -> None:
        """Begin to connect and keep connecting; returns at once, and a second call does nothing. Who is let in is told
        the broker's time, and `LinkChanged`: connecting, accepted."""
        ...

    async def stop(self) -> None:
        """Hang up: nothing is sent from then on; orders stay at the broker. A second call does nothing."""
        ...

    def reserve_order_ids(self, at_least: int) -> None:
        """Never use an order id below `at_least` (the store's high-water mark + 1)."""
        ...

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        """Take conIds and price grids that the store already knows, so that a contract is qualified once."""
        ...

    def submit(self, ticket: OrderTicket) -> int:
        """Write the order to the socket and return the order id used (`ticket.order_id` when it has one).

        Under an id in use it is a change of that order. Raises BrokerUnavailable when there is no connection, and
        OrderRejected when the contract is not qualified or the id belongs to another reference: then nothing was sent.
        """
        ...

    def amend(self, ticket: OrderTicket) -> None:
        """Send new terms under the same order id, the ticket's or the one that it was sent under; raises as `submit`,
        and OrderRejected where there is none."""
        ...

    def cancel(self, order_ref: str, order_id: int) -> None:
        """Ask to cancel; raises BrokerUnavailable, or OrderRejected when the id belongs to another reference.

        What becomes of it is told by status and 202, or by an error with this reference, also where nobody knows the
        order.
        """
        ...

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        """Return the margin preview, or the answer with `error` set after a deadline; never raises for the broker's own
        refusal."""
        ...

    async def snapshot(self) -> BrokerSnapshot:
        """Return the broker's book; parts that failed make it incomplete, never empty."""
        ...

    def subscribe(self, wanted: Subscribe) -> None:
        """Make the market data lines be these; contracts are qualified on the way."""
        ...

    def ask_hours(self, keys: Sequence[str]) -> None:
        """Ask for the trading hours of contracts; what is answered comes as `HoursTold`, nothing does without a
        connection."""
        ...

    def ask_chains(self, symbols: Sequence[str]) -> None:
        """Ask which options are listed on underlyings; what is answered comes as `ChainTold`, nothing does without a
        connection or of an underlying that nobody knows."""
        ...

    def ask_quotes(self, keys: Sequence[str]) -> None:
        """Ask once for the quotes of contracts, without holding a line; what is answered in time comes as
        `QuoteSnapshot`."""
        ...


class Store(Protocol):
    """The one writer's store. Reading for people goes through the store's own query rooms, not through this port.

    `tests/contracts/test_stores.py` asks both stores for what is promised here.
    """

    @property
    def head_hash(self) -> str:
        """Return the hash of the history's newest row, as far as it is known here; of an empty one 64 zeros."""
        ...

    async def load(self) -> LoadedState:
        """Return everything that is alive, in the order of birth, for a start or after a failed commit: as it was
        written, and nobody else's objects."""
        ...

    async def commit(self, batch: TickBatch) -> None:
        """Write a whole tick in one durable transaction, its transitions in their order; an empty one does nothing.

        Raises CommitFailed, also for what no row can hold, and StoreUnusable where disk or file is in trouble: then
        nothing of it is there.
        """
        ...

    async def pending_commands(self) -> Sequence[RequestReceived | RequestUnreadable]:
        """Return the command rows that nobody handled yet, oldest first."""
        ...

    async def pending_inbound(self) -> Sequence[InboundReceived]:
        """Return the rows of `inbound` that nobody handled yet, oldest first."""
        ...
