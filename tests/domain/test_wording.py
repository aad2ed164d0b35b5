"""What people read never contradicts itself: comparisons show their order, one contract is written one way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.instruments import parse_osi
from bot.domain.wording import (
    MINUS,
    Number,
    compared,
    compared_percent,
    contract_words,
    dollars,
    key_words,
    nearest_apart,
    new_york,
    price,
    signed,
)

NUMBERS = st.one_of(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.decimals(Decimal(-10_000), Decimal(10_000), places=6),
    st.integers(-10_000, 10_000),
)


def read(text: str) -> Decimal:
    """Return the number that a person reads in a text."""
    return Decimal(text.replace(MINUS, "-").replace(",", "").removesuffix(" %"))


def near(value: Number, by: Number) -> Number:
    return float(value) + float(by) * 1e-4


@given(NUMBERS, NUMBERS, st.integers(0, 4))
@example(0.1999, 0.20, 2)
@example(Decimal("2.0996"), Decimal("2.10"), 2)
@example(119.7, 120, 0)
@example(-0.0004, 0, 2)
def test_two_numbers_are_read_in_the_order_in_which_they_stand(value: Number, limit: Number, digits: int) -> None:
    one, other = map(read, compared(value, limit, digits=digits))
    a, b = Decimal(repr(value)) if isinstance(value, float) else Decimal(value), Decimal(str(limit))
    if abs(a - b) > Decimal("1e-15"):
        assert (one < other, one > other) == (a < b, a > b)
    elif a == b:
        assert one == other


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_close_fractions_are_read_in_their_order_too(limit: float, by: float) -> None:
    value = near(limit, by)
    one, other = map(read, compared_percent(value, limit))
    assert (one < other, one > other) == (value < limit, value > limit) or abs(float(value) - limit) < 1e-15


@given(st.decimals(0, 1, places=6))
def test_a_share_is_read_on_its_side_of_every_limit(share: Decimal) -> None:
    limits = [Decimal("0.02"), Decimal("0.05"), Decimal("0.10")]
    shown = read(nearest_apart(share, limits)) / 100
    assert [shown <= limit for limit in limits] == [share <= limit for limit in limits]


@pytest.mark.parametrize(
    "value, text",
    [(Decimal("0.004"), "0.00"), (Decimal("-0.004"), "0.00"), (-1.5, "−1.50"), (1234.5, "+1,234.50"), (0, "0.00")],
)
def test_what_rounds_to_zero_has_no_sign(value: Number, text: str) -> None:
    assert signed(value) == text


def test_money_and_prices() -> None:
    assert dollars(Decimal("1841.234"), plus=True) == "+$1,841.23"
    assert dollars(Decimal("-12.3")) == "−$12.30"
    assert dollars(None) == "–"
    assert [price(Decimal(p)) for p in ("1.05", "9", "0.0512", "0.05125")] == ["1.05", "9.00", "0.0512", "0.0512"]


@pytest.mark.parametrize(
    "key, today, words",
    [
        ("SPY   261120C00590000", date(2026, 11, 2), "SPY 590C 20 Nov"),
        ("SPXW  261204P05840000", date(2026, 11, 20), "SPX 5840P 4 Dec"),
        ("NVDA  270115C00182500", date(2026, 11, 20), "NVDA 182.5C 15 Jan 2027"),
        ("SPY   261120C00590000", None, "SPY 590C 20 Nov 2026"),
        ("EUR:CASH:12087792", date(2026, 11, 20), "EUR:CASH:12087792"),
    ],
)
def test_a_contract_is_written_one_way(key: str, today: date | None, words: str) -> None:
    assert key_words(key, today) == words


def test_a_contract_writes_itself_with_its_year() -> None:
    contract = parse_osi("QQQ   261120P00510000")
    assert str(contract) == contract_words(contract) == "QQQ 510P 20 Nov 2026"


def test_times_are_new_yorks() -> None:
    at = datetime(2026, 11, 20, 15, 45, 17, tzinfo=UTC)
    assert new_york(at, at) == "10:45:17"
    assert new_york(at) == "20 Nov 2026 10:45:17 New York"
