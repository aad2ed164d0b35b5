"""The pages of what was stated and what was found, and the command that says the first."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.forecast import FORECAST
from tests.web.conftest import StoreBuilder


@pytest.fixture
def stated(store: StoreBuilder) -> None:
    rows = [(0.72, 1.0), (0.78, 0.0), (0.95, 1.0), (0.7, None)]
    for number, (probability, outcome) in enumerate(rows):
        store.add(
            FORECAST, id=f"confidence:{number}", kind="confidence", stated_by="<b>bold</b>", symbol="SPY",
            subject=str(number), stated=probability, at=store.now_text, facts="{}", outcome=outcome,
            settled_at=None if outcome is None else store.now_text, note="",
        )  # fmt: skip
    store.add(
        FORECAST, id="expected_move:SPY", kind="expected_move", stated_by="expected_move", symbol="SPY", subject="d",
        stated=4.0, at=store.now_text, facts="{}", outcome=1.5, settled_at=store.now_text, note="",
    )  # fmt: skip


@pytest.mark.usefixtures("stated")
def test_what_was_stated_stands_beside_what_came(operator: FlaskClient) -> None:
    text = operator.get("/calibration").get_data(as_text=True)
    assert "3 settled, 1 open" in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "70 and 80 %" in text
    assert "realized over implied 1.50" in text
    (confidence, moves) = operator.get("/calibration.json").get_json()["forecasts"]
    assert confidence["reliability"]["brier"] == pytest.approx((0.28**2 + 0.78**2 + 0.05**2) / 3)
    assert (confidence["open"], moves["moves"]["mean"]) == (1, 1.5)


def test_before_anything_was_stated_or_found_both_say_so(operator: FlaskClient) -> None:
    assert "Nothing was stated yet" in operator.get("/calibration").get_data(as_text=True)
    assert "nothing was found yet" in operator.get("/discovery").get_data(as_text=True)
    numbers = operator.get("/discovery.json").get_json()["numbers"]
    assert {(each["name"], each["used"]) for each in numbers} == {
        ("vpin_bucket", 100), ("lookback", 12), ("low", 0.1), ("high", 0.25),
    }  # fmt: skip


def test_what_was_found_stands_with_its_evidence_and_what_falls_back_with_why(
    operator: FlaskClient, store: StoreBuilder
) -> None:
    numbers = {"vpin_bucket": {"prints": 1200}, "lookback": {"bars": 60, "why": "60 bars, 100 are needed"}}
    found = {
        "timestamp": store.now_text, "parameters": {"SPY": {"vpin_bucket": 120}},
        "market_makers": {"Q": {"toxicity": 0.7, "fast": True}}, "correlations": {"QQQ SPY": 0.93},
        "evidence": {"days": ["2026-11-19"], "symbols": {"SPY": numbers}},
    }  # fmt: skip
    body = json.dumps({"settings": {"discovered": found, "discovery": {"symbols": ["SPY"]}}})
    store.add(CONFIG_VERSION, id="C9", number=9, hash="0", body=body, created_at=store.now_text)
    text = operator.get("/discovery").get_data(as_text=True)
    for words in ("120", "1200 prints", "50 to 500", "60 bars, 100 are needed", "a fast one", "+0.93", "2026-11-19"):
        assert words in text
    rows = {each["name"]: each for each in operator.get("/discovery.json").get_json()["numbers"]}
    assert (rows["vpin_bucket"]["used"], rows["vpin_bucket"]["found"]) == (120, True)
    assert (rows["lookback"]["used"], rows["lookback"]["found"]) == (12, False)
