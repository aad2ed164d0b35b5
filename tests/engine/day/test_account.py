"""What the account is worth between the broker's words, and what is no profit and no loss."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.breaker import BreakerState
from bot.domain.events.account import AccountReported
from bot.domain.events.link import BrokerTimeTold
from bot.domain.order import Execution, OrderSide
from bot.engine.state.equity import Equity, cash_flow
from tests.engine.desk import DAY, SPY_590C, Desk

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


class Teller:
    """Tells the account's values as the broker does: words every three minutes, P&L every second."""

    def __init__(self, desk: Desk, equity: int = 100_000) -> None:
        desk.account_talks = False
        self.desk, value = desk, Decimal(equity)
        self.last = AccountReported("DU1", value, value, value, value, Decimal(0), Decimal(0), desk.clock.now())

    def word(self, **changes: Any) -> None:
        now = self.desk.clock.now()
        money: dict[str, Any] = {key: Decimal(each) if isinstance(each, int) else each for key, each in changes.items()}
        self.last = replace(self.last, at=now, **money)
        self.desk.put(self.last)

    def pnl(self, daily: int | None, unrealized: int | None = None) -> None:
        now = self.desk.clock.now()
        parts = [None if each is None else Decimal(each) for each in (daily, unrealized)]
        self.last = replace(self.last, pnl_at=now, daily_pnl=parts[0], unrealized_pnl=parts[1])
        self.desk.put(self.last)


async def start(**risk: Any) -> tuple[Desk, Teller]:
    desk = await Desk({"risk": risk} if risk else None).start()
    teller = Teller(desk)
    teller.word()
    await desk.ticks(2, 1)
    teller.pnl(0, 0)
    teller.word()
    await desk.ticks(2, 1)
    return desk, teller


def state(desk: Desk, name: str) -> BreakerState:
    return desk.engine.ledger.breakers[name].state


@pytest.mark.parametrize("daily", [-9_000, None], ids=["daily", "unrealized alone"])
async def test_a_loss_of_nine_percent_in_a_minute_trips_within_seconds(daily: int | None) -> None:
    desk, teller = await start()
    await desk.ticks(30, 1)
    assert state(desk, "daily_loss") is BreakerState.OK
    teller.pnl(daily, -9_000)
    await desk.ticks(3, 1)
    assert state(desk, "daily_loss") is BreakerState.TRIPPED
    assert desk.store.session.state == "halted"


async def test_where_the_brokers_pnl_is_silent_the_marks_say_it() -> None:
    desk = await Desk().start()
    await desk.hold(20)
    desk.account_talks = False
    word = Teller(desk, int(desk.engine.ledger.account.heard.told or 0))
    word.last = replace(word.last, realized_pnl=None, unrealized_pnl=None)
    word.word()
    await desk.ticks(2, 1)
    before = desk.engine.ledger.account.equity
    desk.quote("1.68", "1.72")
    await desk.ticks(3, 1)
    assert before is not None
    assert desk.engine.ledger.account.equity == before - 20 * 30


async def test_equity_that_is_too_old_is_none_and_comes_back_with_the_next_word() -> None:
    desk, teller = await start(equity_max_age_s=200)
    await desk.ticks(201, 1)
    assert desk.engine.ledger.account.equity is None
    assert desk.store.alerts.count("EQUITY_STALE") == 1
    desk.quote("1.98", "2.02")
    desk.strategy.contract = SPY_590C
    await desk.ticks(8, 1)
    assert desk.store.signals == []
    assert "EQUITY_STALE" in desk.store.status.waiting_for[0]
    teller.word()
    await desk.ticks(2, 1)
    assert desk.engine.ledger.account.equity == 100_000


@pytest.mark.parametrize("amount", [-20_000, 20_000, -150, 60_000])
async def test_money_paid_in_or_out_neither_trips_nor_hides_a_loss(amount: int) -> None:
    desk, teller = await start()
    await desk.ticks(60, 1)
    teller.word(net_liquidation=100_000 + amount, cash=100_000 + amount)
    await desk.ticks(3, 1)
    ledger = desk.engine.ledger
    assert ledger.account.opening_equity[DAY] == 100_000 + amount
    assert ledger.account.high_water == 100_000 + amount
    assert {state(desk, "daily_loss"), state(desk, "drawdown")} == {BreakerState.OK}
    assert desk.store.alerts.count("CASH_FLOW") == 1
    rows = [r for r in desk.store.transitions if r.trigger == "adjust"]
    assert {r.entity_id for r in rows} == {"daily_loss", "drawdown"}
    loss = (100_000 + amount) * 7 // 100
    teller.pnl(-loss, -loss)
    await desk.ticks(3, 1)
    assert state(desk, "daily_loss") is BreakerState.TRIPPED


