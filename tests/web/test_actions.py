"""Buttons become command rows: one each, asked about first where it hurts."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from bot.store import page_queries as ask
from bot.store import schema
from bot.store.database import open_reader


def _commands(url: str) -> list[ask.CommandRow]:
    with open_reader(url) as connection:
        return ask.commands(connection, 10)


@pytest.mark.parametrize(
    "kind, target, payload",
    [
        ("pause", "", {}),
        ("resume", "", {}),
        ("approve", "SIGWAIT", {"signal_id": "SIGWAIT"}),
        ("reject", "SIGWAIT", {"signal_id": "SIGWAIT"}),
        ("close", "POSRUN", {"position_id": "POSRUN"}),
        ("flatten", "", {}),
        ("cancel_all", "", {}),
        ("emergency", "", {}),
    ],
)
def test_a_button_inserts_one_queued_command(
    operator: FlaskClient, csrf_of, store, kind: str, target: str, payload: dict[str, str]
) -> None:
    form = {"csrf": csrf_of(operator, "/"), "target": target, "confirmed": "yes", "next": "/?machine=order"}
    answer = operator.post(f"/actions/{kind}", data=form)
    (row,) = _commands(store.url)
    assert (row.kind, json.loads(row.payload), row.actor, row.state) == (kind, payload, "admin:web:operator", "queued")
    assert answer.location == f"/?machine=order&sent={row.id}"
    assert "queued, the bot answers on its next tick" in operator.get(answer.location).get_data(as_text=True)


@pytest.mark.parametrize("kind, target", [("flatten", ""), ("close", "POSRUN")])
def test_what_hurts_is_asked_about_first(operator: FlaskClient, csrf_of, store, kind: str, target: str) -> None:
    answer = operator.post(f"/actions/{kind}", data={"csrf": csrf_of(operator, "/"), "target": target})
    assert answer.status_code == 200
    assert b'name="confirmed" value="yes"' in answer.data
    assert _commands(store.url) == []


def test_a_halted_symbol_is_shown_with_a_button_that_lifts_it(operator: FlaskClient, csrf_of, store) -> None:
    form = {"csrf": csrf_of(operator, "/machines"), "target": "SPY", "next": "/"}
    assert operator.post("/actions/resume_symbol", data=form).status_code == 404, "it is not halted"
    causes = json.dumps(["order 7", "order 8"])
    row = {"reason": "sold by hand", "causes": causes, "halted_by": "broker", "halted_at": store.now_text}
    store.add(schema.SYMBOL_HALT, id="SPY", state="halted", **row)
    shown = operator.get("/").get_data(as_text=True)
    assert 'action="/actions/resume_symbol"' in shown
    assert "sold by hand (and 1 more), by the broker" in shown
    assert operator.get("/api/status").get_json()["halted_symbols"][0]["symbol"] == "SPY"
    assert operator.post("/actions/resume_symbol", data=form).status_code == 303
    (row,) = _commands(store.url)
    assert (row.kind, json.loads(row.payload)) == ("resume_symbol", {"symbol": "SPY"})


def test_a_target_that_the_store_does_not_know_is_refused(operator: FlaskClient, csrf_of, store) -> None:
    form = {"csrf": csrf_of(operator, "/"), "target": "NONE", "confirmed": "yes"}
    assert operator.post("/actions/close", data=form).status_code == 404
    assert _commands(store.url) == []


@pytest.mark.parametrize("kind", ["halt", "reconcile", "nonsense"])
def test_there_is_no_button_for_anything_else(operator: FlaskClient, csrf_of, kind: str) -> None:
    assert operator.post(f"/actions/{kind}", data={"csrf": csrf_of(operator, "/")}).status_code == 404


def test_a_get_never_acts(operator: FlaskClient, store) -> None:
    assert operator.get("/actions/pause").status_code == 405
    assert _commands(store.url) == []


def test_the_answer_of_the_bot_is_shown(operator: FlaskClient, csrf_of, store) -> None:
    where = operator.post("/actions/pause", data={"csrf": csrf_of(operator, "/")}).location
    (row,) = _commands(store.url)
    store.set(schema.COMMAND, {"id": row.id}, state="refused", answer="already paused")
    text = operator.get(where).get_data(as_text=True)
    assert "Pause entries:" in text
    assert "already paused" in text


def test_the_emergency_button_asks_before_it_acts(operator: FlaskClient, csrf_of, store) -> None:
    assert "Emergency stop" in operator.get("/").get_data(as_text=True)
    form = {"csrf": csrf_of(operator, "/"), "target": "", "next": "/"}
    asked = operator.post("/actions/emergency", data=form).get_data(as_text=True)
    assert "every open position is sold at the market" in asked
    assert _commands(store.url) == []
