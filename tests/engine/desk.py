"""A trading desk for tests: the real engine on fakes, stepped by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.app.composition import BotParts, Ground, compose, no_feed, ready_made
from bot.clocks.clock import ManualClock
from bot.config.schema import Settings
from bot.domain.events import Event
from bot.domain.events.account import AccountReported
from bot.domain.events.feeds import DatumReceived
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.market_data import QuoteReceived
from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.ids import IdSource
from bot.domain.instruments import OptionContract, Right
from bot.domain.order import Order, OrderSide, OrderType, Purpose, Terms
from bot.domain.position import ExitPlan, Position, PositionState, Rung
from bot.domain.signal import Signal
from bot.engine.outbox.voice import SILENT, Voice
from bot.strategies.base import Strategy
from tests.engine.fake_broker import FakeBroker
from tests.engine.fake_store import FakeStore
from tests.engine.fakes import FakeCalendar, FakeStrategy, a_quote

DAY = date(2026, 11, 20)
TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York
SPY_590C = OptionContract("SPY", DAY, Right.CALL, Decimal(590))
SPY_580P = OptionContract("SPY", DAY, Right.PUT, Decimal(580))
TICK = 0.25
TAKES_ALL: dict[str, Any] = {"engine": {"adopt": "all"}}
"""Settings under which all that the broker holds is taken over, as a start did before anybody was asked."""
_ACCOUNT_EVERY = timedelta(minutes=3)
_QUIET = 4


class Desk:
    """Engine, broker, store, clock and strategy, and the few moves that every test makes."""

    def __init__(
        self,
        settings: dict[str, Any] | None = None,
        *,
        store: FakeStore | None = None,
        broker: FakeBroker | None = None,
        clock: ManualClock | None = None,
        calendar: FakeCalendar | None = None,
        strategy: FakeStrategy | None = None,
        others: Sequence[Strategy] = (),
        at: datetime = TEN,
        seed: int = 1,
        voice: Voice = SILENT,
        overseen: bool = False,
    ) -> None:
        self.settings = Settings.model_validate(settings or {})
        self.clock = clock or ManualClock(at)
        self.store = store or FakeStore()
        if isinstance(self.store, FakeStore):
            self.store.clock = self.clock
        self.broker = broker or FakeBroker(self.clock)
        self.strategy = strategy or FakeStrategy()
        self.calendar = calendar or FakeCalendar()
        self.broker.online = True  # how the link is, the desk tells its engine itself
        self.contract = SPY_590C
        self._quoted: dict[str, tuple[str | None, str | None]] = {}
        self.quoting = True
        self.ahead = timedelta(0)  # of the broker's clock
        self.vendor_talks = True
        self._commands = 0
        self._worth: Decimal | None = None  # of the account
        self._told_at = self.clock.now()
        self.account_talks = True
        bot = compose(
            BotParts(
                settings=self.settings,
                clock=self.clock,
                calendar=self.calendar,
                store=ready_made(self.store),
                broker=self._heard,
                feed=no_feed,
                strategies=[self.strategy, *others],
                ids=IdSource(random.Random(seed)),
                voice=voice,
                overseen=overseen,
                wait_for_answers=True,
            )
        )
        self.inbox, self.engine = bot.inbox, bot.engine

    def _heard(self, on: Ground) -> FakeBroker:
        self.broker.sink = on.inbox.put
        return self.broker

    # ---- time

    async def start(self) -> Desk:
        """Start, connect, compare the books."""
        await self.engine.start()
        await self.connect()
        return self

    def broker_says(self) -> None:
        """The broker tells its time, by which ours is `ahead`."""
        now = self.clock.now()
        self.put(BrokerTimeTold(now - self.ahead, now, now, self.clock.monotonic()))

    async def connect(self) -> None:
        self.broker_says()
        self.put(LinkChanged(LinkChange.CONNECTING, "", self.clock.now()))
        self.put(LinkChanged(LinkChange.ACCEPTED, "", self.clock.now()))
        await self.ticks(3)

    async def tick(self, seconds: float = TICK) -> None:
        """One tick, after so many seconds; the venue goes on quoting what it quoted."""
        self.clock.advance(seconds)
        if self.quoting:
            for key, (bid, ask) in self._quoted.items():
                self.put(QuoteReceived(key, a_quote(bid, ask, self.clock.now())))
        if self.account_talks and self._worth and self.clock.now() - self._told_at >= _ACCOUNT_EVERY:
            self._tell_equity(self._worth)
        if self.vendor_talks:
            now = self.clock.now()
            self.put(DatumReceived("word", "SPY", None, None, now, 60, "unusual_whales"))
        await self.engine.tick()

    async def ticks(self, count: int, seconds: float = TICK) -> None:
        for _ in range(count):
            await self.tick(seconds)

    async def settle(self, seconds: float = TICK) -> None:
        """Tick and let the broker answer until nothing is under way."""
        quiet = 0
        for _ in range(60):
            await self.tick(seconds)
            quiet = 0 if self.broker.answer() or self.inbox.depth else quiet + 1
            if quiet == _QUIET:
                return
        raise AssertionError("the desk does not come to rest")

    async def wait(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass with a broker that answers."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            await self.tick(step)
            self.broker.answer()
        await self.settle()

    # ---- the world

    def put(self, event: Event) -> None:
        self.inbox.put(event)

    def quote(self, bid: str | None, ask: str | None, contract: OptionContract | None = None) -> None:
        key = (contract or self.contract).key
        self._quoted[key] = (bid, ask)
        self.put(QuoteReceived(key, a_quote(bid, ask, self.clock.now())))

    def equity(self, dollars: str | int) -> None:
        """The broker tells the account's value; what changed since it told the first is unrealized P&L."""
        value = self._worth = Decimal(dollars)
        self.broker.first_worth = self.broker.first_worth or value
        self._tell_equity(value)

    def _tell_equity(self, value: Decimal) -> None:
        first, now = self.broker.first_worth or value, self.clock.now()
        self._told_at = now
        self.put(AccountReported("DU1", value, value, value, first, Decimal(0), value - first, now))

    async def command(self, kind: RequestKind, actor: str = "cli", **payload: Any) -> tuple[str, str]:
        """Give a command and return (state, answer)."""
        self._commands += 1
        self.put(RequestReceived(f"c{self._commands}", kind, payload, actor, self.clock.now()))
        await self.tick()
        return self.store.answers[-1]

    # ---- a life, up to a point

    async def propose(self, quantity: int = 4, bid: str = "1.98", ask: str = "2.02") -> None:
        """Have the strategy propose; the account is such that `quantity` contracts are within the budget."""
        self.quote(bid, ask)
        mid = (Decimal(bid) + Decimal(ask)) / 2
        worst = mid + (Decimal(ask) - Decimal(bid)) / 4
        self.equity(int(quantity * (worst + Decimal("0.02")) * 100 * 50))
        await self.tick()
        self.strategy.contract = self.contract
        await self.tick()

    async def entry_working(self, quantity: int = 4) -> None:
        await self.propose(quantity)
        await self.settle()
        assert self.broker.entry.terms.quantity == quantity

    async def hold(self, quantity: int = 4, price: str = "2.00") -> Position:
        """Return an open, protected position of `quantity` bought at `price`."""
        await self.entry_working(quantity)
        self.broker.fill(self.broker.entry, quantity, price)
        await self.settle()
        return self.position

    @property
    def position(self) -> Position:
        """The position as the store has it."""
        return self.store.positions[-1]

    @property
    def signal(self) -> Signal:
        found: Signal = self.store.signals[-1]
        return found

    async def bid(self, price: str) -> None:
        """Let the market go to a bid, two cents under its ask, and the desk come to rest."""
        self.quote(price, str(Decimal(price) + Decimal("0.02")))
        await self.settle()


