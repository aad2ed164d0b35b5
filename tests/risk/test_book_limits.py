"""Limits of the whole book: an entry is refused above each by its number, and what makes the book smaller enters."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.risk import RiskSettings
from bot.domain.quotes import Greeks
from bot.risk.book_limits import BookAtRisk, BookGreeks, BookRoom, caps, greeks_of, rooms, told
from bot.risk.rules import failed, validate_entry
from tests.risk.test_rules import GOOD, LIMITS, NOW

D = Decimal


def refusals(book: BookAtRisk, quantity: int = 10) -> dict[str, str]:
    view = replace(GOOD, book=book, quantity=quantity)
    return {result.rule: result.text for result in failed(validate_entry(view, LIMITS))}


def a_delta(dollars: int) -> BookGreeks:
    return BookGreeks(delta=D(dollars))


@pytest.mark.parametrize(
    "rule,inside,beyond",
    [
        ("open_premium", BookAtRisk(premium=D(13000)), BookAtRisk(premium=D(13001))),
        ("symbol_share", BookAtRisk(on_symbol=D(4000)), BookAtRisk(on_symbol=D(4001))),
        (
            "sector_share",
            BookAtRisk(in_sector=D(7000), sector="technology"),
            BookAtRisk(in_sector=D(7001), sector="technology"),
        ),
        (
            "book_delta",
            BookAtRisk(greeks=a_delta(5000), one=a_delta(100)),
            BookAtRisk(greeks=a_delta(5001), one=a_delta(100)),
        ),
        (
            "book_gamma",
            BookAtRisk(greeks=BookGreeks(gamma=D(3000)), one=BookGreeks(gamma=D(100))),
            BookAtRisk(greeks=BookGreeks(gamma=D(3001)), one=BookGreeks(gamma=D(100))),
        ),
        (
            "book_vega",
            BookAtRisk(greeks=BookGreeks(vega=D(500)), one=BookGreeks(vega=D(100))),
            BookAtRisk(greeks=BookGreeks(vega=D(501)), one=BookGreeks(vega=D(100))),
        ),
        (
            "book_theta",
            BookAtRisk(greeks=BookGreeks(theta=D(-300)), one=BookGreeks(theta=D(-10))),
            BookAtRisk(greeks=BookGreeks(theta=D(-301)), one=BookGreeks(theta=D(-10))),
        ),
    ],
)
def test_each_limit_holds_at_its_number(rule: str, inside: BookAtRisk, beyond: BookAtRisk) -> None:
    """Equity is 100,000 and the entry 2,000: 15 % in all; 40 % and 60 % of that; 6, 4, 1.5 and 0.4 % of equity."""
    assert rule not in refusals(inside)
    found = refusals(beyond)
    assert set(found) == {rule}
    assert "_TOO_LARGE would_be=" in found[rule]
    assert " max=" in found[rule]


def test_a_put_may_enter_beside_too_many_calls() -> None:
    calls = BookAtRisk(greeks=a_delta(9000), one=a_delta(-100))
    assert refusals(calls) == {}
    assert "book_delta" in refusals(calls, quantity=151)


def test_greeks_that_nobody_knows_are_named_as_that() -> None:
    results = {r.rule: r.text for r in validate_entry(GOOD, LIMITS)}
    assert results["book_gamma"] == "ok measured=False"
    assert greeks_of(None, D(600), 1, 100) is None
    assert greeks_of(Greeks(0.2, float("nan"), 0.05, 0.1, -1.0, 600.0, NOW), D(600), 1, 100) is None


def test_greeks_in_dollars() -> None:
    found = greeks_of(Greeks(0.2, 0.5, 0.02, 0.12, -2.4, 600.0, NOW), D(600), 2, 100)
    assert found == BookGreeks(delta=D(600), gamma=D(144), vega=D(24), theta=D(-20))


def test_shares_are_told_before_they_refuse() -> None:
    book = BookAtRisk(on_symbol=D(3000), in_sector=D(6000), sector="technology")
    assert told(book, LIMITS, D(100_000), D(1400)) == ()
    assert told(book, LIMITS, D(100_000), D(1500)) == (
        "symbol has 30.0 % of the premium that may be at risk",
        "technology has 50.0 % of the premium that may be at risk",
    )


@given(
    present=st.integers(-10_000, 10_000),
    limit=st.integers(0, 9000),
    adds=st.integers(-500, 500),
    count=st.integers(1, 99),
)
def test_what_fits_is_not_refused_and_one_more_is(present: int, limit: int, adds: int, count: int) -> None:
    room = BookRoom("X", D(present), D(limit), D(adds), "")
    fits = room.contracts()
    if fits is None:
        assert not room.refuses(count)
        return
    assert not room.refuses(fits) or fits == 0
    assert room.refuses(fits + 1)
    after = present + adds * fits
    assert fits == 0 or abs(after) <= max(limit, abs(present))


@given(equity=st.integers(1, 10**7), premium=st.integers(0, 10**6), cost=st.integers(1, 10**5))
def test_no_cap_of_the_book_lets_more_in_than_its_rule(equity: int, premium: int, cost: int) -> None:
    book = BookAtRisk(D(premium), D(premium), D(premium), "technology")
    most = min(count for count, _ in caps(book, RiskSettings(), D(equity), D(cost)))
    assert all(not room.refuses(most) or most == 0 for room in rooms(book, RiskSettings(), D(equity), D(cost)))
