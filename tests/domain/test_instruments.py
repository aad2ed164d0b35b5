"""OSI symbols both ways, roots, and the price grid."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.instruments import (
    NICKEL_CLASS,
    PENNY_ALL,
    PENNY_CLASS,
    Instrument,
    OptionContract,
    PriceGrid,
    Right,
    UnderlyingKind,
    format_osi,
    is_third_friday,
    option_of_key,
    parse_osi,
    price_grid,
    root_for,
    underlying,
)

MONTHLY = date(2026, 11, 20)
CONTRACTS = st.builds(
    OptionContract,
    root=st.from_regex(r"[A-Z][A-Z0-9.]{0,5}", fullmatch=True),
    expiry=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    right=st.sampled_from(Right),
    strike=st.integers(1, 99_999_999).map(lambda thousandths: Decimal(thousandths) / 1000),
)


@given(CONTRACTS)
def test_a_symbol_reads_back_as_the_contract_it_was_written_for(contract: OptionContract) -> None:
    symbol = format_osi(contract)
    assert len(symbol) == 21
    assert parse_osi(symbol) == contract
    assert parse_osi(symbol.replace(" ", "")) == contract
    assert parse_osi(contract.key).key == contract.key


@pytest.mark.parametrize(
    "symbol, root, strike",
    [
        ("SPXW  261120C05900000", "SPXW", "5900"),
        ("SPY261120C00597500", "SPY", "597.5"),
        ("AAPL  261120C00000500", "AAPL", "0.5"),
        ("BRKB7 261120C12345678", "BRKB7", "12345.678"),
    ],
)
def test_known_symbols(symbol: str, root: str, strike: str) -> None:
    assert parse_osi(symbol) == OptionContract(root, MONTHLY, Right.CALL, Decimal(strike))


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "SPY",
        "SPY261120X00600000",
        "SPY261320C00600000",
        "SPY261120C0060000",
        "TOOLONG261120C00600000",
        "spy261120C00600000",
    ],
)
def test_anything_else_is_not_a_symbol(symbol: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - a bad date has the calendar's own words
        parse_osi(symbol)


@pytest.mark.parametrize(
    "root, strike", [("SPY", "0"), ("SPY", "0.0005"), ("SPY", "100000"), ("", "5"), ("TOOLONG", "5")]
)
def test_a_contract_that_does_not_fit_has_no_symbol(root: str, strike: str) -> None:
    with pytest.raises(ValueError, match="does not fit an OSI symbol"):
        format_osi(OptionContract(root, MONTHLY, Right.PUT, Decimal(strike)))


def test_only_the_monthly_of_an_index_that_settles_at_the_open_has_the_plain_root() -> None:
    assert root_for("SPX", MONTHLY) == "SPXW"
    assert root_for("SPX", MONTHLY, settled_at_close=False) == "SPX"
    assert root_for("SPX", MONTHLY + timedelta(days=1), settled_at_close=False) == "SPXW"
    assert root_for("SPY", MONTHLY) == "SPY"


def test_both_index_roots_are_options_on_the_same_underlying() -> None:
    for root in ("SPX", "SPXW"):
        assert OptionContract(root, MONTHLY, Right.CALL, Decimal(5900)).symbol == "SPX"


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_a_month_has_one_third_friday(day: date) -> None:
    month = [day.replace(day=i) for i in range(1, 29)]
    assert sum(is_third_friday(d) for d in month) == 1


def test_indices_are_quoted_where_they_are_made_and_funds_anywhere() -> None:
    assert underlying("SPX").kind is UnderlyingKind.INDEX
    assert underlying("SPX").exchange == "CBOE"
    assert underlying("SPY").kind is UnderlyingKind.STOCK


def test_a_contract_speaks_plainly() -> None:
    assert str(OptionContract("SPXW", MONTHLY, Right.CALL, Decimal("5900.0"))) == "SPX 5900C 20 Nov 2026"


# ---- price grid

GRIDS = st.sampled_from([PENNY_ALL, PENNY_CLASS, NICKEL_CLASS])
PRICES = st.decimals("0", "500", places=4)


@pytest.mark.parametrize(
    "root, price, down, up",
    [
        ("SPY", "3.017", "3.01", "3.02"), ("AAPL", "2.999", "2.95", "3.00"), ("SPXW", "2.97", "2.95", "3.00"),
        ("SPXW", "3.01", "3.00", "3.10"), ("SPXW", "3.00", "3.00", "3.00"), ("SPXW", "0.01", "0.00", "0.05"),
    ],
)  # fmt: skip
def test_known_prices_on_their_grid(root: str, price: str, down: str, up: str) -> None:
    grid = price_grid(root)
    assert grid.down(Decimal(price)) == Decimal(down)
    assert grid.up(Decimal(price)) == Decimal(up)


@given(GRIDS, PRICES)
def test_rounding_brackets_the_price_by_less_than_a_tick_and_stays_on_the_grid(grid: PriceGrid, price: Decimal) -> None:
    low, high, near = grid.down(price), grid.up(price), grid.nearest(price)
    assert low <= price <= high
    assert high - low <= grid.tick_at(price)
    assert near in {low, high}
    assert abs(near - price) == min(price - low, high - price)
    assert all(grid.contains(value) for value in (low, high, near))


@given(GRIDS, PRICES)
def test_a_price_on_the_grid_stays_where_it_is(grid: PriceGrid, price: Decimal) -> None:
    on_grid = grid.down(price)
    assert grid.down(on_grid) == grid.up(on_grid) == grid.nearest(on_grid) == on_grid


@given(GRIDS, PRICES, PRICES)
def test_rounding_keeps_the_order_of_prices(grid: PriceGrid, one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert grid.down(low) <= grid.down(high)
    assert grid.up(low) <= grid.up(high)


# ---- what the broker names

SPY_CALL = Instrument(
    7001, "OPT", "SPY", "USD", "100", "SMART", "", "SPY", "SPY   261120C00600000", "20261120", "C", "600"
)  # fmt: skip


def test_a_listed_option_in_dollars_on_a_hundred_shares_is_plain() -> None:
    assert SPY_CALL.is_plain_us_option
    assert SPY_CALL.key == "SPY   261120C00600000"
    blank = replace(SPY_CALL, symbol="BRK B", trading_class="BRKB", local_symbol="BRKB  261120C00600000")
    assert blank.is_plain_us_option
    assert blank.key == "BRKB  261120C00600000"


@pytest.mark.parametrize(
    "terms",
    [
        {"currency": "EUR"}, {"currency": ""}, {"multiplier": "150"}, {"multiplier": "10"}, {"multiplier": "0"},
        {"multiplier": ""}, {"multiplier": "None"}, {"multiplier": "100.5"}, {"trading_class": "AAPL1"},
        {"trading_class": "SPY7", "local_symbol": "SPY7  261120C00600000"}, {"sec_type": "FOP"}, {"sec_type": "WAR"},
        {"trading_class": "2SPY", "local_symbol": "2SPY  261120C00600000"}, {"strike": "0.0005"},
        {"local_symbol": "SPY   261120C00000000", "strike": ""}, {"local_symbol": "C SPY  NOV 26", "strike": "100000"},
        {"local_symbol": "", "trading_class": "TOOLONGCLASS"}, {"local_symbol": "", "right": "?"},
        {"local_symbol": "SPY   261320C00600000", "last_trading_day": ""}, {"sec_type": ""}, {"sec_type": "OPTX"},
    ],
)  # fmt: skip
def test_an_option_of_any_other_terms_is_not_plain_and_has_a_key_of_its_own(terms: dict[str, Any]) -> None:
    other = replace(SPY_CALL, **terms)
    assert not other.is_plain_us_option
    assert other.key == f"SPY:{other.sec_type or '?'}:7001"
    assert option_of_key(other.key) is None


def test_a_ticker_of_another_currency_is_not_the_underlying() -> None:
    assert Instrument(1, "STK", "SPY", "USD").key == "SPY"
    assert Instrument(2, "STK", "SPY", "AUD").key == "SPY:STK:2"
    assert Instrument(3, "CFD", "SPY", "USD").key == "SPY:CFD:3"


TEXTS = st.text(max_size=30)


@given(st.builds(Instrument, st.integers(), TEXTS | st.sampled_from(["OPT", "STK"]), *([TEXTS] * 10)))
def test_whatever_the_broker_names_is_an_instrument(named: Instrument) -> None:
    assert named.key
    assert str(named) is not None
    assert named.changes_from(named) == {}
    assert (option_of_key(named.key) is not None) == named.is_plain_us_option


def test_a_contract_that_is_named_with_less_has_not_changed() -> None:
    less = Instrument(7001, "OPT", "SPY", "USD", "100.0", local_symbol="SPY 261120C00600000", right="CALL")
    assert SPY_CALL.changes_from(less) == less.changes_from(SPY_CALL) == {}
    split = replace(SPY_CALL, multiplier="150", trading_class="SPY1")
    assert split.changes_from(SPY_CALL) == {"multiplier": ("100", "150"), "trading_class": ("SPY", "SPY1")}
