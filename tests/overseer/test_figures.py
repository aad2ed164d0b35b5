"""Every figure of a text occurs in its facts: rounded as people round, or the text is thrown away."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.overseer.figures import invented

FACTS: dict[str, Any] = {
    "trades": 12, "wins": 8, "win_rate": 0.6667, "pnl_usd": -1372.5, "best_usd": Decimal("840.00"),
    "equity_usd": 100_000,
    "contract": "SPY 590C 20 Nov", "day": date(2026, 11, 20), "entered": "10:31:07", "spread_percent": 4.25,
    "quantity": 4, "gex": 2_100_000_000, "strategy": "zero_dte_gamma", "kind": "0DTE", "limit": "1.25",
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "No figure at all.",
        "12 trades, 8 won, a win rate of 67 %.",
        "A win rate of 66.7% and a P&L of -$1,372.50.",
        "It lost $1,372.50, or $1.37k, about 1,373 dollars.",
        "The best made $840, or 840.00.",
        "Equity is $100,000; $100k; 0.1M.",
        "Bought 4 SPY 590C 20 Nov at 1.25.",
        "On November 20, 2026 at 10:31 we bought the 590C.",
        "On 20 November at 10:31:07 am; 2026-11-20.",
        "GEX is 2.1bn, 2.1 billion, 2,100 million.",
        "The 0DTE spread is 4.3%, 4.25 percent.",
        "Four contracts, eight winners, twelve trades.",
        "Full-width １２ trades.",
    ],
)
def test_what_the_facts_say_may_be_said(text: str) -> None:
    assert invented(text, FACTS) == []


@pytest.mark.parametrize(
    "text",
    [
        "13 trades.",
        "A win rate of 68 %.",
        "It made +$1,372.50.",
        "A P&L of -$1,372.51.",
        "It lost $1.5k.",
        "It lost 1,372,500.",
        "It gained $1,234,567.89 at a Sharpe of 9.87.",
        "On 21 Nov.",
        "On 20 Nov 2025.",
        "At 10:32.",
        "At 10:31 pm.",
        "The 595C.",
        "Five contracts.",
        "Size doubled.",
        "Hundreds of trades.",
        "A chance of 90%.",
        "1e6 dollars.",
        "Full-width １３ trades.",
        "Arabic ١٣ trades.",
        "½ of it.",
        "Two weeks ago.",
        "The 1DTE.",
        "x2",
        "It made 10e999999 dollars.",
    ],
)
def test_what_no_fact_says_is_found(text: str) -> None:
    assert invented(text, FACTS) != []


@given(st.decimals(-(10**9), 10**9, places=2, allow_nan=False), st.integers(0, 2))
def test_a_fact_told_in_full_or_rounded_to_its_places_is_no_invention(value: Decimal, digits: int) -> None:
    told = f"{value:,.2f}"
    assert invented(f"It is {told}.", {"value": value}) == []
    rounded = round(value, digits)
    if value and abs(rounded - value) <= abs(value) * Decimal("0.025"):
        assert invented(f"It is {rounded:,}.", {"value": str(value)}) == []


@given(st.decimals(1, 10**9, places=2, allow_nan=False), st.decimals(Decimal("1.06"), 100, places=2, allow_nan=False))
def test_a_figure_that_is_far_from_every_fact_is_an_invention(value: Decimal, factor: Decimal) -> None:
    assert invented(f"It is {value * factor:.2f}.", {"value": value}) != []


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    invented(text, {"said": text[:50], "n": 3})


@example("0.1A")
@example("10e999999")
@example("0e999999 -1e-999999%")
@given(st.text(alphabet="0123456789.,%$-+kMe: NovAB/two", max_size=40))
def test_what_is_quoted_from_the_facts_whole_is_no_invention(text: str) -> None:
    assert invented(text, {"said": text}) == []
