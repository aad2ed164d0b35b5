"""(c) One tick with 1,000 live positions: one quote changed, and all of them; and one with ten strategies on twelve
symbols, all of them quoted, when none of the strategies is due and when all are. No store, no broker: the decisions
alone, once each position was judged after the start and collections pass over what is there, as in the program.

The reference is the least that any loop must do with the same quotes: look each position up and compare its bid with
two levels.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle

from benchmarks.result import Result, median, percentile
from bot.app.composition import BotParts, compose, no_feed, ready_made
from bot.clocks.clock import ManualClock
from bot.config.schema import Settings
from bot.domain.calendar import TradingSession
from bot.domain.connection import Connection, ConnectionState
from bot.domain.events.account import BookFault, BookPart, BrokerSnapshot
from bot.domain.events.link import BrokerTimeTold
from bot.domain.events.market_data import QuoteReceived
from bot.domain.events.orders import WhatIfAnswered
from bot.domain.events.people import InboundReceived, RequestReceived
from bot.domain.ids import IdSource
from bot.domain.instructions import Subscribe
from bot.domain.instruments import Instrument, OptionContract, PriceGrid, Right
from bot.domain.kinds import Entities
from bot.domain.order import Order, OrderSide, OrderState, OrderTicket, OrderType, Purpose, Terms
from bot.domain.position import CloseReason, Position, PositionState, Protection
from bot.domain.quotes import Quote
from bot.domain.session import Session, SessionState
from bot.engine.state.inbox import Inbox
from bot.engine.state.records import LoadedState, TickBatch
from bot.engine.tick import Engine
from bot.risk.ladder import freeze_plan
from bot.strategies.base import Strategy
from bot.strategies.registry import STRATEGIES

_POSITIONS = 1000
_STRATEGIES = 10
_SYMBOLS = ("SPY", "QQQ", "IWM", "DIA", "AAPL", "MSFT", "NVDA", "AMZN", "META", "TSLA", "GOOGL", "AMD")
_LOOKS_EVERY_S = 5.0
_MOST_IDLE_MS = 0.3
_ROUNDS = 400
_WARM = 8
_NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
_DAY = TradingSession(date(2026, 11, 20), _NOW - timedelta(minutes=30), _NOW + timedelta(hours=6), is_half_day=False)


class _Calendar:
    def session_on(self, day: date) -> TradingSession | None:
        return _DAY

    def next_session(self, after: date) -> TradingSession:
        return _DAY

    def today(self, now: datetime) -> date:
        return _DAY.day


class _Store:
    head_hash = "0" * 64

    def __init__(self, state: LoadedState) -> None:
        self._state = state

    async def load(self) -> LoadedState:
        return self._state

    async def commit(self, batch: TickBatch) -> None:
        """The disk is measured elsewhere."""

    async def pending_commands(self) -> Sequence[RequestReceived]:
        return ()

    async def pending_inbound(self) -> Sequence[InboundReceived]:
        return ()


class _Broker:
    client_id, account = 17, "DU1"

    async def start(self) -> None:
        """No socket."""

    async def stop(self) -> None:
        """No socket."""

    def reserve_order_ids(self, at_least: int) -> None:
        """No ids are given."""

    def remember(self, contracts: Mapping[str, tuple[Instrument, PriceGrid]]) -> None:
        """Nothing to qualify."""

    def submit(self, ticket: OrderTicket) -> int:
        return 1

    def amend(self, ticket: OrderTicket) -> None:
        """Not heard."""

    def cancel(self, order_ref: str, order_id: int) -> None:
        """Not heard."""

    async def what_if(self, signal_id: str, ticket: OrderTicket) -> WhatIfAnswered:
        raise AssertionError("the benchmark proposes nothing")

    async def snapshot(self) -> BrokerSnapshot:
        faults = (BookFault(BookPart.COMPLETED_ORDERS, "none"),)
        return BrokerSnapshot((), (), (), {}, (), 1, complete=False, faults=faults, at=_NOW, asked_at=_NOW)

    def subscribe(self, wanted: Subscribe) -> None:
        """No lines."""

    def ask_hours(self, keys: Sequence[str]) -> None:
        """No hours."""

    def ask_chains(self, symbols: Sequence[str]) -> None:
        """No chains."""

    def ask_quotes(self, keys: Sequence[str]) -> None:
        """No quotes."""


def _position(number: int, settings: Settings) -> tuple[Position, Order]:
    right = Right.CALL if number % 2 else Right.PUT
    contract = OptionContract("SPY", _DAY.day, right, Decimal(100 + number))
    plan = freeze_plan(settings.strategies.zero_dte_gamma.exit, contract, _DAY)
    position = Position(
        id=f"P{number:04}",
        contract=contract,
        strategy="zero_dte_gamma",
        plan=plan,
        opened_at=_NOW,
        entry_quantity=10,
        entry_value=Decimal(20),
        stop_price=Decimal(1),
        high=Decimal(2),
        protection=Protection.WORKING,
        cover_at=_NOW,
    )
    order = Order(
        id=f"O{number:04}",
        order_ref=f"qty-O{number:04}",
        contract_key=contract.key,
        purpose=Purpose.PROTECT,
        side=OrderSide.SELL,
        order_type=OrderType.STOP,
        terms=Terms(10, stop_price=Decimal(1)),
        created_at=_NOW,
        state_since=_NOW,
        state=OrderState.WORKING,
        position_id=position.id,
        tag="stop",
        order_id=number + 1,
    )
    return position, order


def _stopped_out(number: int, settings: Settings) -> tuple[Position, Order]:
    """Return a position that is over, and its stop."""
    position, order = _position(number, settings)
    ended = _NOW - timedelta(minutes=20)
    over = replace(
        position, state=PositionState.CLOSED, exit_quantity=10, exit_value=Decimal(10), closed_at=ended,
        close_reason=CloseReason.STOP,
    )  # fmt: skip
    return over, replace(order, state=OrderState.FILLED, filled_quantity=10, done_at=ended)


async def engine_with(
    held: int, over: int = 0, looking: Sequence[Strategy] | None = None
) -> tuple[Engine, ManualClock, Inbox, list[str]]:
    """Return an engine that holds so many positions, after so many of today's that are over; and the keys held.
    `looking`: the strategies, None for the first of ours."""
    strategies = {"zero_dte_gamma": {"symbols": ("SPY",)}}
    risk = {"degradation": {"enabled": False}}  # hundreds of stopped ones would switch it off
    settings = Settings(strategies=strategies, risk=risk)  # type: ignore[arg-type]
    pairs = [_position(number, settings) for number in range(held)]
    ended = [_stopped_out(held + number, settings) for number in range(over)]
    link = Connection(state=ConnectionState.SYNCED)
    positions, orders = [p for p, _ in (*pairs, *ended)], [o for _, o in (*pairs, *ended)]
    state = LoadedState(
        entities=Entities([Session(state=SessionState.ACTIVE), link, *orders, *positions]),
        executions={},
        commissions={},
        instruments={},
        highest_order_id=held + over,
        tick=0,
        last_signal_at={},
        opening_equity={},
    )
    bot = compose(
        BotParts(
            settings=settings,
            clock=ManualClock(_NOW),
            calendar=_Calendar(),
            store=ready_made(_Store(state)),
            broker=ready_made(_Broker()),
            feed=no_feed,
            strategies=looking,
            ids=IdSource(random.Random(1)),
        )
    )
    engine = bot.engine
    await engine.start()
    engine.ledger.session = Session(state=SessionState.ACTIVE)
    engine.ledger.connection = Connection(state=ConnectionState.SYNCED)
    now = bot.clock.now()
    bot.inbox.put(BrokerTimeTold(now, now, now, bot.clock.monotonic()))  # by a clock that is not known nothing rests
    return engine, bot.clock, bot.inbox, [position.key for position, _ in pairs]


def _quote(at: datetime, step: int) -> Quote:
    bid = Decimal(200 + step % 7).scaleb(-2)
    return Quote(bid, bid + Decimal("0.02"), 50, 60, bid, at)


@dataclass(frozen=True, slots=True)
class _Timed:
    """Milliseconds of each tick by the wall and of processor time, which no neighbour takes; and of the reference."""

    wall: list[float]
    busy: list[float]
    bare: list[float]


async def _time_ticks(changed: int) -> _Timed:
    engine, clock, inbox, keys = await engine_with(_POSITIONS)
    for _ in range(_WARM):  # each is judged once, as after a start; then collections pass over what is there
        clock.advance(0.25)
        await engine.tick()
    gc.collect()
    gc.freeze()
    timed = _Timed([], [], [])
    for number in range(_ROUNDS if changed == 1 else _ROUNDS // 4):
        clock.advance(0.25)
        quotes = {key: _quote(clock.now(), number) for key in keys[:changed]}
        for key, quote in quotes.items():
            inbox.put(QuoteReceived(key, quote))
        began, busy = time.perf_counter(), time.thread_time()
        await engine.tick()
        timed.busy.append((time.thread_time() - busy) * 1000)
        timed.wall.append((time.perf_counter() - began) * 1000)
        timed.bare.append(_bare(quotes))
    gc.unfreeze()
    return timed


def _bare(quotes: Mapping[str, Quote]) -> float:
    """Compare each changed bid with a stop and a rung; milliseconds."""
    levels = {key: (Decimal(1), Decimal(3)) for key in quotes}
    began = time.perf_counter()
    crossed = 0
    for key, quote in quotes.items():
        low, high = levels[key]
        crossed += quote.bid is not None and (quote.bid <= low or quote.bid >= high)
    return (time.perf_counter() - began) * 1000


def ten_strategies() -> list[Strategy]:
    """Return ten strategies on twelve symbols: ours, again and again where they are fewer."""
    sections = Settings().strategies.sections()
    ours = [make(sections[name]) for name, make in STRATEGIES.items()]
    found = []
    for number, each in zip(range(_STRATEGIES), cycle(ours), strict=False):
        strategy = copy(each)
        strategy.name, strategy.symbols = f"{each.name} {number}", _SYMBOLS
        strategy.due_every_s = _LOOKS_EVERY_S
        found.append(strategy)
    return found


async def _time_looks() -> tuple[list[float], list[float]]:
    """Return the milliseconds of processor time of the ticks in which no strategy is due, and of those in which all
    are."""
    engine, clock, inbox, _ = await engine_with(0, looking=ten_strategies())
    gc.collect()
    gc.freeze()
    idle, due, every = list[float](), list[float](), int(_LOOKS_EVERY_S / 0.25)
    for number in range(_ROUNDS * 2):
        for symbol in _SYMBOLS:
            inbox.put(QuoteReceived(symbol, _quote(clock.now(), number)))
        busy = time.thread_time()
        await engine.tick()
        (idle if number % every else due).append((time.thread_time() - busy) * 1000)
        clock.advance(0.25)
    gc.unfreeze()
    return idle, due


def _looks() -> Result:
    idle, due = asyncio.run(_time_looks())
    figures = f"of processor time, median and p99: nothing due {_both(idle)} ms, all ten due {_both(due)} ms"
    name = f"tick, {_STRATEGIES} strategies on {len(_SYMBOLS)} symbols, nothing due"
    return Result(name, figures, f"{median(idle):.2f} ms", "0.3 ms", median(idle) < _MOST_IDLE_MS)


def run() -> list[Result]:
    results = [_looks()]
    for changed, aim, most in ((1, 0.1, 3.0), (_POSITIONS, 3.0, 10.0)):
        timed = asyncio.run(_time_ticks(changed))
        took, bare = median(timed.wall), median(timed.bare)
        figures = f"median and p99 {_both(timed.wall)} ms; of processor time {_both(timed.busy)}; bare {bare:.4f} ms"
        name = f"tick, {_POSITIONS} positions, {changed} quote{'s' if changed > 1 else ''} changed"
        measured = f"{took:.2f} ms ({took / max(bare, 1e-6):,.0f}x bare)"
        met = took <= aim and percentile(timed.wall, 0.99) <= most
        results.append(Result(name, figures, measured, f"{aim:g} ms, p99 {most:g}", met))
    return results


def _both(values: Sequence[float]) -> str:
    return f"{median(values):.2f}, {percentile(values, 0.99):.2f}"
