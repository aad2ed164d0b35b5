"""A typed price has one reading or none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.typed_price import PriceUnclear, is_far, price_of


@pytest.mark.parametrize(
    "typed,price",
    [("2.10", "2.10"), ("5921.37", "5921.37"), ("590", "590"), (" $2.5 ", "2.5"), ("0.125", "0.125"),
     ("5921.375", "5921.375"), ("999999.9999", "999999.9999")],
)  # fmt: skip
def test_a_plain_number_is_read(typed: str, price: str) -> None:
    assert price_of(typed) == Decimal(price)


@pytest.mark.parametrize(
    "typed,understood",
    [("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("1 234,50", "1234.50"), ("2,10", "2.10 or 210"),
     ("1.234", "1.234 or 1234"), ("1\u202f234.50", "1234.50"), ("5'921.37", "5921.37"), ("1_000", "1000"),
     ("590,", "590"),
     ("1.234.567", "1234.567 or 1234567"), ("1,234", "1.234 or 1234")],
)  # fmt: skip
def test_what_differs_by_country_is_refused_with_what_was_understood(typed: str, understood: str) -> None:
    with pytest.raises(PriceUnclear, match=f"could be {understood}"):
        price_of(typed)


@pytest.mark.parametrize(
    "typed",
    ["", "x", "-1", "+5", "NaN", "0", "0.00", "Infinity", "99999999", "1e3", "0x10", "٣", "2.10 USD", ".", "9" * 50],
)
def test_what_is_no_price_is_refused(typed: str) -> None:
    with pytest.raises(PriceUnclear):
        price_of(typed)


@given(st.text(max_size=40))
def test_any_text_is_a_price_or_refused(typed: str) -> None:
    try:
        price = price_of(typed)
    except PriceUnclear:
        return
    assert 0 < price < 1_000_000
    assert Decimal(typed.strip().removeprefix("$").strip()) == price


@given(st.decimals("0.01", "99999", places=2))
def test_what_we_write_we_read(price: Decimal) -> None:
    assert price_of(str(price)) == price


def test_far_is_a_part_of_what_was_seen() -> None:
    assert not is_far(Decimal(5400), Decimal(5900), Decimal("0.1"))
    assert is_far(Decimal(590), Decimal(5900), Decimal("0.1"))
    assert is_far(Decimal(59000), Decimal(5900), Decimal("0.1"))