# ---- builders


def forced(entity: object, **fields: object) -> None:
    """Put fields of an entity past the one door, as no decision would."""
    for name, value in fields.items():
        setattr(entity, name, value)


def a_plan(**changes: Any) -> ExitPlan:
    half, three_quarters = Rung(Decimal("0.5"), Decimal("0.25")), Rung(Decimal(1), Decimal("0.75"))
    fields: dict[str, Any] = {
        "rungs": (half, three_quarters),
        "stop_loss": Decimal("0.5"),
        "trail": Decimal("0.25"),
        "single_trail_from": Decimal("0.5"),
        "flat_at": None,
    }
    return ExitPlan(**{**fields, **changes})


def a_position(state: PositionState = PositionState.FILLED, **changes: Any) -> Position:
    fields: dict[str, Any] = {
        "id": "P1",
        "contract": SPY_590C,
        "strategy": "fake",
        "plan": a_plan(),
        "opened_at": TEN,
        "state": state,
        "entry_quantity": 4,
        "entry_value": Decimal(8),
        "high": Decimal(2),
    }
    return Position(**{**fields, **changes})


def a_signal(**changes: Any) -> Signal:
    fields: dict[str, Any] = {
        "id": "S1",
        "strategy": "fake",
        "contract": SPY_590C,
        "quantity": 4,
        "limit_price": Decimal(2),
        "notional": Decimal(800),
        "created_at": TEN,
        "expires_at": TEN + timedelta(seconds=180),
    }
    return Signal(**{**fields, **changes})


def an_order(purpose: Purpose = Purpose.ENTRY, quantity: int = 4, **changes: Any) -> Order:
    kind = {Purpose.ENTRY: OrderType.LIMIT, Purpose.PROTECT: OrderType.STOP, Purpose.EXIT: OrderType.MARKET}[purpose]
    fields: dict[str, Any] = {
        "id": f"O-{purpose}",
        "order_ref": f"qty-{purpose}",
        "contract_key": SPY_590C.key,
        "purpose": purpose,
        "side": OrderSide.BUY if purpose is Purpose.ENTRY else OrderSide.SELL,
        "order_type": kind,
        "terms": Terms(quantity),
        "created_at": TEN,
        "state_since": TEN,
    }
    return Order(**{**fields, **changes})
