"""The real engine, the real adapter and a scripted TWS on a socket: what the wire says, seen in what the bot does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.app.composition import BotParts, compose, no_feed
from bot.broker.adapter import IbkrBroker
from bot.clocks.clock import ManualClock
from bot.config.schema import Settings
from bot.domain.events import Event
from bot.domain.events.people import AlertRaised, RequestKind, RequestReceived
from bot.domain.ids import IdSource
from bot.domain.instruments import parse_osi
from bot.domain.order import Order, Purpose
from bot.domain.position import Position
from bot.domain.signal import Signal
from bot.engine.state.ports import Store
from tests.broker.book_tws import BookTws
from tests.broker.conftest import SETTINGS
from tests.broker.fake_tws import OPTION_KEY
from tests.engine.fake_store import FakeStore
from tests.engine.fakes import FakeCalendar, FakeStrategy
from tests.patience import PATIENCE_S

TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
NO_LIMITS: Mapping[str, Any] = {
    "min_rejections": 10_000, "max_orders_per_minute": 10_000, "max_positions": 100, "max_same_direction": 100,
    "max_per_symbol": 100, "uw_silent_s": 31_622_400, "tws_gone_s": 31_622_400, "max_premium_fraction": "0.02",
}  # fmt: skip
PATIENT: Mapping[str, Any] = {"request_timeout_s": 3.0, "what_if_timeout_s": 3.0, "handshake_timeout_s": 5.0}
"""A busy machine must not look like a silent TWS; tests of silence say `HASTY`."""
HASTY: Mapping[str, Any] = {"request_timeout_s": 0.2, "what_if_timeout_s": 0.2}
_NAP_S = 0.004


class Wired:
    """Ticks the engine by hand while the socket lives by itself; waits are for what must come, never for time."""

    def __init__(
        self,
        tws: BookTws,
        *,
        settings: Mapping[str, Any] | None = None,
        store: Store | None = None,
        clock: ManualClock | None = None,
        broker: Mapping[str, Any] | None = None,
    ) -> None:
        self.tws = tws
        self.clock = clock or ManualClock(TEN)
        tws.now = self.clock.now
        self.store: Any = store or FakeStore()
        self.strategy = FakeStrategy(symbols=("SPX",), wants={OPTION_KEY: frozenset({"quote"})})
        self.key, self.contract = OPTION_KEY, parse_osi(OPTION_KEY)
        self.batches: list[Any] = []
        self._came = asyncio.Event()
        self._marks = 0
        given = {
            "bot_id": "bot", "risk": dict(NO_LIMITS), "execution": {"entries_wait_s": 0.01},
            "ibkr": {"restart_windows": []}, "engine": {"adopt": "all"}, **(settings or {}),
        }  # fmt: skip
        changes = {**PATIENT, **(broker or {})}
        reach = replace(SETTINGS, port=tws.port, **changes)
        bot = compose(
            BotParts(
                settings=Settings.model_validate(given),
                clock=self.clock,
                calendar=FakeCalendar(),
                store=lambda on: self.store,
                broker=lambda on: IbkrBroker(reach, on.clock, self._put, bot_id="bot"),
                feed=no_feed,
                strategies=[self.strategy],
                ids=IdSource(random.Random(1)),
                on_commit=self.batches.append,
            )
        )
        self.inbox, self.broker, self.engine = bot.inbox, bot.broker, bot.engine

    def _put(self, event: Event) -> None:
        self.inbox.put(event)
        self._came.set()

    # ---- time

    async def tick(self, seconds: float = 0.05) -> None:
        self.clock.advance(seconds)
        await self.engine.tick()

    async def until(self, what: Callable[[], Any], *, step: float = 0.05) -> Any:
        """Tick until something is so, and return what it gives."""
        try:
            return await self._until(what, step)
        except TimeoutError:
            told = [alert.text for batch in self.batches for alert in batch.alerts][-3:]
            now = f"session {self.session}, connection {self.connection}, last alerts {told}"
            raise AssertionError(f"it did not come to that: {now}") from None

    async def _until(self, what: Callable[[], Any], step: float) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := what()):
                self._came.clear()
                await self.tick(step)
                if self.inbox.depth == 0:
                    try:
                        await asyncio.wait_for(self._came.wait(), _NAP_S)
                    except TimeoutError:
                        continue
        return found

    async def heard(self) -> None:
        """Have everything that was sent so far be read and applied: a last harmless message comes through behind it."""
        self._marks += 1
        mark = f"mark {self._marks}"

        def send() -> None:
            self.broker._account._foreign_told = False  # it is told once, and a test may have spent that
            self.tws.send(6, 2, "NetLiquidation", "1", mark, self.broker.account)  # an account value in no currency

        def has_come() -> bool:
            if any(a.facts.get("currency") == mark for a in self._alerts("ACCOUNT_CURRENCY")):
                return True
            if self.broker._account._foreign_told:
                send()
            return False

        send()
        await self.until(has_come)

    # ---- the way to a trade

    async def start(self) -> Wired:
        """Start, connect, compare the books, and see the option quoted."""
        await self.engine.start()
        await self.broker.start()
        await self.until(lambda: self.session == "active")
        await self.until(lambda: self.tws.of(1), step=1.0)
        await self.quote()
        return self

    @property
    def line(self) -> str:
        """The request id of the option's quote line, the latest."""
        return self.tws.of(1)[-1][2]

    async def quote(self, bid: str = "4.9", ask: str = "5.1") -> None:
        self.tws.send_all([(1, 6, self.line, 1, bid, 10, 0), (1, 6, self.line, 2, ask, 10, 0)])

        def shown() -> bool:
            quote = self.engine.board.quote(self.key)
            now = self.clock.now()
            return quote is not None and (quote.bid, quote.ask) == (Decimal(bid), Decimal(ask)) and quote.at <= now

        await self.until(shown)

    async def propose(self) -> Order:
        """Have the strategy propose; returns the entry order once it is on the wire."""
        await self.until(lambda: self.engine.ledger.account.equity)
        await self.quote()
        known = {o.id for o in self.of(Purpose.ENTRY)}
        self.strategy.contract = self.contract
        order: Order = await self.until(
            lambda: next((o for o in self.of(Purpose.ENTRY) if o.id not in known and o.order_id), None)
        )
        await self.until(lambda: any(each[26] == order.order_ref for each in self.tws.of(3)))
        return order

    async def working(self) -> Order:
        order = await self.propose()
        await self.state_of(order, "working")
        return order

    async def hold(self) -> Position:
        """Return a position with its stop at work."""
        await self.working()
        self.tws.fill(self.tws.only("LMT"))
        await self.until(lambda: self.holds and self.position.protected_at)
        return self.position

    async def state_of(self, order: Order, state: str) -> Order:
        await self.until(lambda: self.order(order).state == state)
        return self.order(order)

    async def command(self, kind: RequestKind, **payload: Any) -> None:
        self._put(RequestReceived(f"c{len(self.batches)}", kind, payload, "cli", self.clock.now()))
        await self.tick()

    # ---- what is

    @property
    def session(self) -> str:
        return self.engine.ledger.session.state.value

    @property
    def connection(self) -> str:
        return self.engine.ledger.connection.state.value

    def order(self, order: Order) -> Order:
        return self.engine.ledger.orders[order.id]

    def of(self, purpose: Purpose) -> list[Order]:
        return [o for o in self.engine.ledger.orders.values() if o.purpose is purpose]

    @property
    def holds(self) -> bool:
        """Whether it has, or had, a position."""
        return bool(self.engine.ledger.positions or self.engine.ledger.closed)

    @property
    def position(self) -> Position:
        """The first position, open ones before those that are over."""
        ledger = self.engine.ledger
        return next(iter([*ledger.positions.values(), *ledger.closed.values()]))

    @property
    def has_signal(self) -> bool:
        return bool(self.engine.ledger.signals or self.engine.ledger.signal_index.over)

    @property
    def signal(self) -> Signal:
        ledger = self.engine.ledger
        found = [*ledger.signals.values(), *ledger.signal_index.over.values()]
        return max(found, key=lambda each: each.id)

    def _alerts(self, code: str) -> list[AlertRaised]:
        return [alert for batch in self.batches for alert in batch.alerts if alert.code == code]

    def alerts(self, code: str) -> list[AlertRaised]:
        """Return the alerts of a code that are on disk."""
        return self._alerts(code)

    @property
    def codes(self) -> list[str]:
        return [alert.code for batch in self.batches for alert in batch.alerts]

    def states_of(self, order: Order) -> list[str]:
        rows = [row for batch in self.batches for row in batch.transitions if row.entity_id == order.id]
        return [row.to_state for row in rows]


@asynccontextmanager
async def wired(tws: BookTws, **options: Any) -> AsyncIterator[Wired]:
    """A started bot, stopped again whatever happens."""
    bot = Wired(tws, **options)
    try:
        yield await bot.start()
    finally:
        await bot.engine.stop("the test is over")
        await bot.broker.stop()
