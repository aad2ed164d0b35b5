"""What makes a quote fit: both sides, uncrossed, live, young."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.quotes import Quote, QuoteFault

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
AGE = timedelta(seconds=15)
GOOD = Quote(Decimal("2.00"), Decimal("2.10"), 10, 10, Decimal("2.05"), NOW)


@pytest.mark.parametrize(
    "quote, fault",
    [
        (GOOD, None),
        (replace(GOOD, bid=Decimal(0)), None),  # nobody bids for a worthless option, and that is a quote
        (replace(GOOD, bid=Decimal("2.10")), None),  # locked
        (replace(GOOD, at=NOW - AGE), None),
        (replace(GOOD, at=NOW - AGE - timedelta(milliseconds=1)), QuoteFault.STALE),
        (replace(GOOD, bid=Decimal("2.11")), QuoteFault.CROSSED),
        (replace(GOOD, bid=None), QuoteFault.ONE_SIDED),
        (replace(GOOD, ask=None), QuoteFault.ONE_SIDED),
        (replace(GOOD, bid=Decimal(0), ask=Decimal(0)), QuoteFault.ONE_SIDED),
        (replace(GOOD, bid=None, ask=None), QuoteFault.MISSING),
        (replace(GOOD, delayed=True), QuoteFault.DELAYED),
        (replace(GOOD, halted=True), QuoteFault.HALTED),
    ],
)
def test_a_fault_forbids_to_trade(quote: Quote, fault: QuoteFault | None) -> None:
    assert quote.fault(NOW, AGE) is fault


def test_an_index_needs_only_its_last_price() -> None:
    index = Quote(None, None, 0, 0, Decimal(5900), NOW)
    assert index.price_fault(NOW, AGE) is None
    assert replace(index, last=None).price_fault(NOW, AGE) is QuoteFault.MISSING
    assert index.price_fault(NOW + 2 * AGE, AGE) is QuoteFault.STALE


def test_a_crossed_book_gives_way_to_the_last_trade() -> None:
    assert GOOD.reference == Decimal("2.05")
    assert replace(GOOD, bid=Decimal(9), last=Decimal("2.07")).reference == Decimal("2.07")


def test_a_spread_without_both_sides_or_a_price_is_unknown() -> None:
    assert replace(GOOD, bid=None).spread_fraction is None
    assert replace(GOOD, bid=Decimal(0), ask=Decimal(0)).spread_fraction is None


SIDES = st.one_of(st.none(), st.decimals("0", "100", places=2))


@given(SIDES, SIDES, st.integers(0, 60))
def test_a_fit_quote_has_a_mid_between_its_sides(bid: Decimal | None, ask: Decimal | None, age_s: int) -> None:
    quote = Quote(bid, ask, 1, 1, None, NOW - timedelta(seconds=age_s))
    if quote.fault(NOW, AGE) is not None:
        return
    assert quote.bid is not None
    assert quote.mid is not None
    assert quote.ask is not None
    assert quote.spread_fraction is not None
    assert quote.bid <= quote.mid <= quote.ask
    assert 0 <= quote.spread_fraction <= 2
    assert age_s <= 15
