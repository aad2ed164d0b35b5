"""What the pages say of a store in the middle of a day, of an empty one, and of one that is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.domain.lifecycles import LIFECYCLES
from bot.store.database import open_reader
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.engine_status import ENGINE_STATUS
from bot.store.tables.feed_status import FEED_STATUS
from bot.store.tables.message import MESSAGE
from bot.store.tables.position import POSITION
from bot.store.tables.session_state import SESSION_STATE
from tests.web.conftest import AppMaker, CsrfReader, StoreBuilder


def _text(client: FlaskClient, path: str = "/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return answer.get_data(as_text=True)


def test_the_overview_tells_the_day(page: FlaskClient) -> None:
    text = _text(page)
    for words in (
        "+$286.40", "$100,286.40", "+$1,318.40", "+78.5 %", "trailing", "closes in 4 h 54 min", "11:05:30",
        "0.31 % from the max-gamma strike 505", "429 from the vendor", "Waiting for you", "realized +$393.20",
    ):  # fmt: skip
        assert words in text, words
    assert "your decision" in _text(page, "/signals")


def test_only_a_person_who_is_logged_in_sees_buttons(page: FlaskClient, csrf_of: CsrfReader, token: str) -> None:
    assert "/actions/" not in _text(page)
    page.post("/login", data={"csrf": csrf_of(page), "token": token})
    text = _text(page)
    assert all(f"/actions/{kind}" in text for kind in ("pause", "flatten", "close", "approve", "reject"))


def test_a_paused_session_offers_to_resume_and_says_who_paused_it(operator: FlaskClient, store: StoreBuilder) -> None:
    store.set(
        SESSION_STATE, {"id": "session"}, state="paused", hold="pause", held_by="admin:web:operator",
        held_at="2026-11-20T16:00:00.000000+00:00", hold_reason="asked by admin:web:operator",
    )  # fmt: skip
    text = _text(operator)
    assert "/actions/resume" in text
    assert "/actions/pause" not in text
    assert "asked by operator (page) since 11:00:00 New York" in text


def test_a_halt_that_waits_for_the_comparison_is_shown_too(operator: FlaskClient, store: StoreBuilder) -> None:
    store.set(
        SESSION_STATE, {"id": "session"}, state="reconciling", hold="halt", held_by="cli",
        held_at="2026-11-20T16:00:00.000000+00:00", hold_reason="news",
    )  # fmt: skip
    assert "then halt: news, by command line since 11:00:00 New York" in _text(operator, "/feeds")


def test_a_position_that_a_gap_closed_says_so_on_the_page_and_in_the_trades(
    page: FlaskClient, store: StoreBuilder
) -> None:
    day: dict[str, Any] = {"closed_at": store.now_text, "session_day": "2026-11-20", "quantity": 0, "exit_quantity": 4}
    store.position("GAPPED", "closed", close_reason="gap", **day)
    assert '<span class="soft words">gap</span>' in _text(page, "/positions")
    assert "gap" in page.get("/position/GAPPED").get_data(as_text=True)
    with open_reader(store.url) as connection:
        found = connection.exec_driver_sql("SELECT close_reason FROM v_trades WHERE position_id = 'GAPPED'").all()
    assert found == [("gap",)]


def test_an_unprotected_position_is_a_warning_on_top(page: FlaskClient, store: StoreBuilder) -> None:
    store.set(
        POSITION, {"id": "POSRUN"}, unprotected_since="2026-11-20T16:05:20.000000+00:00",
        protection="rejected", unprotected_quantity=2,
    )  # fmt: skip
    text = _text(page)
    assert "no working stop at the broker covers 2 contracts" in text
    assert "stop refused" in text
    assert "2 unprotected for 10 s" in text


def test_a_positions_page_says_how_it_is_protected_and_for_how_long_it_was_not(
    page: FlaskClient, store: StoreBuilder
) -> None:
    store.set(
        POSITION, {"id": "POSRUN"}, protection="synthetic", unprotected_quantity=2, unprotected_ms=3000,
        unprotected_contract_ms=6000, cover_at="2026-11-20T16:04:50.000000+00:00",
    )  # fmt: skip
    text = _text(page, "/position/POSRUN")
    assert "watched stop" in text
    assert "2 now; 26.0 contract-seconds in 13 s" in text, "the ten seconds until the latest pulse count"


def test_the_activity_can_be_narrowed_to_one_machine(page: FlaskClient) -> None:
    text = _text(page, "/?machine=order")
    assert "Order sent" in text
    assert "Trailing begins" not in text


def test_a_long_history_is_folded_and_a_short_one_is_not(page: FlaskClient, store: StoreBuilder) -> None:
    assert 'for="all-activity"' not in _text(page, "/?machine=signal")
    for seconds in range(10, 22):
        store.transition(
            "order", "ORDSTOP", "amend", ("working", "working"), "", f"2026-11-20T16:05:{seconds}.000000+00:00"
        )
    assert "Show all 14 steps" in _text(page, "/?machine=order")
    assert 'for="all-steps"' in _text(page, "/position/POSRUN")


def test_an_unknown_machine_shows_everything(page: FlaskClient) -> None:
    assert "Trailing begins" in _text(page, "/?machine=<script>")


def test_the_story_of_a_position_has_path_stop_rungs_fills_and_orders(page: FlaskClient) -> None:
    text = _text(page, "/position/POSRUN")
    for words in (
        'class="c-s1"', 'class="c-loss dash"',
        "stop 6.80", "+50 % 6.30", "+100 % 8.40", "entry 4.20", "bought 4 at 4.20",
        "sold 2 at 8.45", "rung:2", "Stop raised", "high 9.10: stop 6.35 to 6.80", "qty-ORDIN", "e3.01",
    ):  # fmt: skip
        assert words in text, words


def test_the_story_of_a_signal_has_its_rules_and_leads_to_its_position(page: FlaskClient) -> None:
    text = _text(page, "/signal/SIGRUN")
    assert "/position/POSRUN" in text
    assert "every rule is met" in text
    assert "rules.spread" in text


def test_a_refused_signal_has_no_path_and_says_why(page: FlaskClient) -> None:
    text = _text(page, "/signal/SIGNO")
    assert "SPREAD_TOO_WIDE: is=0.14 max=0.10" in text
    assert "has a price path once it has become a position" in text


@pytest.mark.parametrize("path", ["/signal/NONE", "/position/NONE", "/nowhere", "/audit.csv?query=none"])
def test_what_is_not_there_is_a_plain_page(page: FlaskClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 404
    assert b"Back to the overview" in answer.data


def test_every_machine_is_drawn_with_each_state_and_count(page: FlaskClient) -> None:
    text = _text(page, "/machines")
    for name, life in LIFECYCLES.items():
        assert f'id="{name}"' in text
        assert all(f'data-state="{state.value}"' in text for state in life.states)


def test_what_strangers_wrote_is_shown_and_never_run(operator: FlaskClient, store: StoreBuilder) -> None:
    evil = "<script>alert('x')</script>"
    store.transition("position", "POSRUN", "ratchet", ("trailing", "trailing"), evil, store.now_text, quote=evil)
    store.alert("critical", evil, "EVIL")
    store.signal("SIGEVIL", "pending", strategy=evil)
    store.set(FEED_STATUS, {"key": "SPX"}, last_error=f'"{evil}')
    store.set(ENGINE_STATUS, {"id": 1}, waiting_for=json.dumps([evil]), scenario=evil)
    for path in ("/", "/position/POSRUN", "/signal/SIGEVIL"):
        text = _text(operator, path)
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
    assert "<script>alert" not in "".join(operator.get("/parts").get_json().values())


def test_an_empty_store_says_what_will_appear(make_app: AppMaker, empty_store: StoreBuilder) -> None:
    text = _text(make_app(empty_store.url).test_client())
    for words in (
        "Starting:",
        "No open position",
        "while the session is starting",
        "No candidate has been looked at",
        "No transition yet",
        "No alert",
        "Nothing waits for a person",
    ):
        assert words in text, words
    empty = make_app(empty_store.url).test_client()
    assert "No live signal" in _text(empty, "/signals")
    assert "No feed has" in _text(empty, "/feeds")


def test_a_missing_store_is_a_banner(make_app: AppMaker, tmp_path: Path) -> None:
    page = make_app(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}").test_client()
    text = _text(page)
    assert "The store cannot be read:" in text
    assert "Traceback" not in text
    assert page.get("/position/X").status_code == 503
    assert page.get("/machines").status_code == 503


def test_a_store_without_tables_is_a_banner(make_app: AppMaker, tmp_path: Path) -> None:
    (tmp_path / "bare.db").touch()
    assert "The store cannot be read:" in _text(make_app(f"sqlite+aiosqlite:///{tmp_path / 'bare.db'}").test_client())


def test_a_fault_is_a_plain_page_without_its_traceback(
    make_app: AppMaker, store: StoreBuilder, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(store.url)

    def broken() -> str:
        raise RuntimeError("inner words")

    app.add_url_rule("/broken", "broken", broken)
    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert b"inner words" not in answer.data
    assert b"Back to the overview" in answer.data
    assert "inner words" in caplog.text


def test_pages_use_nothing_from_elsewhere(operator: FlaskClient) -> None:
    for path in ("/", "/position/POSRUN", "/machines", "/audit", "/login", "/trades", "/performance", "/signals"):
        text = _text(operator, path)
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
        assert " style=" not in text
        assert "onclick" not in text


def test_the_status_bar_is_on_every_page_and_says_state_money_and_risk(page: FlaskClient, store: StoreBuilder) -> None:
    store.add(CONFIG_VERSION, id="v1", number=1, hash="", created_at=store.now_text,
              body='{"settings": {"risk": {"max_premium_fraction": "0.02", "max_positions": 5}}}')  # fmt: skip
    paths = ("/", "/trades", "/performance", "/alerts", "/audit", "/machines", "/position/POSRUN", "/feeds", "/nowhere")
    for path in paths:
        text = page.get(path).get_data(as_text=True)
        bar = text.partition('<header class="status')[2].partition("</header>")[0]
        for words in ("Trading", "SIM 30×", "+$833.20", "Premium at risk", "0.4 of 10 %", "UW 41 s", "11:05:30"):
            assert words in bar, (path, words)
    shown = _text(page, "/exposure")
    assert '<dt>Premium at risk</dt><dd><span class="v">$420.00</span><span class="d">0.4 of 10 % of equity' in shown


def test_the_uptime_counts_from_the_latest_start(page: FlaskClient, store: StoreBuilder) -> None:
    store.transition("session", "session", "reconcile", ("starting",) * 2, "", "2026-11-20T14:05:30.000000+00:00")
    assert "up 2 h 00 min" in _text(page)
    store.transition("session", "session", "restart", ("active", "starting"), "", "2026-11-20T15:35:30.000000+00:00")
    page.application.extensions["reader"].forget()
    assert "up 30 min 00 s" in _text(page)


def test_the_light_is_as_bad_as_the_worst(page: FlaskClient, store: StoreBuilder) -> None:
    assert 'class="status s-warn"' in _text(page, "/"), "one feed is late"
    store.alert("critical", "an order of ours is not known to the broker", "ORDER_LOST")
    store.set(SESSION_STATE, {"id": "session"}, state="halted", hold="halt", held_by="cli", held_at=store.now_text)
    page.application.extensions["reader"].forget()
    text = _text(page, "/")
    assert 'class="status s-crit"' in text
    assert "<b>Halted</b>" in text
    assert "1 critical alert open" in text


def test_a_visitor_who_may_not_read_sees_no_figures(make_app: AppMaker, store: StoreBuilder) -> None:
    far = make_app(store.url, host="0.0.0.0").test_client()
    text = far.get("/login").get_data(as_text=True)
    assert "Premium at risk" not in text
    assert "data-poll" not in text
    assert "n-badge" not in text


def test_a_position_says_what_it_is_worth_and_what_moves_it(page: FlaskClient, store: StoreBuilder) -> None:
    store.set(POSITION, {"id": "POSRUN"}, underlying=59_050_000)
    text = _text(page, "/position/POSRUN")
    for words in (
        "5,904.20, −0.01 % away", "expires today, 4 h 54 min to 16:00", "Implied volatility", "an hour", "a point",
        'Premium at risk</dt><dd><span class="v">$420.00', 'Falls to its stop</dt><dd><span class="v">$180.00',
        "Rung 1, +50 %", "Trail", "for 1 %",
    ):  # fmt: skip
        assert words in text, words
    assert "Implied volatility" not in _text(page, "/position/POSOLD"), "nothing of it is left"


def test_what_was_said_about_a_trade_stands_on_its_page(page: FlaskClient, store: StoreBuilder) -> None:
    store.add(MESSAGE, id="M1", tier="admin", channel="telegram", kind="trade", position_id="POSRUN", target="anna",
              created_at=store.now_text, due_at=store.now_text, state="sent", dedupe_key="m1", mode="new",
              body="Bought 4 <b>SPX</b> 5900C", reason="", extra="{}")  # fmt: skip
    text = _text(page, "/position/POSRUN")
    assert "Bought 4 &lt;b&gt;SPX&lt;/b&gt; 5900C" in text
    assert "telegram to anna" in text
