"""When a strategy's closed trades speak against it: known answers, and laws."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.degradation import DegradationSettings
from bot.risk.degradation import degradation

D = DegradationSettings()
WON, LOST, EVEN = Decimal(100), Decimal(-100), Decimal(0)


def names(pnls: list[Decimal], settings: DegradationSettings = D) -> set[str]:
    return {finding.name for finding in degradation(pnls, settings)}


def mixed(won: int, lost: int, loss: Decimal = LOST) -> list[Decimal]:
    """Return trades with no long row of losses at the end."""
    return [*[loss] * lost, *[WON] * won]


@pytest.mark.parametrize(
    "pnls,expected",
    [
        ([], set()),
        (mixed(11, 9), set()),
        (mixed(10, 10), set()),  # 5 points below the baseline
        (mixed(9, 11), {"win_rate"}),  # 10 points
        (mixed(8, 11), set()),  # 19 trades are no window
        ([LOST, *mixed(11, 9)], set()),  # what is older than the window does not count
        (mixed(11, 9, Decimal(-150)), set()),  # exactly one and a half
        (mixed(11, 9, Decimal("-150.01")), {"mean_loss"}),
        (mixed(8, 12, Decimal(-200)), {"win_rate", "mean_loss"}),
        ([LOST] * 4, set()),
        ([LOST] * 5, {"losses_in_a_row"}),
        ([*[LOST] * 4, EVEN, *[LOST] * 4], set()),  # neither won nor lost ends a row
        ([*[LOST] * 9, WON], set()),
        ([*[WON] * 15, *[LOST] * 5], {"losses_in_a_row"}),
        ([LOST] * 20, {"losses_in_a_row", "win_rate", "mean_loss"}),
    ],
)
def test_what_is_found_and_what_is_not(pnls: list[Decimal], expected: set[str]) -> None:
    assert names(pnls) == expected


dollars = st.decimals(-500, 500, places=2)
trades = st.lists(dollars, max_size=45)


@given(trades, st.decimals("0.01", 500, places=2))
def test_another_win_ends_a_row_of_losses_and_never_lowers_the_win_rate(pnls: list[Decimal], win: Decimal) -> None:
    after = names([*pnls, win])
    assert "losses_in_a_row" not in after
    if len(pnls) >= D.window and "win_rate" in after:
        assert "win_rate" in names(pnls)


@given(trades, st.lists(dollars, max_size=10))
def test_only_the_window_and_the_last_row_decide(pnls: list[Decimal], older: list[Decimal]) -> None:
    if len(pnls) >= D.window and any(pnl >= 0 for pnl in pnls):
        assert names(pnls) == names([*older, *pnls])


@given(trades, st.integers(2, 20))
def test_what_is_found_scales_with_no_currency(pnls: list[Decimal], factor: int) -> None:
    assert names(pnls) == names([pnl * factor for pnl in pnls])
