"""The share of equity that a trade may have, by kind, confidence and method: no sizing above any cap."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.risk import RiskSettings
from bot.config.sizing import SizingMethod, SizingSettings
from bot.config.strategies import PlanName
from bot.risk.allowance import TradeFacts, TradeKind, allocated, factor, kind_of, premium_fraction
from bot.risk.sizing import size_entry

SIZING, RISK = SizingSettings(), RiskSettings()
ALLOCATION = SizingSettings(method=SizingMethod.ALLOCATION)
AT_RISK = SizingMethod.PREMIUM_AT_RISK
K, P = TradeKind, PlanName


@pytest.mark.parametrize(
    "plan,days,kind",
    [
        (P.OWN, 0, None), (P.PREMIUM, 0, K.ZERO_DTE), (P.PREMIUM, 1, K.ONE_DTE), (P.FOURTEEN_DAY, 15, K.FOURTEEN_DAY),
        (P.SWING, 20, K.FOURTEEN_DAY), (P.MOC, 0, K.MOC), (P.UNDERLYING_ATR, 0, K.ZERO_DTE),
        (P.UNDERLYING_ATR, 15, K.FOURTEEN_DAY),
    ],
)  # fmt: skip
def test_the_plan_says_what_a_trade_is(plan: PlanName, days: int, kind: TradeKind | None) -> None:
    assert kind_of(plan, days, AT_RISK) is kind
    assert kind_of(plan, days, SizingMethod.ALLOCATION) is not None


@pytest.mark.parametrize(
    "kind,confidence,share",
    [
        (None, None, "0.02"), (K.ZERO_DTE, 60, "0.01"), (K.ZERO_DTE, 80, "0.015"), (K.ZERO_DTE, None, "0.02"),
        (K.ONE_DTE, 100, "0.015"), (K.FOURTEEN_DAY, 60, "0.03"), (K.FOURTEEN_DAY, 100, "0.05"),
    ],
)  # fmt: skip
def test_premium_at_risk_by_kind_and_confidence(kind: TradeKind | None, confidence: float | None, share: str) -> None:
    found = premium_fraction(SIZING, RISK.max_premium_fraction, TradeFacts(kind, confidence))
    assert found == Decimal(share)


@pytest.mark.parametrize(
    "move,times", [(None, "0.5"), (0.0, "0.5"), (0.0035, "1"), (0.0049, "1.4"), (0.02, "1.5"), (float("nan"), "0.5")]
)
def test_into_the_close_size_goes_with_the_expected_move(move: float | None, times: str) -> None:
    assert factor(SIZING, TradeFacts(K.MOC, expected_move=move)) == Decimal(times)


@pytest.mark.parametrize(
    "kind,confidence,part",
    [
        (K.ZERO_DTE, 60, "0.05"), (K.ZERO_DTE, 100, "0.0625"), (K.ONE_DTE, 80, "0.07875"),
        (K.FOURTEEN_DAY, 100, "0.125"),
        (K.MOC, 100, "0.1875"), (K.MOC, 40, "0.15"), (K.MOC, None, "0.15"),
    ],
)  # fmt: skip
def test_an_allocation_is_its_part_times_what_confidence_adds(
    kind: TradeKind, confidence: float | None, part: str
) -> None:
    assert allocated(SIZING.allocation, kind, confidence) == Decimal(part)


@given(
    settings=st.sampled_from([SIZING, ALLOCATION]),
    equity=st.decimals(0, 10_000_000, places=2),
    price=st.decimals("0.01", 80, places=2),
    displayed=st.integers(0, 5000),
    kind=st.sampled_from([None, *TradeKind]),
    confidence=st.none() | st.floats(0, 100),
    move=st.none() | st.floats(0, 1),
    volume=st.none() | st.integers(0, 100_000),
    power=st.none() | st.decimals(-1000, 40_000_000, places=2),
)
def test_no_sizing_is_above_any_cap(
    settings: SizingSettings, equity: Decimal, price: Decimal, displayed: int, kind: TradeKind | None,
    confidence: float | None, move: float | None, volume: int | None, power: Decimal | None,
) -> None:  # fmt: skip
    trade = TradeFacts(kind, confidence, move, volume, power)
    size = size_entry(
        RISK, settings, equity=equity, price=price, multiplier=100, displayed=displayed, may_lose=None,
        open_premium=Decimal(0), trade=trade,
    )  # fmt: skip
    cost = size.contracts * price * 100
    assert cost <= equity * settings.max_fraction
    assert cost <= equity * premium_fraction(settings, RISK.max_premium_fraction, trade)
    if kind is None:
        return
    assert size.contracts <= displayed * settings.max_displayed_share
    assert volume is None or size.contracts <= volume * settings.max_volume_share
    if settings.method is SizingMethod.ALLOCATION:
        assert size.contracts <= settings.allocation.max_contracts
        assert cost <= equity * settings.allocation.cap
        assert cost == 0 or (power is not None and cost <= power * settings.allocation.buying_power)
