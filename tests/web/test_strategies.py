"""The page of the strategies: every one with its state, its figures and why it does not trade now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bot.domain.actors import Role
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.position import POSITION
from bot.store.tables.strategy_stat import STRATEGY_STAT
from bot.store.tables.strategy_switch import STRATEGY_SWITCH
from tests.web.conftest import DAY, AppMaker, CsrfReader, StoreBuilder, at

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
    assert '<td class="n" data-l="looks">820</td><td class="n" data-l="ideas">2</td>' in text, (
        "both underlyings together"
    )
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
    assert '<td class="n res flat">–</td>' in shown, "the underlying was not seen on its last day"
    store.set(STRATEGY_STAT, {"symbol": "SPX"}, seen_at=store.now_text, seen=json.dumps({"price": "5907.5"}))
    shown = operator.get("/strategies").get_data(as_text=True).partition("would have bought</h2>")[2]
    assert shown.count("+$1,320.00") == 2, "(7.50 - 4.20) x 4 x 100, in its row and in the sum"


def test_the_matrix_says_which_conditions_hold_and_by_how_much_the_others_miss(
    operator: FlaskClient, store: StoreBuilder
) -> None:
    seen = {"price": "5900.1", "distance": "0.0021", "imbalance": 0.24, "book_symbol": "SPY", "condition": "pin"}
    store.set(STRATEGY_STAT, {"symbol": "SPX"}, seen_at=store.now_text, seen=json.dumps(seen))
    met = seen | {"distance": "0.0004", "bid": "4.1", "ask": "4.3", "grade": "C", "condition": "grade"}
    store.set(STRATEGY_STAT, {"symbol": "SPY"}, seen_at=at(5), seen=json.dumps(met),
              last_reason="inputs are not fit: stale:gex_by_strike:SPY 194s>180s")  # fmt: skip
    found = operator.get("/strategies.json").get_json()["strategies"][0]["conditions"]
    assert [(each["words"], each["holds"], each["value"], each["miss"]) for each in found["SPX"]] == [
        ("inside 09:45 to 15:30", True, "yes", ""),
        ("inputs fresh", True, found["SPX"][1]["value"], ""),
        ("at most 0.10 % from the pin", False, "0.21 %", "0.11 too far"),
        ("book leans 0.20 either way", True, "+0.24", ""),
        ("an option at the money with a fit quote", None, "", ""),
        ("liquidity B or better", None, "", ""),
        ("free to trade", True, "yes", ""),
    ]
    assert [each["holds"] for each in found["SPY"]] == [True, False, None, None, None, None, True]
    assert found["SPY"][1]["miss"] == "stale:gex_by_strike:SPY 194s>180s"
    assert found["SPY"][3]["value"] == "+0.24", "what stood then is shown, and not judged"
    text = operator.get("/strategies").get_data(as_text=True)
    assert "4 of 7, SPX" in text
    assert '<span class="no">0.21 %</span><span class="sub">0.11 too far</span>' in text
    assert "not judged" in text


def test_a_strategy_that_names_no_conditions_has_its_first_reason_alone(
    operator: FlaskClient, store: StoreBuilder
) -> None:
    store.add(
        STRATEGY_STAT, strategy="of another version", symbol="SPY", day=DAY, evaluated=1, proposed=0,
        last_reason="nothing leans", at=store.now_text, seen="{}",
    )  # fmt: skip
    text = operator.get("/strategies/of another version").get_data(as_text=True)
    assert "nothing leans" in text
    assert "all must hold" not in text


def test_an_empty_store_says_what_will_be_here(make_app: AppMaker, empty_store: StoreBuilder, tmp_path: Path) -> None:
    text = make_app(empty_store.url).test_client().get("/strategies").get_data(as_text=True)
    assert "No strategy is known yet" in text


def test_where_several_strategies_agree_it_is_said_who_does(operator: FlaskClient, store: StoreBuilder) -> None:
    assert "Who agrees</h2>" not in operator.get("/strategies").get_data(as_text=True)
    for number, (strategy, right) in enumerate((("gamma", "C"), ("flow", "C"), ("moc", "P"))):
        store.signal(f"AGREE{number}", "rejected", strategy=strategy, symbol="QQQ", right=right, created_at=at(10))
    shown = operator.get("/strategies").get_data(as_text=True).partition("Who agrees</h2>")[2]
    row = shown.partition('<td class="key">QQQ</td>')[2].partition("</tr>")[0]
    for words in ("up", "flow, gamma", "moc", "66 %"):
        assert words in row
