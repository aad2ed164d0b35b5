"""Limits through the real store: what a restart may not forget is there when the next run asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.clocks.clock import ManualClock
from bot.domain.breaker import BreakerState
from bot.domain.events.account import AccountReported
from bot.domain.events.people import RequestKind, RequestReceived
from bot.domain.position import CloseReason, PositionState
from bot.store.sql_store import SqlStore
from tests.engine.desk import TEN, Desk
from tests.engine.fake_broker import FakeBroker

Run = Callable[[], Awaitable[Desk]]
RunAt = Callable[[datetime], Awaitable[Desk]]
RISK: dict[str, Any] = {"daily_loss_fraction": "1", "daily_loss_usd": "0", "daily_loss_warning_fraction": "1"}


@pytest.fixture
async def run(url: str) -> AsyncIterator[Run]:
    """Start a run of the engine on the store; the one before is dropped as a crash would drop it."""
    clock = ManualClock(TEN)
    broker = FakeBroker(clock)
    seeds = iter(range(1, 99))
    async with AsyncExitStack() as open_stores:

        async def start() -> Desk:
            await open_stores.aclose()
            store = SqlStore(url, clock)
            await store.open()
            open_stores.push_async_callback(store.close)
            settings = {"risk": RISK, "engine": {"account_snapshot_seconds": 5}}
            return await Desk(settings, store=store, broker=broker, clock=clock, seed=next(seeds)).start()  # type: ignore[arg-type]

        yield start


@pytest.fixture
async def at(url: str) -> AsyncIterator[RunAt]:
    """Start a run by a machine's clock that says what it likes; the broker is another each time."""
    seeds = iter(range(1, 99))
    async with AsyncExitStack() as open_stores:

        async def start(moment: datetime) -> Desk:
            await open_stores.aclose()
            clock = ManualClock(moment)
            store = SqlStore(url, clock)
            await store.open()
            open_stores.push_async_callback(store.close)
            settings = {"risk": RISK, "engine": {"account_snapshot_seconds": 5}}
            return await Desk(settings, store=store, clock=clock, seed=next(seeds)).start()  # type: ignore[arg-type]

        yield start


async def worth(desk: Desk, dollars: int) -> None:
    desk.equity(dollars)
    await desk.ticks(32)


async def resume(desk: Desk) -> None:
    desk.put(RequestReceived("resume", RequestKind.RESUME, {}, "cli", desk.clock.now()))
    await desk.settle()


def drawdown(desk: Desk) -> BreakerState:
    return desk.engine.ledger.breakers["drawdown"].state


async def test_the_high_water_mark_and_its_breaker_outlive_restarts_and_a_resume_counts_anew(run: Run) -> None:
    first = await run()
    await worth(first, 105_500)
    await worth(first, 100_000)
    second = await run()
    await worth(second, 94_900)
    assert drawdown(second) is BreakerState.TRIPPED, "10 % below what the run before had seen"
    assert second.engine.ledger.session.state == "halted"
    third = await run()
    await third.settle()
    assert drawdown(third) is BreakerState.TRIPPED
    assert third.engine.ledger.session.state == "halted"
    assert "drawdown" in str(third.engine.ledger.entering.blocks)
    await worth(third, 94_900)
    await resume(third)
    assert drawdown(third) is BreakerState.OK
    fourth = await run()
    await worth(fourth, 90_000)
    assert drawdown(fourth) is BreakerState.OK, "what a person acknowledged is not counted again"
    assert fourth.engine.ledger.session.state == "active"
    await worth(fourth, 85_000)
    assert drawdown(fourth) is BreakerState.TRIPPED, "10 % below what it was when a person resumed"


async def paid(desk: Desk, net: int, cash: int) -> None:
    """The broker's word of an account whose cash moved as its value did."""
    value, now = Decimal(net), desk.clock.now()
    desk.account_talks = False
    desk.put(AccountReported("DU1", value, value, value, Decimal(cash), Decimal(0), Decimal(0), now))
    await desk.ticks(32)


