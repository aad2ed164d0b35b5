"""The other side of the replayed session: a broker that fills at the touch, and a strategy that buys by the count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.clocks.clock import ManualClock
from bot.config.strategies import ExitSettings
from bot.domain.calendar import TradingSession
from bot.domain.events import Event
from bot.domain.events.account import BrokerPosition, BrokerSnapshot
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.market_data import ContractQualified
from bot.domain.events.orders import (
    BrokerOrderStatus,
    BrokerOrderView,
    CommissionReported,
    ExecutionReported,
    OrderReported,
    WhatIfAnswered,
)
from bot.domain.instructions import Subscribe
from bot.domain.instruments import PENNY_ALL, Instrument, OptionContract, PriceGrid, Right
from bot.domain.market import MarketView
from bot.domain.order import Execution, OrderSide, OrderTicket, OrderType
from bot.domain.position import Position
from bot.strategies.base import STANDS, Look, Proposal, Thesis

SECONDS = 23_400
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
SESSION = TradingSession(OPEN.date(), OPEN, OPEN + timedelta(seconds=SECONDS), is_half_day=False)
CONTRACTS = tuple(OptionContract(f"Q{letter}", date(2026, 12, 4), Right.CALL, Decimal(100)) for letter in "ABCDEFGH")
_BY_SYMBOL = {contract.symbol: contract for contract in CONTRACTS}
_SECOND = timedelta(seconds=1)
EQUITY = Decimal(750_000)
_FEE = Decimal("0.65")


class OneSession:
    """A calendar of the one session."""

    def session_on(self, day: date) -> TradingSession | None:
        return SESSION

    def next_session(self, after: date) -> TradingSession:
        return SESSION

    def today(self, now: datetime) -> date:
        return SESSION.day


class TouchBroker:
    """Limits fill where the price is no worse, stops where the bid has come to them, all at the touch and at once."""

    client_id, account = 17, "DU1"

    def __init__(self, clock: ManualClock, sink: Callable[[Event], None]) -> None:
        self._clock, self._sink = clock, sink
        self._live: dict[int, OrderTicket] = {}
        self._done: list[BrokerOrderView] = []
        self._executions: list[Execution] = []
        self.held = dict.fromkeys((contract.key for contract in CONTRACTS), 0)
        self.prices: Mapping[str, Decimal] = {}
        self._next_id = 1

    async def start(self) -> None:
        now = self._clock.now()
        self._sink(BrokerTimeTold(now, now, now, self._clock.monotonic()))
        self._sink(LinkChanged(LinkChange.CONNECTING, "", now))
        self._sink(LinkChanged(LinkChange.ACCEPTED, "", now))

    async def stop(self) -> None:
        """No socket."""

    def reserve_order_ids(self, at_least: int) -> None:
        self._next_id = max(self._next_id, at_least)

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        """Nothing to qualify."""

    def ask_hours(self, keys: Sequence[str]) -> None:
        """No hours."""

    def ask_chains(self, symbols: Sequence[str]) -> None:
        """No chains."""

    def ask_quotes(self, keys: Sequence[str]) -> None:
        """No quotes."""

    def subscribe(self, wanted: Subscribe) -> None:
        for number, contract in enumerate(CONTRACTS, 1000):
            if contract.key in wanted.wanted:
                self._sink(ContractQualified(contract.key, number, PENNY_ALL))

    def submit(self, ticket: OrderTicket) -> int:
        order_id, self._next_id = self._next_id, self._next_id + 1
        self._live[order_id] = ticket
        rests = ticket.order_type is OrderType.STOP
        self._tell(order_id, ticket, BrokerOrderStatus.PENDING if rests else BrokerOrderStatus.WORKING, 0)
        self._match(order_id, ticket)
        return order_id

    def amend(self, ticket: OrderTicket) -> None:
        assert ticket.order_id is not None
        self._live[ticket.order_id] = ticket
        self._tell(ticket.order_id, ticket, BrokerOrderStatus.PENDING, 0)

    def cancel(self, order_ref: str, order_id: int) -> None:
        self._done.append(self._tell(order_id, self._live.pop(order_id), BrokerOrderStatus.CANCELLED, 0))

    def step(self, prices: Mapping[str, Decimal]) -> None:
        """Match what rests against the touch of another second."""
        self.prices = prices
        for order_id, ticket in list(self._live.items()):
            self._match(order_id, ticket)

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        margin, after = Decimal(500), Decimal(1000)
        return WhatIfAnswered(signal_id, margin, EQUITY, after, Decimal("1.30"), None, self._clock.now())

    async def snapshot(self) -> BrokerSnapshot:
        now = self._clock.now()
        held = [BrokerPosition(c.key, c, count, self.prices[c.key]) for c in CONTRACTS if (count := self.held[c.key])]
        live = [self._view(number, ticket, BrokerOrderStatus.PENDING, 0) for number, ticket in self._live.items()]
        fees = {each.exec_id: _FEE * each.quantity for each in self._executions}
        return BrokerSnapshot(
            live, list(self._done), list(self._executions), fees, held, self._next_id, complete=True, faults=(),
            at=now, asked_at=now,
        )  # fmt: skip

    def _match(self, order_id: int, ticket: OrderTicket) -> None:
        price, terms = self.prices[ticket.contract_key], ticket.terms
        buys = ticket.side is OrderSide.BUY
        if ticket.order_type is OrderType.STOP and terms.stop_price is not None and price > terms.stop_price:
            return
        limit = terms.limit_price if ticket.order_type is OrderType.LIMIT else None
        if limit is not None and (price > limit if buys else price < limit):
            return
        self._fill(order_id, self._live.pop(order_id), price)

    def _fill(self, order_id: int, ticket: OrderTicket, price: Decimal) -> None:
        count, now = ticket.terms.quantity, self._clock.now()
        self.held[ticket.contract_key] += count if ticket.side is OrderSide.BUY else -count
        execution = Execution(
            f"0000e{len(self._executions):05d}.01", ticket.order_ref, 9000 + order_id, order_id, ticket.contract_key,
            ticket.side, count, price, now, self.client_id,
        )  # fmt: skip
        self._executions.append(execution)
        self._sink(ExecutionReported(execution))
        self._done.append(self._tell(order_id, ticket, BrokerOrderStatus.FILLED, count))
        self._sink(CommissionReported(execution.exec_id, _FEE * count, now))

    def _tell(self, order_id: int, ticket: OrderTicket, status: BrokerOrderStatus, filled: int) -> BrokerOrderView:
        view = self._view(order_id, ticket, status, filled)
        self._sink(OrderReported(view))
        return view

    def _view(self, order_id: int, ticket: OrderTicket, status: BrokerOrderStatus, filled: int) -> BrokerOrderView:
        return BrokerOrderView(
            ticket.order_ref, 9000 + order_id, order_id, self.client_id, ticket.contract_key, ticket.side, status,
            ticket.terms.quantity, filled, ticket.terms.limit_price, ticket.terms.stop_price, self._clock.now(),
        )  # fmt: skip


@dataclass
class EverySixHundredth:
    """Buys what is not held with its every 600th quote; a stop 0.2 % below, a trail of 0.05 % from +0.2 % on."""

    held: Mapping[str, int]
    name: str = "count"
    cool_down_s: float = 0.0
    due_every_s: float = 1.0
    chain: None = None
    symbols: tuple[str, ...] = tuple(contract.symbol for contract in CONTRACTS)
    exit: ExitSettings = field(
        default_factory=lambda: ExitSettings(
            stop_loss=Decimal("0.002"), rungs=(), single_trail_from=Decimal("0.002"), trail=Decimal("0.0005")
        )
    )

    def interests(self, view: MarketView, session: TradingSession, now: datetime) -> dict[str, frozenset[str]]:
        return {contract.key: frozenset({"quote"}) for contract in CONTRACTS}

    def input_faults(
        self, symbol: str, view: MarketView, now: datetime, contract: OptionContract | None = None
    ) -> tuple[str, ...]:
        return ()

    def still_holds(self, position: Position, view: MarketView, now: datetime) -> Thesis:
        return STANDS

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        contract, count = _BY_SYMBOL[symbol], (now - OPEN) // _SECOND + 1
        quote = None if count % 600 or self.held[contract.key] else view.quote(contract.key)
        if quote is None:
            return Look(symbol, None, "not the 600th quote", {"condition": "count"})
        return Look(symbol, Proposal(self.name, contract, quote, {"count": count}), "the 600th", {"condition": "met"})
