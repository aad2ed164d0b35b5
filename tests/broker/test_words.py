"""Every word of TWS has a meaning, and none is guessed."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broker import words
from bot.domain.errors import UnknownWord
from bot.domain.events.orders import BrokerOrderStatus, ErrorMeaning
from bot.domain.order import OrderSide, RefusalKind

TWS_STATUSES = [
    "ApiPending", "PendingSubmit", "PendingCancel", "PreSubmitted", "Submitted", "ApiCancelled", "Cancelled",
    "Filled", "Inactive",
    "ApiUpdate",
]  # fmt: skip
DOCUMENTED_CODES = [
    100, 101, 102, 322, 103, 104, 105, 329, 106, 107, 109, 111, 321, 110, 135, 136, 161, 162, 165, 200, 201, 202,
    203, 460, 300, 310,
    309, 316, 317, 320, 505, 326, 354, 10089, 10090, 10168, 10186, 10167, 366, 10182, 383, 388, 434, 399, 404, 502,
    504, 1100, 1101, 1102,
    1300, 2100, 2101, 2102, 2103, 2105, 2157, 2104, 2106, 2107, 2108, 2119, 2158, 2159, 2109, 2110, 2137, 2148, 2161,
    2168, 2169, 2174,
    10314, 391, 10006, 10147, 10148, 10190, 10189, 10197, 10225, 10349, 10311,
]  # fmt: skip


@pytest.mark.parametrize("word", TWS_STATUSES)
def test_every_status_of_tws_is_one_of_ours(word: str) -> None:
    assert isinstance(words.order_status(word), BrokerOrderStatus)


def test_every_status_that_the_library_lists_is_mapped() -> None:
    from ib_insync.order import OrderStatus

    listed = OrderStatus.DoneStates | OrderStatus.ActiveStates | {OrderStatus.PendingCancel, OrderStatus.Inactive}
    assert listed <= set(words.ORDER_STATUS)


@pytest.mark.parametrize("code", DOCUMENTED_CODES)
def test_every_documented_code_is_in_a_table(code: int) -> None:
    assert code in words.ORDER_ERRORS or code in words.SYSTEM_CODES or code in words.LINE_CODES


def test_unknown_words_are_errors() -> None:
    with pytest.raises(UnknownWord, match="Sleeping"):
        words.order_status("Sleeping")
    with pytest.raises(UnknownWord):
        words.order_side("HOLD")
    with pytest.raises(UnknownWord):
        words.order_error(99_999)
    with pytest.raises(UnknownWord):
        words.system_word(99_999)
    with pytest.raises(UnknownWord):
        words.line_word(99_999)
    with pytest.raises(UnknownWord):
        words.money("plenty")


def test_no_code_but_202_speaks_of_a_cancelled_order() -> None:
    assert [code for code, each in words.ORDER_ERRORS.items() if each is ErrorMeaning.CANCEL_REPORTED] == [202]


def test_executions_and_orders_name_their_sides_differently() -> None:
    assert words.order_side("BOT") is words.order_side("BUY") is OrderSide.BUY
    assert words.order_side("SLD") is words.order_side("SELL") is OrderSide.SELL


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -1.0, 1.7976931348623157e308])
def test_what_tws_sends_for_no_price_is_none(nothing: float) -> None:
    assert words.price(nothing) is None
    assert words.ask_price(nothing) is None


def test_nobody_offers_for_nothing_but_a_bid_can_be_zero() -> None:
    assert words.ask_price(0.0) is None
    assert words.price(0.0) == 0


@given(st.decimals("0.01", "99999.99", places=2))
def test_a_price_survives_the_float_that_carries_it(amount: Decimal) -> None:
    assert words.price(float(amount)) == amount


def test_binary_dust_is_no_part_of_a_price() -> None:
    assert words.price(0.30000000000000004) == Decimal("0.3")


@given(st.floats())
def test_any_float_gives_a_sound_number_or_none(value: float) -> None:
    number = words.number(value)
    assert number is None or number.is_finite()
    assert words.size(value) >= 0


@pytest.mark.parametrize("account, paper", [("DU1234567", True), ("DF123", True), ("U1234567", False), ("F99", False)])
def test_paper_accounts_are_told_by_their_names(account: str, paper: bool) -> None:
    assert words.is_paper(account) is paper


@pytest.mark.parametrize(
    "port, said",
    [
        (7497, "the usual port of TWS for paper"),
        (7496, "the usual port of TWS for live"),
        (4002, "the usual port of IB Gateway for paper"),
        (4001, "the usual port of IB Gateway for live"),
        (5000, "no usual port of TWS or IB Gateway"),
    ],
)
def test_tws_and_gateway_and_paper_and_live_are_told_apart_by_their_usual_ports(port: int, said: str) -> None:
    assert words.port_words(port) == said


def test_the_usual_ports_of_a_mode_are_named() -> None:
    assert words.ports_words(paper=True) == "7497 (TWS) or 4002 (IB Gateway)"
    assert words.ports_words(paper=False) == "7496 (TWS) or 4001 (IB Gateway)"


@pytest.mark.parametrize(
    "code, text, says",
    [
        (201, "Order rejected - reason:Cannot have open orders on both sides of the same US Option contract.",
         RefusalKind.OTHER_SIDE),
        (103, "both sides", None),
        (201, "no margin", None),
        (321, "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode.",
         RefusalKind.READ_ONLY),
        (201, "Read-only", RefusalKind.READ_ONLY),
        (201, "", None),
    ],
)  # fmt: skip
def test_what_decides_in_the_words_of_a_refusal_is_a_type(code: int, text: str, says: RefusalKind | None) -> None:
    assert words.refusal(code, text) is says
