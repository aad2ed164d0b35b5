"""When vendor and broker speak of the same market, and when they do not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.data.contracts import OptionContractRow
from bot.domain.instruments import OptionContract, Right
from bot.domain.quotes import Greeks, Quote
from bot.risk.cross_check import Compared, Moved, Tolerances, contract_off, price_off, verdict

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
LIMITS, CENT = Tolerances(), Decimal("0.01")
STILL = Moved(Decimal(600), Decimal(600))
TOMORROW = OptionContract("SPY", date(2026, 11, 23), Right.CALL, Decimal(600))


def row(bid: str = "5.00", ask: str = "5.10", **changes: float) -> OptionContractRow:
    greeks = {"iv": 0.2, "delta": 0.5, "gamma": 0.02} | changes
    return OptionContractRow(
        TOMORROW,
        Decimal(bid),
        Decimal(ask),
        None,
        0,
        0,
        0,
        0,
        0.0,
        greeks["iv"],
        greeks["delta"],
        greeks["gamma"],
        None,
    )


def off(theirs: OptionContractRow, moved: Moved = STILL, tick: Decimal = CENT) -> str | None:
    quote = Quote(Decimal("5.00"), Decimal("5.10"), 10, 10, None, NOW)
    greeks = Greeks(0.2, 0.5, 0.02, 0.1, -0.1, 600.0, NOW)
    return contract_off(theirs, quote, greeks, moved, NOW, LIMITS, tick)


def test_a_price_may_be_two_percent_away_from_where_the_market_was() -> None:
    moved = Moved(Decimal(598), Decimal(602))
    assert price_off(Decimal("586.1"), moved, LIMITS) == ""
    assert price_off(Decimal("614.0"), moved, LIMITS) == ""
    assert price_off(Decimal("586.0"), moved, LIMITS)
    assert price_off(Decimal("614.1"), moved, LIMITS)


@pytest.mark.parametrize(
    "theirs, said",
    [
        (row("5.05", "5.15"), ""), (row("5.06", "5.15"), "bid"), (row("5.00", "5.16"), "ask"),
        (row(iv=0.24), ""), (row(iv=0.26), "iv"), (row(delta=0.54), ""), (row(delta=0.56), "delta"),
        (row(gamma=0.0221), "gamma"), (row(gamma=0.0219), ""),
    ],
)  # fmt: skip
def test_each_figure_has_its_tolerance(theirs: OptionContractRow, said: str) -> None:
    found = off(theirs)
    assert found is not None
    assert found.startswith(said) if said else found == ""


def test_what_the_underlying_did_meanwhile_is_allowed_for() -> None:
    assert off(row("5.40", "5.50"))
    assert off(row("5.40", "5.50"), Moved(Decimal(600), Decimal("600.8"))) == ""


def test_a_quote_is_no_nearer_than_its_grid() -> None:
    assert off(row("5.15", "5.25"))
    assert off(row("5.15", "5.25"), tick=Decimal("0.10")) == ""


def test_a_side_that_nobody_quotes_compares_nothing() -> None:
    bare = OptionContractRow(TOMORROW, None, Decimal("5.10"), None, 0, 0, 0, 0, 0.0, None, None, None, None)
    assert off(bare) is None


@given(st.lists(st.booleans(), max_size=20))
def test_a_data_set_diverges_where_more_than_half_of_enough_is_off(marks: list[bool]) -> None:
    said = verdict([Compared("SPY", "bid 1 against 2" if mark else "") for mark in marks])
    assert (said is None) is (len(marks) < 3)
    if said is not None:
        assert bool(said) is (2 * sum(marks) > len(marks))
