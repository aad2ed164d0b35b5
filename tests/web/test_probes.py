"""What watchmen and scrapers are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Table

from bot.clocks.clock import ManualClock, ScaledClock, wall_seconds
from bot.store.tables.breaker import BREAKER
from bot.store.tables.command import COMMAND
from bot.store.tables.connection_state import CONNECTION_STATE
from bot.store.tables.engine_status import ENGINE_STATUS
from bot.store.tables.position import POSITION
from bot.store.tables.session_state import SESSION_STATE
from tests.web.conftest import NOW, AppMaker, StoreBuilder


def test_a_bot_that_ticks_is_well(page: FlaskClient) -> None:
    answer = page.get("/healthz")
    assert answer.status_code == 200
    health = answer.get_json()
    assert health["ok"] is True
    assert health["tick_age_s"] == pytest.approx(1.0)
    assert health["broker_sync_age_s"] == pytest.approx(60.0)


def test_a_bot_that_stopped_ticking_is_not(page: FlaskClient, clock: ManualClock) -> None:
    clock.advance(30 * 20)  # twenty wall seconds at thirtyfold speed
    answer = page.get("/healthz")
    assert answer.status_code == 503
    assert answer.get_json()["reasons"] == ["last tick 21 s ago, more than 15"]


def test_in_sim_a_tick_that_stands_grows_old(make_app: AppMaker, store: StoreBuilder) -> None:
    app = make_app(store.url)
    clock = ScaledClock(NOW, 30, wall_seconds())
    app.extensions["reader"].clock = clock
    page = app.test_client()
    assert page.get("/healthz").status_code == 200
    for _ in range(40):  # somebody looks twice a second, for twenty wall seconds
        clock._birth -= 0.5
        health = page.get("/healthz")
    assert health.status_code == 503
    assert health.get_json()["reasons"][0].startswith("last tick 2"), "looking makes a tick no younger"


@pytest.mark.parametrize(
    "table, values, words",
    [
        (CONNECTION_STATE, {"state": "down"}, "broker connection is down"),
        (SESSION_STATE, {"state": "halted"}, "the session is halted"),
        (ENGINE_STATUS, {"broker_synced_at": None}, "never read"),
        (ENGINE_STATUS, {"broker_synced_at": "2026-11-20T15:00:00.000000+00:00"}, "was read 3930 s ago"),
    ],
)
def test_each_kind_of_staleness_is_named(
    page: FlaskClient, store: StoreBuilder, table: Table, values: dict[str, Any], words: str
) -> None:
    store.set(table, {}, **values)
    answer = page.get("/healthz")
    assert answer.status_code == 503
    assert words in " ".join(answer.get_json()["reasons"])


def test_a_command_that_nobody_takes_is_named(page: FlaskClient, store: StoreBuilder) -> None:
    store.add(
        COMMAND, id="C1", kind="pause", payload="{}", actor="cli", state="queued", answer="",
        created_at="2026-11-20T15:55:00.000000+00:00",
    )  # fmt: skip
    assert page.get("/healthz").get_json()["reasons"] == ["a command waits for 21 s, more than 15"]


def test_the_brokers_own_restart_window_is_no_fault(page: FlaskClient, store: StoreBuilder) -> None:
    store.set(CONNECTION_STATE, {}, state="restart_window")
    assert page.get("/healthz").status_code == 200


def test_a_missing_store_is_not_well(make_app: AppMaker, tmp_path: Path) -> None:
    page = make_app(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}").test_client()
    assert page.get("/healthz").status_code == 503
    assert _metrics(page)["quanticity_store_up"] == 0
    assert page.get("/api/status").status_code == 503


def test_metrics_parse_and_say_what_the_store_says(page: FlaskClient) -> None:
    found = _metrics(page)
    assert found["quanticity_positions_open"] == 1
    assert found["quanticity_equity_dollars"] == pytest.approx(100_286.4)
    assert found["quanticity_day_pnl_dollars"] == pytest.approx(286.4)
    assert found["quanticity_inbox_depth"] == 2
    assert found["quanticity_transitions_total"] == 12
    assert found["quanticity_unprotected_contracts"] == 0
    assert found["quanticity_orders", ("state", "working")] == 1
    assert (
        found["quanticity_feed_age_seconds", ("dataset", "spot_gex"), ("feed", "unusual_whales"), ("key", "SPY")] == 41
    )


def test_the_status_is_json_with_money_as_text(page: FlaskClient) -> None:
    status = page.get("/api/status").get_json()
    assert status["session"]["state"] == "active"
    assert status["account"]["equity"] == "100286.40"
    assert status["positions"][0]["stop_price"] == "6.80"
    assert status["signals"][0]["waits_for_a_person"] is True
    assert status["health"]["ok"] is True
    assert len(status["waiting_for"]) == 3


def test_unprotected_contracts_and_seconds_stand_in_metrics_and_status(page: FlaskClient, store: StoreBuilder) -> None:
    store.set(
        POSITION, {"id": "POSRUN"}, protection="rejected", unprotected_quantity=2, unprotected_ms=3000,
        unprotected_contract_ms=6000, cover_at="2026-11-20T16:04:50.000000+00:00",
    )  # fmt: skip
    found = _metrics(page)
    assert found["quanticity_unprotected_contracts"] == 2
    assert found["quanticity_unprotected_contract_seconds_total"] == 26
    status = page.get("/api/status").get_json()
    assert status["unprotected"] == {"contracts": 2, "contract_seconds": 26.0}
    (position,) = status["positions"]
    assert (position["protection"], position["unprotected"]) == ("rejected", True)
    assert (position["unprotected_contracts"], position["unprotected_contract_seconds"]) == (2, 26.0)


def _metrics(page: FlaskClient) -> dict[object, float]:
    answer = page.get("/metrics")
    assert answer.status_code == 200
    found: dict[object, float] = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found[(sample.name, *labels) if labels else sample.name] = sample.value
    return found


def test_breakers_stand_in_status_metrics_and_on_the_page(page: FlaskClient, store: StoreBuilder) -> None:
    row = {"value": "3", "limit_words": "3", "share": 1.0, "detail": "", "facts": "{}"}
    store.add(BREAKER, id="losses", state="tripped", **row)
    store.add(BREAKER, id="drawdown", state="ok", **(row | {"value": "1.00%", "share": 0.1}))
    found = _metrics(page)
    assert found["quanticity_breaker_tripped", ("breaker", "losses")] == 1
    assert found["quanticity_breaker_tripped", ("breaker", "drawdown")] == 0
    assert found["quanticity_breaker_share", ("breaker", "drawdown")] == pytest.approx(0.1)
    first = page.get("/api/status").get_json()["breakers"][0]
    assert (first["name"], first["state"], first["value"], first["limit"]) == ("losses", "tripped", "3", "3")
    shown = page.get("/exposure").get_data(as_text=True)
    assert "Losses in a row" in shown
    assert "3, limit 3" in shown
