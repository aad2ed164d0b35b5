"""Contracts go out and come back as the same key."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot.broker.contracts import ContractBook, grid_of_rule, named, rule_id_of, to_ib
from bot.broker.ib import Contract, ContractDetails, PriceIncrement
from bot.domain.instruments import OptionContract, PriceGrid, Right

OPTIONS = st.builds(
    OptionContract,
    root=st.sampled_from(["SPY", "SPXW", "QQQ", "NDXP"]),
    expiry=st.dates(date(2025, 1, 1), date(2035, 12, 31)),
    right=st.sampled_from(Right),
    strike=st.integers(1, 20_000).map(lambda halves: Decimal(halves) / 2),
)


@given(OPTIONS)
def test_an_option_comes_back_as_it_went(option: OptionContract) -> None:
    assert named(to_ib(option.key)).key == option.key


def test_an_index_option_names_its_underlying_and_its_class() -> None:
    contract = to_ib("SPXW  261120C06000000", 7)
    assert (contract.symbol, contract.tradingClass, contract.exchange, contract.multiplier) == (
        "SPX",
        "SPXW",
        "SMART",
        "100",
    )
    assert (contract.lastTradeDateOrContractMonth, contract.strike, contract.right, contract.conId) == (
        "20261120",
        6000.0,
        "C",
        7,
    )


def test_a_cash_index_is_asked_for_where_it_is_computed() -> None:
    contract = to_ib("SPX")
    assert (contract.secType, contract.exchange, contract.currency) == ("IND", "CBOE", "USD")
    assert to_ib("SPY").secType == "STK"


def test_the_local_symbol_wins_over_the_last_trading_day() -> None:
    monthly = Contract(
        secType="OPT", symbol="SPX", lastTradeDateOrContractMonth="20261119", strike=6000.0, right="C",
        multiplier="100", localSymbol="SPX   261120C06000000", tradingClass="SPX",
    )  # fmt: skip
    option = named(monthly).option
    assert option is not None
    assert option.expiry == date(2026, 11, 20)


def test_what_the_house_does_not_trade_gets_a_key_of_its_own() -> None:
    future = Contract(secType="FUT", symbol="ES", conId=5)
    assert named(future).key == "ES:FUT:5"
    assert named(future).option is None


def test_the_market_rule_is_the_one_of_the_exchange_that_we_route_to() -> None:
    details = ContractDetails(
        contract=Contract(exchange="SMART"), validExchanges="AMEX,SMART,CBOE", marketRuleIds="32,109,110", minTick=0.01
    )
    assert rule_id_of(details) == 109


def test_a_rule_becomes_a_grid_of_exact_steps() -> None:
    grid = grid_of_rule([PriceIncrement(0.0, 0.05), PriceIncrement(3.0, 0.1)])
    assert grid == PriceGrid(((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.1"))))
    assert grid_of_rule([]) is None


def test_a_contract_that_the_broker_named_can_be_traded() -> None:
    book = ContractBook()
    key = book.key(
        Contract(secType="OPT", conId=42, localSymbol="SPY   261120P00600000", multiplier="100", currency="USD")
    )
    contract = book.ib_contract(key)
    assert contract is not None
    assert contract.conId == 42
    assert not book.is_complete(key)
