"""Contracts go out and come back as the same key."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broker.contracts import ContractBook, detailed, grid_of_rule, named, rule_id_of, to_ib
from bot.broker.ib import Contract, ContractDetails, PriceIncrement
from bot.domain.instruments import PENNY_ALL, Instrument, OptionContract, PriceGrid, Right

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


# ---- what the broker named goes out again

CLASS_B = Contract(
    secType="OPT", conId=77, symbol="BRK B", lastTradeDateOrContractMonth="20261120", strike=480.0, right="C",
    multiplier="100", exchange="SMART", primaryExchange="CBOE", currency="USD", localSymbol="BRKB  261120C00480000",
    tradingClass="BRKB",
)  # fmt: skip


def qualified(contract: Contract, **told: Any) -> tuple[ContractBook, str]:
    book, instrument = ContractBook(), detailed(ContractDetails(contract=contract, **told))
    book.learn(instrument.key, instrument, PENNY_ALL)
    return book, instrument.key


@pytest.mark.parametrize(
    "terms", [{}, {"multiplier": "100.0"}, {"exchange": "CBOE"}, {"lastTradeDateOrContractMonth": "20261120 15:00"}]
)
def test_every_term_goes_out_as_it_came(terms: dict[str, Any]) -> None:
    named_so = replace(CLASS_B, **terms)
    book, key = qualified(named_so)
    assert key == "BRKB  261120C00480000"
    assert book.ib_contract(key) == named_so


def test_what_only_a_holding_named_goes_out_by_its_id_alone() -> None:
    book = ContractBook()
    key = book.key(replace(CLASS_B, exchange="", primaryExchange=""))
    assert book.ib_contract(key) == Contract(conId=77, exchange="SMART")


def test_two_securities_of_one_name_never_take_each_others_place() -> None:
    book, key = qualified(CLASS_B)
    twin = replace(CLASS_B, conId=78)
    assert book.key(twin) == "BRK B:OPT:78"
    assert (book.con_id(key), book.con_id("BRK B:OPT:78")) == (77, 78)
    assert book.key(Contract(secType="STK", conId=5, symbol="SPY", currency="USD")) == "SPY"
    assert book.key(Contract(secType="STK", conId=6, symbol="SPY", currency="USD")) == "SPY:STK:6"
    book.learn("SPY", Instrument(6, "STK", "SPY", "USD", is_complete=True))
    assert book.key(Contract(secType="STK", conId=5, symbol="SPY", currency="USD")) == "SPY:STK:5"
    assert book.key(Contract(secType="STK", conId=6, symbol="SPY", currency="USD")) == "SPY"


@pytest.mark.parametrize(
    "terms, told",
    [
        ({"multiplier": "150", "tradingClass": "BRKB1"}, "multiplier '100' is now '150'"),
        ({"symbol": "BRKC", "localSymbol": "BRKC  261120C00480000"}, "symbol 'BRK B' is now 'BRKC'"),
        ({"strike": 240.0}, "strike '480.00' is now '240.00'"),
        ({"currency": "CAD"}, "currency 'USD' is now 'CAD'"),
    ],
)
def test_a_contract_that_changes_under_its_id_is_told_once_and_goes_out_by_its_id(
    terms: dict[str, Any], told: str
) -> None:
    changes: list[str] = []
    book = ContractBook(lambda key, instrument: changes.append(instrument.changed))
    book.learn("BRKB  261120C00480000", detailed(ContractDetails(contract=CLASS_B)), PENNY_ALL)
    for _ in range(3):
        assert book.key(replace(CLASS_B, **terms)) == "BRKB  261120C00480000", "the conId says whose it is"
    (change,) = changes
    assert told in change
    assert book.ib_contract("BRKB  261120C00480000") == Contract(conId=77, exchange="SMART")


def test_how_a_contract_settles_is_what_its_details_tell() -> None:
    stock = detailed(ContractDetails(contract=CLASS_B, underSecType="STK", realExpirationDate="20261120"))
    assert (stock.cash_settled, stock.settled_at_open) == (False, None)
    index = replace(CLASS_B, symbol="XND", localSymbol="XND   261120C00480000", tradingClass="XND")
    afternoon = detailed(ContractDetails(contract=index, underSecType="IND", realExpirationDate="20261120"))
    assert (afternoon.cash_settled, afternoon.settled_at_open) == (True, False)
    index.lastTradeDateOrContractMonth = "20261119"
    morning = detailed(ContractDetails(contract=index, underSecType="IND", realExpirationDate="20261120"))
    assert morning.option is not None
    told = morning.settling(morning.option)
    assert (told.settles_in_cash, told.settles_at_open) == (True, True)
    assert not morning.option.settles_in_cash, "nobody told: XND is on no list"
    assert told == morning.option