@pytest.mark.parametrize("amount", [20_000, -20_000])
async def test_what_a_deposit_moved_stays_moved_over_restarts(run: Run, amount: int) -> None:
    first = await run()
    await paid(first, 100_000, 100_000)
    await paid(first, 100_000 + amount, 100_000 + amount)
    moved = first.engine.ledger.account
    assert moved.high_water == 100_000 + amount
    second = await run()
    ledger = second.engine.ledger
    assert (ledger.account.high_water, ledger.account.opening_equity) == (moved.high_water, moved.opening_equity)
    await paid(second, 100_000 + amount, 100_000 + amount)
    assert ledger.account.high_water == 100_000 + amount
    assert set(ledger.account.opening_equity.values()) == {Decimal(100_000 + amount)}
    assert {ledger.breakers[name].state for name in ("daily_loss", "drawdown")} == {BreakerState.OK}
    assert ledger.session.state == "active"


async def test_losses_in_a_row_and_their_acknowledgement_outlive_restarts(run: Run) -> None:
    desk = await run()
    desk.strategy.cool_down_s = 0
    for _ in range(3):
        await desk.propose(2)
        await desk.settle()
        desk.broker.fill(desk.broker.entry, 2, "2.00")
        await desk.settle()
        desk.broker.fill(desk.broker.stop_order, 2, "1.00")
        await desk.settle()
    assert desk.engine.ledger.breakers["losses"].state is BreakerState.TRIPPED
    again = await run()
    await again.ticks(8)
    assert again.engine.ledger.breakers["losses"].state is BreakerState.TRIPPED
    await resume(again)
    once_more = await run()
    await once_more.ticks(8)
    assert once_more.engine.ledger.breakers["losses"].state is BreakerState.OK


async def test_who_halted_when_and_why_is_there_after_a_restart(run: Run) -> None:
    desk = await run()
    at = desk.clock.now()
    desk.put(RequestReceived("halt", RequestKind.HALT, {"reason": "news"}, "admin:web:ann", at))
    await desk.settle()
    again = await run()
    await again.settle()
    session = again.engine.ledger.session
    assert (session.state, session.held_by, session.hold_reason) == ("halted", "admin:web:ann", "news")
    assert session.held_at is not None
    assert 0 <= (session.held_at - at).total_seconds() < 1


async def test_a_peak_between_two_snapshots_of_the_account_is_remembered(run: Run) -> None:
    first = await run()
    await worth(first, 100_000)
    first.equity(105_500)
    await first.ticks(5)
    first.equity(100_000)
    await first.ticks(3)
    silent = await run()
    await silent.ticks(32)
    assert silent.engine.ledger.account.equity is None
    third = await run()
    await worth(third, 94_900)
    assert drawdown(third) is BreakerState.TRIPPED, "also by a run that never heard of the account"


async def test_what_a_gap_closed_is_written_with_its_own_reason(run: Run) -> None:
    desk = await run()
    await desk.propose(2)
    await desk.settle()
    desk.broker.fill(desk.broker.entry, 2, "2.00")
    await desk.settle()
    desk._quoted["SPY"] = ("590.00", "590.02")
    await desk.ticks(70, 1.0)
    desk._quoted["SPY"] = ("558.00", "558.02")
    await desk.ticks(4, 1.0)
    again = await run()
    (position,) = again.engine.ledger.positions.values()
    assert (position.state, position.close_reason) == (PositionState.CLOSING, CloseReason.GAP)


async def test_a_clock_set_back_does_not_bring_back_what_was_withdrawn(at: RunAt) -> None:
    """What was kept before the withdrawal dates later than what a run by the clock that was set back has seen."""
    first = await at(TEN)
    await paid(first, 100_000, 100_000)
    await paid(first, 40_000, 40_000)
    behind = await at(TEN - timedelta(minutes=10))
    await paid(behind, 40_000, 40_000)
    third = await at(TEN + timedelta(minutes=5))
    await paid(third, 40_000, 40_000)
    assert third.engine.ledger.account.high_water == 40_000
    assert drawdown(third) is BreakerState.OK
