"""The market's page: each condition's input with its threshold, and gamma by strike with the spot."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient

from bot.analytics.macro import MacroValue
from bot.engine.state.records import FeedRows
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.feed_rows import FEED_ROW, FEED_ROWS_SHOWN
from bot.store.tables.gamma_profile import GAMMA_PROFILE
from bot.store.tables.strategy_stat import STRATEGY_STAT
from tests.web.conftest import DAY, AppMaker, StoreBuilder, at, dollars
from tests.web.conftest import NOW as PAGE_NOW

SEEN = {"price": "5897.39", "max_gamma_strike": "5900", "distance": "0.00044", "gamma_flip": "5873.45",
        "condition": "lean", "net_gamma": 8582263140.0, "imbalance": 0.12, "book_symbol": "SPY"}  # fmt: skip
STRIKES = [[f"{5800 + 5 * n}", (n - 12) * 4e7] for n in range(41)]


@pytest.fixture
def looked(store: StoreBuilder) -> StoreBuilder:
    body = {"settings": {"strategies": {"zero_dte_gamma": {"pin_distance": "0.001", "min_imbalance": 0.2}}}}
    store.add(CONFIG_VERSION, id="v1", number=1, hash="", body=json.dumps(body), created_at=at(90))
    common = {"strategy": "zero_dte_gamma", "day": DAY, "evaluated": 9, "proposed": 0, "at": at(0)}
    store.add(STRATEGY_STAT, symbol="SPX", last_reason="book of SPY leans +0.12, needs +0.20", seen=json.dumps(SEEN),
              seen_at=at(0, 4), **common)  # fmt: skip
    store.add(STRATEGY_STAT, symbol="IWM", last_reason="inputs are not fit", **common)
    store.add(GAMMA_PROFILE, symbol="SPX", at=at(0, 40), price=dollars(5897), strikes=json.dumps(STRIKES))
    return store


def test_each_input_stands_beside_its_threshold(looked: StoreBuilder, page: FlaskClient) -> None:
    text = unescape(page.get("/market/SPX").get_data(as_text=True))
    for words in ("5,897.39", "5,900.00", '<span class="yes">0.04 %</span>', ", 0.10 %", "5,873.45", "8,582",
                  '<span class="no">+0.12</span>', "±0.20 of SPY", "11:05:26", "inputs are not fit"):  # fmt: skip
        assert words in text, words
    spec = json.loads(re.findall(r'application/json">(.*?)</script>', text, re.DOTALL)[0])
    assert spec["vconcat"][0]["title"] == "GEX by strike, $ M for a 1 % move"
    assert {row["x"]: row["gex"] for row in spec["datasets"]["rows"]}[5800.0] == -480.0
    assert "spot 5,897.39" in text
    assert "pin 5,900.00" in text


def test_figures_derived_from_quotes_are_there_with_formula_and_age(looked: StoreBuilder, page: FlaskClient) -> None:
    value = MacroValue("yield_10y", 0.0431, "fraction a year", "yield of a 6 % bond", "ZN:FUT", PAGE_NOW)
    rows = FeedRows("macro", "*", "ibkr", PAGE_NOW, PAGE_NOW - timedelta(seconds=30), 900.0, 1, (value,))
    looked.add(FEED_ROW, **FEED_ROWS_SHOWN.row(rows))
    text = unescape(page.get("/market").get_data(as_text=True))
    for words in ("yield 10y", "4.31 %", "yield of a 6 % bond", "ZN:FUT", "30 s old"):
        assert words in text, words
    assert page.get("/feeds/macro.json").get_json()["sets"][0]["fields"][:2] == ["name", "value"]
    assert page.get("/feeds/nothing").status_code == 404


def test_who_is_not_looked_at_is_not_there(looked: StoreBuilder, page: FlaskClient) -> None:
    assert page.get("/market/NOPE").status_code == 404
    assert "No gamma by strike yet" in page.get("/market/iwm").get_data(as_text=True)


def test_before_the_first_look_the_page_says_what_will_be_here(make_app: AppMaker, empty_store: StoreBuilder) -> None:
    text = make_app(empty_store.url).test_client().get("/market").get_data(as_text=True)
    assert "No strategy has looked at a market today" in text