async def test_a_loss_whose_pnl_is_not_told_is_no_withdrawal() -> None:
    desk, teller = await start()
    teller.word(net_liquidation=92_000)  # cash stands
    await desk.ticks(3, 1)
    assert desk.store.alerts.count("CASH_FLOW") == 0
    assert state(desk, "daily_loss") is BreakerState.TRIPPED


@pytest.mark.parametrize("value", [0, -5, None])
async def test_what_is_no_sound_value_is_no_first_equity(value: int | None) -> None:
    desk = await Desk().start()
    teller = Teller(desk)
    teller.word(net_liquidation=value)
    await desk.ticks(2, 1)
    assert DAY not in desk.engine.ledger.account.opening_equity
    assert desk.engine.ledger.account.equity is None
    teller.word(net_liquidation=100_000)
    await desk.ticks(2, 1)
    assert desk.engine.ledger.account.opening_equity[DAY] == 100_000


async def test_a_start_within_the_session_counts_what_was_lost_before_it() -> None:
    desk = await Desk().start()
    teller = Teller(desk, 95_000)
    teller.word()
    await desk.ticks(1, 1)
    teller.pnl(-5_000, -5_000)
    await desk.ticks(2, 1)
    assert desk.engine.ledger.account.opening_equity[DAY] == 100_000


async def test_pnl_of_before_a_fill_is_not_taken_from_a_value_after_it() -> None:
    desk = await Desk().start()
    teller = Teller(desk)
    teller.word()
    await desk.ticks(30, 1)
    teller.pnl(0, 0)
    await desk.ticks(30, 1)
    teller.word(net_liquidation=100_028)  # a position is up by 28 by now, and P&L has not said so yet
    await desk.ticks(2, 1)
    assert desk.engine.ledger.account.opening_equity[DAY] == 100_000


async def test_an_account_in_another_currency_is_not_traded() -> None:
    desk = await Desk().start()
    teller = Teller(desk)
    teller.word(currency="EUR", net_liquidation=None)
    desk.quote("1.98", "2.02")
    desk.strategy.contract = SPY_590C
    await desk.ticks(12, 1)
    assert desk.store.signals == []
    assert "EQUITY_NOT_IN_DOLLARS: the account is kept in EUR" in desk.store.status.waiting_for[0]


BEFORE = AccountReported("DU1", Decimal(100_000), None, None, Decimal(50_000), Decimal(0), Decimal(0), NOW)
AFTER = replace(BEFORE, at=NOW + timedelta(seconds=60), net_liquidation=Decimal(40_000), cash=Decimal(-10_000))


def bought(seconds: float, dollars: str) -> tuple[Execution, int, Decimal]:
    """A purchase of one contract so many seconds after the first word."""
    at = NOW + timedelta(seconds=seconds)
    price = Decimal(dollars) / 100
    return (
        Execution(
            exec_id="e.1.01.01", order_ref="r", perm_id=1, order_id=1, client_id=1, contract_key=SPY_590C.key,
            side=OrderSide.BUY, quantity=1, price=price, executed_at=at,
        ), 100, Decimal(0),
    )  # fmt: skip


@pytest.mark.parametrize("seconds", [-1.5, 0.5, 59.5, 61.0])
@pytest.mark.parametrize("is_in", [True, False])
def test_a_fill_at_the_edge_of_a_word_changes_nothing_of_what_was_withdrawn(seconds: float, is_in: bool) -> None:
    """It may be in the word or not; a withdrawal that came at the same moment is its whole sum either way."""
    fill = bought(seconds, "658")
    after = replace(AFTER, cash=AFTER.cash - 658 if is_in and AFTER.cash is not None else AFTER.cash)
    flow = cash_flow(BEFORE, after, [fill], Decimal(100), timedelta(seconds=2))
    assert flow is not None
    assert flow.amount == -60_000


def test_a_fill_in_the_midst_counts_whatever_it_does_to_the_sum() -> None:
    after = replace(AFTER, cash=AFTER.cash - 658 if AFTER.cash is not None else None)
    flow = cash_flow(BEFORE, after, [bought(30, "658")], Decimal(100), timedelta(seconds=2))
    assert flow is not None
    assert flow.amount == -60_000


SOLD = [replace(bought(seconds, dollars)[0], side=OrderSide.SELL) for seconds, dollars in ((58, "500"), (59, "624"))]


