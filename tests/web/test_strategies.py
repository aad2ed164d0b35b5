"""The page of the strategies: every one with its state, its figures and why it does not trade now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bot.domain.requests import Role
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.position import POSITION
from bot.store.tables.strategy_stat import STRATEGY_STAT
from bot.store.tables.strategy_switch import STRATEGY_SWITCH
from tests.web.conftest import DAY, AppMaker, CsrfReader, StoreBuilder

NAME = "zero_dte_gamma"


@pytest.fixture(autouse=True)
def looked(store: StoreBuilder) -> None:
    section = {"enabled": True, "symbols": ["SPX", "SPY"], "window_from": "09:45", "window_to": "15:30"}
    body = json.dumps({"settings": {"strategies": {NAME: section, "idle": {"enabled": False, "symbols": []}}}})
    store.add(CONFIG_VERSION, id="C1", number=1, hash="0", body=body, created_at=store.now_text)
    for symbol, reason in (("SPX", "0.31 % from its pin, needs 0.10 %"), ("SPY", "<b>leans</b> +0.02")):
        store.add(
            STRATEGY_STAT, strategy=NAME, symbol=symbol, day=DAY, evaluated=410, proposed=1, last_reason=reason,
            at=store.now_text, seen=json.dumps({"price": "5900.1"}),
        )  # fmt: skip
    store.add(STRATEGY_SWITCH, id=NAME, state="shadow", switched_by="admin:web:ann", switched_at=store.now_text)


def test_a_strategy_stands_with_its_state_who_switched_it_and_its_figures(operator: FlaskClient) -> None:
    text = operator.get("/strategies").get_data(as_text=True)
    assert "0 on, 1 shadow, 0 off, 1 not enabled by the settings" in text
    assert "ann (page)" in text
    assert "0.31 % from its pin, needs 0.10 %" in text
    assert "&lt;b&gt;leans&lt;/b&gt;" in text
    assert 'value="on" aria-pressed="false"' in text
    assert 'value="shadow" aria-pressed="true" disabled' in text
    assert "820, 2" in text, "looks and ideas of the day, both underlyings together"
    (row, idle) = operator.get("/strategies.json").get_json()["strategies"]
    assert (row["name"], row["state"], row["trades"], row["realized"]) == (NAME, "shadow", 1, "-485.2000")
    assert (row["open_positions"], row["window"], idle["enabled"]) == (1, "09:45 to 15:30", False)


def test_its_figures_are_those_of_the_journal(operator: FlaskClient) -> None:
    here = operator.get("/strategies.json").get_json()["strategies"][0]
    trades = operator.get(f"/trades.json?strategy={NAME}").get_json()["trades"]
    assert sum(float(trade["realized_pnl"]) for trade in trades) == float(here["realized"])


def test_one_that_nobody_knows_is_said_so(operator: FlaskClient) -> None:
    assert operator.get(f"/strategies/{NAME}").status_code == 200
    assert operator.get("/strategies/nobody").status_code == 404


def test_who_may_not_switch_sees_the_state_and_what_role_it_needs(
    make_app: AppMaker, store: StoreBuilder, csrf_of: CsrfReader
) -> None:
    viewer = make_app(store.url, people={"vera": Role.VIEWER}).test_client()
    viewer.post("/login", data={"csrf": csrf_of(viewer), "token": "vera"})
    text = viewer.get("/strategies").get_data(as_text=True)
    assert 'action="/actions/strategy"' not in text
    assert "needs the role operator" in text
    assert viewer.post(
        "/actions/strategy", data={"csrf": csrf_of(viewer, "/"), "target": NAME, "to": "on"}
    ).status_code == 403  # fmt: skip


def test_a_corrected_day_is_read_again(operator: FlaskClient, store: StoreBuilder) -> None:
    """Closed days are kept; one whose sums changed, late settlement say, is not shown as it was."""
    operator.get("/strategies")
    store.set(POSITION, {"id": "POSOLD"}, realized_pnl=12_340_000)
    assert operator.get("/strategies.json").get_json()["strategies"][0]["realized"] == "1234.0000"
    assert "$1,234.00" in operator.get("/performance").get_data(as_text=True)
    assert "$1,234.00" in operator.get("/trades").get_data(as_text=True)


def test_what_was_not_bought_in_shadow_stands_there_and_other_refusals_do_not(
    operator: FlaskClient, store: StoreBuilder
) -> None:
    assert "would have bought</h2>" not in operator.get("/strategies").get_data(as_text=True)
    store.signal("SIGSHADE", "rejected", created_at=store.now_text)
    words = f"SHADOW: {NAME} is switched to shadow; 4 at 4.20 would be bought"
    store.transition("signal", "SIGSHADE", "reject", ("pending", "rejected"), words, store.now_text, shadow=True)
    text = operator.get("/strategies").get_data(as_text=True)
    shown = text.partition("would have bought</h2>")[2]
    assert 'href="/signal/SIGSHADE">SPX 5900C 20 Nov</a>' in shown
    assert "SIGNO" not in shown


def test_an_empty_store_says_what_will_be_here(make_app: AppMaker, empty_store: StoreBuilder, tmp_path: Path) -> None:
    text = make_app(empty_store.url).test_client().get("/strategies").get_data(as_text=True)
    assert "No strategy is known yet" in text
