"""When to enter, and who agrees: known answers, silence where nothing can be said, laws."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.calibration import wilson
from bot.analytics.confluence import Opinion, confluence
from bot.analytics.performance import ClosedTrade, signal_quality
from bot.analytics.timing import FEWEST_TRADES, time_slots

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
OLDEST = timedelta(minutes=15)


def a_trade(pnl: int, minute: int = 0, slippage: str | None = "4", mfe: str | None = "0.5") -> ClosedTrade:
    at = NOW + timedelta(minutes=minute)
    measured = None if mfe is None else Decimal(mfe)
    return ClosedTrade(
        f"P{pnl}{minute}", "z", "SPY", 2, Decimal(400), Decimal(pnl), Decimal("2.60"), at, at + timedelta(minutes=20),
        date(2026, 11, 20), "trail", measured, None if measured is None else -measured / 2,
        None if slippage is None else Decimal(slippage),
    )  # fmt: skip


def test_a_slot_is_silent_below_thirty_trades_and_speaks_from_there() -> None:
    few = time_slots([a_trade(10)] * (FEWEST_TRADES - 1))
    assert [(slot.begins, slot.trades, slot.speaks, slot.win_rate) for slot in few] == [(time(10), 29, False, None)]
    (slot,) = time_slots([*[a_trade(10)] * 20, *[a_trade(-10, 29)] * 10])
    assert (slot.trades, slot.speaks, slot.slippage, slot.slipped) == (30, True, 4.0, 30)
    assert slot.win_rate == pytest.approx(2 / 3)
    assert slot.win_interval == wilson(20, 30)
    assert slot.verdict == "", "alone it is no better than itself"


def test_a_better_and_a_worse_half_hour_are_named_and_unmeasured_slippage_is_not() -> None:
    good = [a_trade(100 + n % 5, 0, None) for n in range(40)]
    bad = [a_trade(-100 + n % 5, 30, None) for n in range(40)]
    first, second = time_slots([*good, *bad])
    assert (first.begins, first.verdict, second.begins, second.verdict) == (time(10), "better", time(10, 30), "worse")
    assert (first.slippage, first.slipped) == (None, 0)


@given(st.lists(st.tuples(st.integers(-500, 500), st.integers(0, 300)), max_size=120))
def test_every_trade_is_in_one_slot_and_what_is_said_has_enough_behind_it(given_: list[tuple[int, int]]) -> None:
    slots = time_slots([a_trade(pnl, minute) for pnl, minute in given_])
    assert sum(slot.trades for slot in slots) == len(given_)
    for slot in slots:
        assert slot.speaks == (slot.trades >= FEWEST_TRADES)
        if slot.win_interval is not None and slot.win_rate is not None:
            assert slot.win_interval[0] <= slot.win_rate <= slot.win_interval[1]


def test_signal_quality_by_hand() -> None:
    found = signal_quality([a_trade(10), a_trade(-30, 1), a_trade(20, 2, None, None)])
    assert (found.figures.mean_win, found.figures.mean_loss) == (Decimal(15), Decimal(-30))
    assert (found.mfe, found.mae, found.measured) == (Decimal("0.5"), Decimal("-0.25"), 2)
    assert (found.slippage, found.slipped, found.held) == (Decimal(4), 2, timedelta(minutes=20))
    assert found.sharpe is None
    assert signal_quality([]).held is None


def test_two_that_agree_are_confluence_and_one_or_a_tie_is_not() -> None:
    def voice(source: str, direction: int, symbol: str = "SPY", age_min: int = 0, weight: float = 1.0) -> Opinion:
        return Opinion(source, symbol, direction, NOW - timedelta(minutes=age_min), weight)

    heard = [
        voice("gamma", 1), voice("flow", 1), voice("moc", -1), voice("gamma", -1, age_min=9),  # an older word of it
        voice("gamma", 1, "QQQ"), voice("flow", -1, "QQQ"), voice("gamma", 1, "IWM"), voice("flow", 1, "IWM", 16),
        voice("a", -1, "SPX", weight=3.0), voice("b", -1, "SPX"), voice("c", 0, "SPX"), voice("d", 1, "SPX"),
        voice("e", 1, "VXX", weight=float("nan")), voice("f", 1, "VXX"), voice("g", 1, "VXX", age_min=-1),
    ]  # fmt: skip
    spx, spy = confluence(heard, NOW, OLDEST)
    assert (spx.symbol, spx.direction, spx.agree, spx.against, spx.agreement) == ("SPX", -1, ("a", "b"), ("d",), 0.8)
    assert (spy.symbol, spy.direction, spy.agree, spy.against) == ("SPY", 1, ("flow", "gamma"), ("moc",))