@pytest.mark.parametrize("cash", [500, 624, 1124, 0])
@pytest.mark.parametrize("equity", [500, -500, 624])
def test_what_fills_near_a_word_explain_is_no_deposit(cash: int, equity: int) -> None:
    """Cash holds any of them, and equity moved by as much meanwhile: P&L was told a little before it."""
    after = replace(AFTER, net_liquidation=Decimal(100_000 + equity), cash=Decimal(50_000 + cash))
    fills = [(each, 100, Decimal(0)) for each in SOLD]
    assert cash_flow(BEFORE, after, fills, Decimal(100), timedelta(seconds=5)) is None


@pytest.mark.parametrize("count", [11, 40])
def test_very_many_fills_near_a_word_are_no_deposit_and_hide_none(count: int) -> None:
    fills = [(replace(SOLD[0], exec_id=f"e.{i}.01.01"), 100, Decimal(0)) for i in range(count)]
    after = replace(AFTER, net_liquidation=Decimal(103_000), cash=Decimal(50_000 + 500 * (count - 5)))
    assert cash_flow(BEFORE, after, fills, Decimal(100), timedelta(seconds=5)) is None
    paid = replace(AFTER, net_liquidation=Decimal(160_000), cash=Decimal(110_000 + 500 * count))
    flow = cash_flow(BEFORE, paid, fills, Decimal(100), timedelta(seconds=5))
    assert flow is not None
    assert flow.amount == 60_000


@pytest.mark.parametrize("apart_s", [-20, 20])
async def test_a_fill_dated_by_another_clock_than_ours_is_no_deposit(apart_s: int) -> None:
    """The broker's clock may be half a minute from ours, and P&L a little older than the value."""
    desk = await Desk().start()
    await desk.hold(10)
    teller = Teller(desk, int(desk.engine.ledger.account.heard.told or 0))
    teller.word()
    await desk.ticks(40, 1)
    fills = desk.engine.ledger.fills.executions
    key, fill = next(iter(fills.items()))
    opening, paid = desk.engine.ledger.account.opening_equity[DAY], fill.price * fill.quantity * 100
    teller.word()
    await desk.ticks(20, 1)
    told, now = desk.store.alerts.count("CASH_FLOW"), desk.clock.now()
    fills[key] = replace(fill, executed_at=now - timedelta(seconds=20 + apart_s - apart_s // 4))
    steady = desk.clock.monotonic()
    desk.put(BrokerTimeTold(now - timedelta(seconds=apart_s), now, now, steady))
    teller.word(net_liquidation=(teller.last.net_liquidation or Decimal(0)) + paid)  # cash held the fill before
    await desk.ticks(1, 0)
    assert desk.store.alerts.count("CASH_FLOW") == told
    assert desk.engine.ledger.account.opening_equity[DAY] == opening


async def test_what_came_or_went_while_nobody_looked_is_seen_beside_what_was_kept() -> None:
    """A start has no word of before but the one that the store kept: it is compared once the book was."""
    desk, teller = await start()
    ledger = desk.engine.ledger
    assert state(desk, "daily_loss") is BreakerState.OK
    ledger.account.heard = Equity(kept=replace(teller.last, net_liquidation=Decimal(100_000), cash=Decimal(100_000)))
    teller.word(net_liquidation=40_000, cash=40_000)
    await desk.ticks(3, 1)
    assert ledger.account.opening_equity[DAY] == 40_000
    assert state(desk, "daily_loss") is BreakerState.OK
    assert desk.store.alerts.count("CASH_FLOW") == 1


@pytest.mark.parametrize("value", [0, -5])
async def test_what_is_no_sound_value_is_not_kept_either(value: int) -> None:
    """A start would take the way back from zero for a deposit."""
    desk, teller = await start()
    kept = sum(batch.account is not None for batch in desk.store.batches)
    teller.word(net_liquidation=value, cash=0)
    await desk.ticks(70, 1)
    rows = [batch.account.report.net_liquidation for batch in desk.store.batches if batch.account is not None]
    assert rows[kept:] == [], "nothing was told that could be kept"


async def test_a_deposit_of_the_meantime_is_not_counted_twice_in_the_high_water() -> None:
    desk, teller = await start()
    ledger = desk.engine.ledger
    ledger.account.heard = Equity(kept=replace(teller.last, net_liquidation=Decimal(100_000), cash=Decimal(100_000)))
    ledger.account.high_water = Decimal(100_000)
    teller.word(net_liquidation=125_000, cash=125_000)
    await desk.ticks(3, 1)
    assert ledger.account.high_water == 125_000
    assert state(desk, "drawdown") is BreakerState.OK
