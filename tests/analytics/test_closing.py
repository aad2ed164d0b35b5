"""The closing auction foreseen: what it says by hand, its laws, and when it says nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.closing import AUCTION_SHARE, WEIGHTS, closing_pressure, confidence
from bot.domain.calendar import TradingSession
from bot.domain.data.flow import NetPremiumTick, TradeSide
from bot.domain.data.tape import DarkPoolTrade, PriceLevel
from tests.analytics.closing_days import Afternoon, afternoon

SESSION = TradingSession(
    date(2026, 11, 20), datetime(2026, 11, 20, 14, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC),
    is_half_day=False,
)  # fmt: skip
TWO = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
NOW = TWO + timedelta(minutes=100)


def minutes(*net: float, since: datetime = TWO) -> list[NetPremiumTick]:
    return [NetPremiumTick(since + timedelta(minutes=n), each, 0.0, 0, 0, 0.0) for n, each in enumerate(net)]


BUYERS = minutes(*[3.0, 3.0, -1.0] * 10)


def printed(premium: float, side: TradeSide) -> DarkPoolTrade:
    return DarkPoolTrade(TWO + timedelta(minutes=5), "SPY", Decimal(590), 100, premium, None, None, side, "L", (), 1)


def test_the_score_is_the_weighed_sum_of_what_is_known() -> None:
    levels = [PriceLevel(Decimal(100), 100, 300), PriceLevel(Decimal(101), 300, 100)]
    prints = [printed(300.0, TradeSide.ASK), printed(100.0, TradeSide.BID)]
    found = closing_pressure(BUYERS, prints, levels, SESSION, NOW, 0.01)
    assert found is not None
    assert (found.asymmetry, found.dark, found.levels) == pytest.approx((50 / 70, 0.5, 0.5))
    assert found.score == pytest.approx(WEIGHTS[0] * 50 / 70 + (WEIGHTS[1] + WEIGHTS[2]) / 2)
    assert found.size == pytest.approx(found.score * AUCTION_SHARE * 800)
    assert found.expected_move == pytest.approx(0.01 * (found.score * AUCTION_SHARE) ** 0.5)
    assert (found.direction, found.confidence) == (1, confidence(found.score))


def test_sellers_are_buyers_with_another_sign() -> None:
    up = closing_pressure(BUYERS, [], [], SESSION, NOW)
    down = closing_pressure([replace(t, net_call_premium=-t.net_call_premium) for t in BUYERS], [], [], SESSION, NOW)
    assert up is not None
    assert down is not None
    assert (up.direction, up.confidence, up.score) == (-down.direction, down.confidence, -down.score)
    assert up.size is None
    assert up.expected_move is None


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_confidence_is_a_percentage_that_grows_with_the_score(one: float, other: float) -> None:
    assert 50 <= confidence(one) <= 100
    assert (abs(one) <= abs(other)) or confidence(one) >= confidence(other)


def test_before_a_quarter_past_two_after_the_hours_and_without_flow_it_says_nothing() -> None:
    assert closing_pressure(BUYERS, [], [], SESSION, TWO + timedelta(minutes=14)) is None
    assert closing_pressure(minutes(*[1.0] * 60, since=TWO - timedelta(hours=2)), [], [], SESSION, NOW) is None
    assert closing_pressure(minutes(*[0.0] * 60), [], [], SESSION, NOW) is None
    assert closing_pressure(minutes(*[float("nan")] * 60), [], [], SESSION, NOW) is None
    late = closing_pressure(
        [*BUYERS, *minutes(-900.0, since=TWO + timedelta(minutes=115))], [], [], SESSION, NOW + timedelta(hours=1)
    )
    assert late is not None
    assert late.direction == 1, "what comes after 15:50 is not looked at"


def test_on_a_half_day_the_hours_come_with_the_close() -> None:
    half = replace(SESSION, close_at=SESSION.close_at - timedelta(hours=3), is_half_day=True)
    found = closing_pressure(
        minutes(*[3.0, 3.0, -1.0] * 10, since=TWO - timedelta(hours=3)), [], [], half, NOW - timedelta(hours=3)
    )
    assert found is not None


# ---- scored on simulated afternoons of which it is known what came true; none of them was used to fit the slope


@pytest.fixture(scope="module")
def days() -> list[Afternoon]:
    return [afternoon(seed) for seed in range(1000, 1075)]


def test_what_it_is_sure_of_comes_true_as_often_as_it_says(days: list[Afternoon]) -> None:
    """The reliability table: of each class of confidence how many there were, what was said, what came true."""
    classes = {
        low: [day for day in days if low <= day.found.confidence < high] for low, high in ((50, 60), (60, 70), (70, 90))
    }
    table = {
        low: (len(members), sum(d.found.confidence for d in members) / len(members) / 100,
              sum(d.came_true for d in members) / len(members))
        for low, members in classes.items()
    }  # fmt: skip
    assert sum(count for count, _, _ in table.values()) == len(days)
    for low, (count, said, came) in table.items():
        assert count >= 12, (low, table)
        assert abs(said - came) <= 2 * math.sqrt(said * (1 - said) / count), (low, table)
    assert table[70][2] > table[50][2] + 0.1


def test_it_is_better_than_a_coin_and_than_always_being_sure(days: list[Afternoon]) -> None:
    def brier(said: list[float]) -> float:
        return sum((p - d.came_true) ** 2 for p, d in zip(said, days, strict=True)) / len(days)

    own = brier([d.found.confidence / 100 for d in days])
    assert own < brier([0.5] * len(days))
    assert own < brier([1.0] * len(days))


def test_the_stronger_it_gathers_the_surer_it_is(days: list[Afternoon]) -> None:
    by_stated: dict[float, list[float]] = {}
    for each in days:
        by_stated.setdefault(each.stated, []).append(each.found.confidence)
    means = [sum(found) / len(found) for _, found in sorted(by_stated.items())]
    assert len(means) == 4
    assert means == sorted(means)
