"""Ranges, volatility, regime and pivots: known answers, and nothing of bars that say nothing."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.analytics.ranges import (
    VolatilityRegime,
    average_true_range,
    pivots,
    volatility_regime,
    window_volatilities,
)
from bot.domain.bars import PriceBar

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def bars(closes: list[float], half: float = 0.0) -> list[PriceBar]:
    return [
        PriceBar(
            NOW + timedelta(minutes=n), 60, Decimal(str(close)), Decimal(str(close + half)), Decimal(str(close - half)),
            Decimal(str(close)), 100,
        )
        for n, close in enumerate(closes)
    ]  # fmt: skip


def test_the_average_true_range_counts_gaps_and_has_a_floor() -> None:
    assert average_true_range(bars([100.0] * 15, half=1.0)) == pytest.approx(2.0)
    assert average_true_range(bars([100.0] * 14 + [105.0], half=1.0)) == pytest.approx((13 * 2 + 6) / 14)
    assert average_true_range(bars([100.0] * 15)) == pytest.approx(0.05), "0.05 % of the price"
    assert average_true_range(bars([100.0] * 14)) is None
    assert average_true_range(bars([math.nan] * 15)) is None


def test_volatility_is_annualised_by_the_bars_own_count() -> None:
    swings = [100.0, 101.0] * 10
    expected = math.log(1.01) * math.sqrt(252 * 390)
    assert window_volatilities(bars(swings)) == [pytest.approx(expected)]
    assert window_volatilities(bars(swings[:19])) == []
    assert len(window_volatilities(bars(swings * 2))) == 5


def test_a_regime_is_where_the_newest_window_stands() -> None:
    calm, wild = [100.0, 100.01] * 30, [100.0, 103.0] * 15
    assert volatility_regime(bars(calm + wild)) is VolatilityRegime.HIGH
    assert volatility_regime(bars(wild + wild + calm[:30])) is VolatilityRegime.LOW
    assert volatility_regime(bars([100.0, 101.0] * 40)) is VolatilityRegime.NORMAL
    assert volatility_regime(bars([100.0] * 20)) is VolatilityRegime.LOW, "by the default of 0.10"
    assert volatility_regime([]) is None


def test_pivots_of_a_known_day() -> None:
    found = pivots(high=110.0, low=100.0, close=105.0)
    assert dict(found) == {"P": 105.0, "R1": 110.0, "S1": 100.0, "R2": 115.0, "S2": 95.0}
    for day in ((100.0, 110.0, 105.0), (110.0, 100.0, 111.0), (math.nan, 1.0, 1.0), (1.0, 0.0, 0.5)):
        with pytest.raises(ValueError, match="no day"):
            pivots(*day)
