"""Dealers' exposure on the page: worked out on the board, kept in the store, shown beside the vendor's."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from html import unescape

import pytest
from flask.testing import FlaskClient

from bot.analytics.dealers import dealers
from bot.analytics.exposure import Convention, FlipBy
from bot.domain.data.contracts import MaxPain, OptionContractRow
from bot.domain.data.exposure import SpotGexMinute, StrikeExposure
from bot.domain.data.sets import GEX_BY_STRIKE, MAX_PAIN, OPTION_CONTRACTS, SPOT_GEX
from bot.domain.events.feeds import DatumReceived
from bot.domain.instruments import OptionContract, Right
from bot.engine.state.board import Board
from bot.engine.state.shown import DealersShown
from bot.store.tables.feed_rows import FEED_ROW, FEED_ROWS_SHOWN
from tests.web.conftest import NOW, StoreBuilder

TODAY = date(2026, 11, 20)
RECEIVED = NOW - timedelta(seconds=30)


def contract(strike: int, right: Right, interest: int, *, days: int = 0, volume: int = 5) -> OptionContractRow:
    option = OptionContract("SPY", TODAY + timedelta(days=days), right, Decimal(strike))
    return OptionContractRow(option, None, None, None, volume, interest, 0, 0, 0.0, 0.15, None, None, None)


CONTRACTS = (
    *(contract(590 + n, Right.CALL, 100 + 50 * n, days=day) for n in range(-5, 6) if n > -2 for day in (0, 3)),
    *(contract(590 + n, Right.PUT, 300 - 40 * n, days=day) for n in range(-5, 6) if n < 3 for day in (0, 3)),
    contract(600, Right.CALL, 10, volume=90),
)


def board(rows: tuple[OptionContractRow, ...] = CONTRACTS, symbol: str = "SPY") -> Board:
    found = Board()
    strikes = tuple(
        StrikeExposure(Decimal(590 + n), Decimal("590.2"), RECEIVED, max(n, 0) * 1e8, min(n, 0) * 1e8, 0, 0, 5e8, -2e8)
        for n in range(-6, 7)
    )
    minute = SpotGexMinute(RECEIVED, Decimal(590), 1.25e9, 0.0, 0.0, 0.0, 0.0)
    pain = MaxPain(TODAY, Decimal(589), None)
    for name, value in ((GEX_BY_STRIKE, strikes), (SPOT_GEX, (minute,)), (MAX_PAIN, (pain,)), (OPTION_CONTRACTS, rows)):
        found.apply_datum(DatumReceived(name, symbol, value, RECEIVED, RECEIVED, 600.0, "unusual_whales"))
    return found


@pytest.fixture
def shown(store: StoreBuilder) -> StoreBuilder:
    rows = DealersShown().take(board(), NOW, Convention())
    assert rows is not None
    store.add(FEED_ROW, **FEED_ROWS_SHOWN.row(rows))
    return store


def test_ours_stands_beside_the_vendors_by_figure_by_strike_and_by_expiry(
    shown: StoreBuilder, page: FlaskClient
) -> None:
    text = unescape(page.get("/exposure").get_data(as_text=True))
    for words in ("Dealers' exposure: SPY", "30 s old", "+1,250.0", "589.00", "2026-11-20", "2026-11-23", "Pin risk"):
        assert words in text, words
    spec = json.loads(re.findall(r'application/json">(.*?)</script>', text, re.DOTALL)[0])
    assert [pane["title"].split(",")[0] for pane in spec["vconcat"]] == [
        "GEX by strike", "DEX by strike", "Vendor's GEX by strike",
    ]  # fmt: skip
    told = page.get("/exposure.json?symbol=SPY").get_json()["dealers"]
    own = dealers(board(), "SPY", NOW, Convention())
    assert not isinstance(own, str)
    figures = {each["name"]: each for each in told["figures"]}
    assert figures["GEX"]["ours"] == pytest.approx(own.own.exposure.total.gex / 1e6)
    assert figures["GEX"]["vendors"] == 1250.0
    assert figures["Pin"]["vendors"] == 596.0
    assert figures["Max pain, next expiry"]["vendors"] == 589.0
    assert sum(each["gex"] for each in told["expiries"]) == pytest.approx(figures["GEX"]["ours"])


def test_an_underlying_whose_chain_says_nothing_is_named_with_the_reason(
    store: StoreBuilder, page: FlaskClient
) -> None:
    rows = DealersShown().take(board((contract(590, Right.CALL, 100),)), NOW, Convention())
    assert rows is not None
    store.add(FEED_ROW, **FEED_ROWS_SHOWN.row(rows))
    assert "Nothing can be told of SPY: one strike." in page.get("/exposure").get_data(as_text=True)


def test_before_the_first_chain_the_page_says_what_will_be_here(page: FlaskClient) -> None:
    assert "No chain yet" in page.get("/exposure?symbol=NOPE").get_data(as_text=True)


@pytest.mark.parametrize(
    "rows, absent",
    [
        ((), "empty chain"),
        ((contract(590, Right.CALL, 100),), "one strike"),
        (tuple(replace(row, open_interest=0) for row in CONTRACTS), "no gamma"),
        (tuple(replace(row, iv=float("nan")) for row in CONTRACTS), "no gamma"),
        (tuple(replace(row, iv=0.0) for row in CONTRACTS), "no gamma"),
    ],
)
def test_bad_input_is_a_named_absence(rows: tuple[OptionContractRow, ...], absent: str) -> None:
    assert dealers(board(rows), "SPY", NOW, Convention()) == absent


def test_without_a_chain_and_without_a_price_it_is_absent_too() -> None:
    assert dealers(Board(), "SPY", NOW, Convention()) == "no chain"
    alone = Board()
    alone.apply_datum(DatumReceived(OPTION_CONTRACTS, "SPY", CONTRACTS, NOW, NOW, 600.0, "unusual_whales"))
    assert dealers(alone, "SPY", NOW, Convention()) == "no price"


def test_what_was_worked_out_is_kept_while_rows_price_and_reading_stand() -> None:
    seen = board()
    first = dealers(seen, "SPY", NOW, Convention())
    assert dealers(seen, "SPY", NOW + timedelta(seconds=5), Convention()) is first
    assert dealers(seen, "SPY", NOW, Convention(flip=FlipBy.STRIKES)) is not first


def test_the_vendors_newer_word_is_shown_although_contracts_and_price_stand() -> None:
    seen = board()
    dealers(seen, "SPY", NOW, Convention())
    minute = SpotGexMinute(NOW, Decimal(590), 2.5e9, 0.0, 0.0, 0.0, 0.0)
    seen.apply_datum(DatumReceived(SPOT_GEX, "SPY", (minute,), NOW, NOW, 600.0, "unusual_whales"))
    newer = dealers(seen, "SPY", NOW, Convention())
    assert not isinstance(newer, str)
    assert newer.vendor.total == 2.5e9


def test_each_chain_is_written_down_once() -> None:
    keeper, seen = DealersShown(), board()
    assert keeper.take(seen, NOW, Convention()) is not None
    assert keeper.take(seen, NOW, Convention()) is None
