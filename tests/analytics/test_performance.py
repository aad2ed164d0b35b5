"""What closed trades came to: expectancy, factor, Sharpe, drawdown, groups; each by hand and by a law."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.performance import (
    FEWEST,
    GROUPINGS,
    ClosedTrade,
    curve,
    daily,
    figures,
    grouped,
    profit_factor,
    sharpe,
    worst_drawdown,
)

CLOSE = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def a_trade(pnl: str, day: int = 20, symbol: str = "SPY", hour: int = 15, reason: str = "trail") -> ClosedTrade:
    at = datetime(2026, 11, day, hour, 30, tzinfo=UTC)
    return ClosedTrade(
        f"P{pnl}{day}", "zero_dte_gamma", symbol, 2, Decimal(400), Decimal(pnl), Decimal("2.60"),
        at - timedelta(minutes=20), at, date(2026, 11, day), reason,
    )  # fmt: skip


def test_figures_of_three_trades_by_hand() -> None:
    found = figures([a_trade("120"), a_trade("-50"), a_trade("0")])
    assert (found.trades, found.wins, found.losses, found.contracts) == (3, 1, 1, 6)
    assert (found.pnl, found.fees) == (Decimal(70), Decimal("7.80"))
    assert found.expectancy == Decimal(70) / 3
    assert found.mean_win == found.best == Decimal(120)
    assert found.mean_loss == found.worst == Decimal(-50)
    assert found.win_rate == Decimal(1) / 3


def test_no_trade_has_no_figure() -> None:
    found = figures([])
    assert (found.trades, found.pnl) == (0, Decimal(0))
    assert found.expectancy is found.win_rate is found.factor is found.best is None


def test_a_factor_needs_ten_trades_and_a_loss() -> None:
    few = [Decimal(10)] * (FEWEST - 2) + [Decimal(-5)]
    assert profit_factor(few) is None
    assert profit_factor([*few, Decimal(10)]) == Decimal(90) / 5
    assert profit_factor([Decimal(1)] * 20) is None


def test_days_without_a_trade_count_as_zero_and_stand_in_order() -> None:
    found = daily([a_trade("10", 20), a_trade("5", 18), a_trade("1", 20)], [date(2026, 11, 19), date(2026, 11, 17)])
    assert [(day, int(pnl)) for day, pnl in found.items()] == [
        (date(2026, 11, 17), 0), (date(2026, 11, 18), 5), (date(2026, 11, 19), 0), (date(2026, 11, 20), 11),
    ]  # fmt: skip


def test_the_drawdown_is_measured_from_the_highest_equity() -> None:
    by_day = {date(2026, 11, 16 + n): Decimal(pnl) for n, pnl in enumerate((100, -150, -50, 300))}
    points = curve(by_day, Decimal(1000))
    assert [p.fall for p in points] == [0, -150, -200, 0]
    assert worst_drawdown(points) == Decimal(-200) / 1100
    assert worst_drawdown(curve(by_day, None)) is None


def test_sharpe_by_hand_and_not_from_few_days() -> None:
    days = [date(2026, 10, 1) + timedelta(days=n) for n in range(20)]
    points = curve({day: Decimal(100 if n % 2 else -50) for n, day in enumerate(days)}, Decimal(1_000_000))
    returns = [float(p.pnl) / float((p.equity or 0) - p.pnl) for p in points]
    mean = sum(returns) / 20
    by_hand = mean / math.sqrt(sum((r - mean) ** 2 for r in returns) / 19) * math.sqrt(252)
    assert sharpe(points) == pytest.approx(by_hand)
    assert sharpe(points[:19]) is None
    assert sharpe(curve(dict.fromkeys(days, Decimal(0)), Decimal(1000))) is None


def test_groups_of_time_stand_in_its_order_and_the_others_by_what_they_brought() -> None:
    trades = [a_trade("5", 20, "SPY", 15), a_trade("-9", 19, "QQQ", 19), a_trade("30", 16, "IWM", 17)]
    assert [name for name, _ in grouped(trades, "symbol")] == ["IWM", "SPY", "QQQ"]
    assert [name for name, _ in grouped(trades, "hour")] == ["10:00", "12:00", "14:00"]
    assert [name for name, _ in grouped(trades, "day")] == ["2026-11-16", "2026-11-19", "2026-11-20"]
    assert [name for name, _ in grouped(trades, "week")] == ["2026-11-16"]
    assert [name for name, _ in grouped(trades, "month")] == ["2026-11"]


@given(
    st.lists(st.tuples(st.integers(-90_000, 90_000), st.integers(1, 28), st.sampled_from(["SPY", "QQQ"])), max_size=40)
)
def test_every_grouping_adds_up_to_the_whole(given_trades: list[tuple[int, int, str]]) -> None:
    trades = [a_trade(f"{cents / 100:.2f}", day, symbol) for cents, day, symbol in given_trades]
    whole = figures(trades)
    for by in GROUPINGS:
        rows = grouped(trades, by)
        assert sum((each.pnl for _, each in rows), Decimal(0)) == whole.pnl
        assert sum(each.trades for _, each in rows) == whole.trades
    points = curve(daily(trades), Decimal(10_000_000))
    assert not points or points[-1].total == whole.pnl
    assert all(p.fall <= 0 for p in points)
