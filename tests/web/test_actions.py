"""Buttons become command rows: one each, asked about first where it hurts."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from bot.clocks.clock import ManualClock
from bot.store import database
from bot.store import read as ask
from bot.store.address import sqlite_path
from bot.store.database import open_reader
from bot.store.tables.adoption import ADOPTION
from bot.store.tables.alert import ALERT
from bot.store.tables.breaker import BREAKER
from bot.store.tables.command import COMMAND
from bot.store.tables.position import POSITION
from bot.store.tables.reconciliation import RECONCILIATION
from bot.store.tables.reconciliation_line import RECONCILIATION_LINE
from bot.store.tables.session_state import SESSION_STATE
from bot.store.tables.symbol_halt import SYMBOL_HALT
from tests.web.conftest import CsrfReader, StoreBuilder, press


def _commands(url: str) -> list[ask.RequestRow]:
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
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, kind: str, target: str, payload: dict[str, str]
) -> None:
    form = {"csrf": csrf_of(operator, "/"), "target": target, "next": "/?machine=order"}
    answer = press(operator, kind, form)
    (row,) = _commands(store.url)
    assert (row.kind, json.loads(row.payload), row.actor, row.state) == (kind, payload, "admin:web:operator", "queued")
    assert answer.location == f"/?machine=order&sent={row.id}"
    assert "queued, the bot answers on its next tick" in operator.get(answer.location).get_data(as_text=True)


def test_a_question_says_what_would_happen_and_is_answered_once_by_who_was_asked(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, clock: ManualClock
) -> None:
    """Without its token, twice, too late, or after what it is about changed: nothing goes out, and it is asked anew."""
    form = {"csrf": csrf_of(operator, "/"), "target": "POSRUN"}
    json_of = {"Accept": "application/json"}

    def asked() -> dict[str, str]:
        question: dict[str, str] = operator.post("/actions/close", data=form, headers=json_of).get_json()
        return question

    def answered(token: str) -> int:
        return operator.post("/actions/close", data={**form, "confirmed": "yes", "token": token}).status_code

    first = asked()
    assert first["words"].startswith("Sells 1 × SPX 5900C 20 Nov at the market. The bid is 8.60, 0.0 s old: about $860")
    assert (first["yes"], first["typed"]) == ("Sell 1", "")
    assert answered("") == 400
    assert answered("made-up") == 400
    store.set(POSITION, {"id": "POSRUN"}, quantity=2)
    assert answered(first["token"]) == 400, "it is about another number of contracts now"
    late = asked()
    clock.advance(61)
    assert answered(late["token"]) == 400
    last = asked()
    assert _commands(store.url) == []
    assert (answered(last["token"]), answered(last["token"])) == (303, 400)
    assert [row.kind for row in _commands(store.url)] == ["close"]


@pytest.mark.parametrize("kind", ["flatten", "emergency"])
def test_what_sells_everything_wants_the_number_of_contracts_typed(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, kind: str
) -> None:
    form = {"csrf": csrf_of(operator, "/"), "target": ""}
    question = operator.post(f"/actions/{kind}", data=form, headers={"Accept": "application/json"}).get_json()
    assert question["words"].startswith("Sells 1 contract in 1 position at the market, about $860")
    assert (question["typed"], question["grave"]) == ("1", True)
    sure = {**form, "confirmed": "yes", "token": question["token"]}
    for typed in ("", "2"):
        assert operator.post(f"/actions/{kind}", data={**sure, "typed": typed}).status_code == 400
    assert _commands(store.url) == []
    assert operator.post(f"/actions/{kind}", data={**sure, "typed": "1"}).status_code == 303


def test_a_halt_is_lifted_after_a_question_and_after_a_loss_by_the_number_that_is_held(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    form, json_of = {"csrf": csrf_of(operator, "/"), "target": ""}, {"Accept": "application/json"}
    store.set(SESSION_STATE, {"id": "session"}, state="halted", hold="halt", hold_reason="the drawdown is too deep")
    question = operator.post("/actions/resume", data=form, headers=json_of).get_json()
    assert question["words"] == "The session is halted: the drawdown is too deep. Entries are allowed again."
    assert question["typed"] == ""
    store.add(BREAKER, id="drawdown", state="tripped", value="10.2 %", limit_words="10 %", detail="", share=1.02)
    question = operator.post("/actions/resume", data=form, headers=json_of).get_json()
    assert question["typed"] == "1"


def test_a_pause_and_a_switch_can_be_undone_until_somebody_changes_them_again(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    csrf = csrf_of(operator, "/")
    where = operator.post("/actions/pause", data={"csrf": csrf, "next": "/trades"}).location
    assert "data-undo" not in operator.get(where).get_data(as_text=True), "nothing is done yet"
    (paused,) = _commands(store.url)
    store.set(COMMAND, {"id": paused.id}, state="done", answer="entries are paused")
    store.set(SESSION_STATE, {"id": "session"}, state="paused")
    assert re.search(r'action="/actions/resume"><[^\n]+data-undo', operator.get(where).get_data(as_text=True))
    form = {"csrf": csrf, "target": "zero_dte_gamma", "to": "shadow", "next": "/strategies"}
    where = operator.post("/actions/strategy", data=form).location
    (switched,) = (row for row in _commands(store.url) if row.kind == "strategy")
    assert json.loads(switched.payload) == {"strategy": "zero_dte_gamma", "to": "shadow"}
    store.set(COMMAND, {"id": switched.id}, state="done", answer="strategy zero_dte_gamma is shadow")
    store.transition("strategy", "zero_dte_gamma", "shadow", ("on", "shadow"), "switched", store.now_text)
    back = 'name="target" value="zero_dte_gamma"><input type="hidden" name="to" value="on">'
    assert back in operator.get(where).get_data(as_text=True)
    store.transition("strategy", "zero_dte_gamma", "turn_off", ("shadow", "off"), "switched", store.now_text)
    assert "data-undo" not in operator.get(where).get_data(as_text=True)


def test_an_acknowledgement_can_be_undone_while_it_stands(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    form = {"csrf": csrf_of(operator, "/alerts"), "target": "ALFEED_LIMITED", "next": "/alerts"}
    where = operator.post("/actions/ack", data=form).location
    (row,) = _commands(store.url)
    assert "data-undo" not in operator.get(where).get_data(as_text=True), "it was not answered yet"
    store.set(COMMAND, {"id": row.id}, state="done", answer="acknowledged: FEED_LIMITED")
    store.set(ALERT, {"id": "ALFEED_LIMITED"}, state="acknowledged", acknowledged_by="admin:web:operator")
    text = operator.get(where).get_data(as_text=True)
    assert 'action="/actions/unack"' in text
    assert operator.post("/actions/unack", data=form).status_code == 303
    assert {each.kind for each in _commands(store.url)} == {"unack", "ack"}
    store.set(ALERT, {"id": "ALFEED_LIMITED"}, state="told", acknowledged_by=None)
    assert "data-undo" not in operator.get(where).get_data(as_text=True)


def test_moving_a_stop_says_what_it_would_do_and_goes_out_with_the_price_that_was_asked_about(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    form = {"csrf": csrf_of(operator, "/position/POSRUN"), "target": "POSRUN", "next": "/position/POSRUN"}
    assert "New stop $, above 6.80" in operator.get("/position/POSRUN").get_data(as_text=True)
    for typed, why in (("6.50", "may only rise"), ("8.60", "not below the bid, 8.60"), ("soon", "Nothing was done")):
        answer = operator.post("/actions/move_stop", data={**form, "stop": typed})
        assert (answer.status_code, why in answer.get_data(as_text=True)) == (400, True)
    asked = operator.post("/actions/move_stop", data={**form, "stop": "7.50"}, headers={"Accept": "application/json"})
    question = asked.get_json()
    assert question["words"].startswith("Raises the stop of 1 × SPX 5900C 20 Nov from 6.80 to 7.50. The bid is 8.60")
    assert question["yes"] == "Raise to 7.50"
    told = {**form, "confirmed": "yes", "token": question["token"]}
    assert operator.post("/actions/move_stop", data={**told, "stop": "8.00"}).status_code == 400, "another price"
    assert _commands(store.url) == []
    assert press(operator, "move_stop", {**form, "stop": "7.50"}).status_code == 303
    (row,) = _commands(store.url)
    assert (row.kind, json.loads(row.payload)) == ("move_stop", {"position_id": "POSRUN", "stop": "7.50"})


@pytest.mark.parametrize("kind, target", [("flatten", ""), ("close", "POSRUN")])
def test_what_hurts_is_asked_about_first(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, kind: str, target: str
) -> None:
    answer = operator.post(f"/actions/{kind}", data={"csrf": csrf_of(operator, "/"), "target": target})
    assert answer.status_code == 200
    assert b'name="confirmed" value="yes"' in answer.data
    assert _commands(store.url) == []


def test_a_halted_symbol_is_shown_with_a_button_that_lifts_it(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    form = {"csrf": csrf_of(operator, "/machines"), "target": "SPY", "next": "/"}
    assert operator.post("/actions/resume_symbol", data=form).status_code == 404, "it is not halted"
    causes = json.dumps(["order 7", "order 8"])
    row = {"reason": "sold by hand", "causes": causes, "halted_by": "broker", "halted_at": store.now_text}
    store.add(SYMBOL_HALT, id="SPY", state="halted", **row)
    shown = operator.get("/exposure").get_data(as_text=True)
    assert 'action="/actions/resume_symbol"' in shown
    assert "sold by hand (and 1 more), by the broker" in shown
    assert operator.get("/api/status").get_json()["halted_symbols"][0]["symbol"] == "SPY"
    assert operator.post("/actions/resume_symbol", data=form).status_code == 303
    (asked,) = _commands(store.url)
    assert (asked.kind, json.loads(asked.payload)) == ("resume_symbol", {"symbol": "SPY"})


def test_what_is_not_ours_is_shown_without_a_button(operator: FlaskClient, store: StoreBuilder) -> None:
    at = {"id": "R9", "at": "2026-12-31T00:00:00.000000+00:00", "reason": "timer", "complete": True}
    line = {"reconciliation_id": "R9", "line": 0, "subject": "order", "key": "901 by hand", "ours": "not ours"}
    store.add(RECONCILIATION, **at)
    store.add(RECONCILIATION_LINE, **line, broker="SELL 1 SPY limit 9, working", action="left alone")
    shown = operator.get("/").get_data(as_text=True)
    assert "SELL 1 SPY limit 9, working" in shown
    assert "901 by hand" in shown
    told = operator.get("/feeds").get_data(as_text=True)
    assert "our book and the broker&#39;s agree; 1 not ours, left alone" in told
    assert "SELL 1 SPY limit 9" in operator.get("/parts").get_json()["others"]


def test_a_target_that_the_store_does_not_know_is_refused(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    form = {"csrf": csrf_of(operator, "/"), "target": "NONE", "confirmed": "yes"}
    assert operator.post("/actions/close", data=form).status_code == 404
    assert _commands(store.url) == []


def test_a_halt_is_one_press_beside_the_pause(operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder) -> None:
    assert "/actions/halt" in operator.get("/").get_data(as_text=True)
    assert operator.post("/actions/halt", data={"csrf": csrf_of(operator, "/")}).status_code == 303
    assert [row.kind for row in _commands(store.url)] == ["halt"]
    store.set(SESSION_STATE, {"id": "session"}, state="halted")
    again = operator.application.extensions["reader"]
    again._seen.clear()
    assert "/actions/halt" not in operator.get("/").get_data(as_text=True), "what is halted offers to resume"


@pytest.mark.parametrize("kind", ["reconcile", "nonsense"])
def test_there_is_no_button_for_anything_else(operator: FlaskClient, csrf_of: CsrfReader, kind: str) -> None:
    assert operator.post(f"/actions/{kind}", data={"csrf": csrf_of(operator, "/")}).status_code == 404


def test_a_get_never_acts(operator: FlaskClient, store: StoreBuilder) -> None:
    assert operator.get("/actions/pause").status_code == 405
    assert _commands(store.url) == []


def test_a_store_that_takes_no_row_is_told_with_what_to_do_and_the_way_around_it(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    csrf, quick = csrf_of(operator, "/"), (p for p in database.WRITER_PRAGMAS if "busy_timeout" not in p)
    monkeypatch.setattr(database, "WRITER_PRAGMAS", (*quick, "PRAGMA busy_timeout=20"))
    with closing(sqlite3.connect(sqlite_path(store.url), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = press(operator, "emergency", {"csrf": csrf, "target": ""})
    assert answer.status_code == 503
    told = answer.get_data(as_text=True)
    assert "nothing was asked: the store is locked by another program. What to do: end the program" in told
    assert "kill -USR1" in told


def test_the_answer_of_the_bot_is_shown(operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder) -> None:
    where = operator.post("/actions/pause", data={"csrf": csrf_of(operator, "/")}).location
    (row,) = _commands(store.url)
    store.set(COMMAND, {"id": row.id}, state="refused", answer="already paused")
    text = operator.get(where).get_data(as_text=True)
    assert "Pause entries:" in text
    assert "already paused" in text


def test_the_emergency_button_asks_before_it_acts(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder
) -> None:
    assert "Emergency stop" in operator.get("/").get_data(as_text=True)
    form = {"csrf": csrf_of(operator, "/"), "target": "", "next": "/"}
    asked = operator.post("/actions/emergency", data=form).get_data(as_text=True)
    assert "every open position is sold at the market" in asked
    assert _commands(store.url) == []


# ---- a price that a person has to tell


@pytest.fixture
def unsettled(store: StoreBuilder) -> str:
    """A position of an AM-settled class after its expiry: nobody sees its price but the exchange's publication."""
    store.set(POSITION, {"id": "POSOLD"}, settlement="pending", close_reason="settlement_pending")
    return "POSOLD"


@pytest.mark.parametrize("path", ["/", "/position/POSOLD"])
def test_what_waits_for_its_settlement_price_has_a_button_and_asks_for_the_price(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, unsettled: str, path: str
) -> None:
    shown = operator.get(path).get_data(as_text=True)
    assert 'action="/actions/settle"' in shown
    answer = operator.post("/actions/settle", data={"csrf": csrf_of(operator, "/"), "target": unsettled})
    asked = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert 'name="price"' in asked
    assert "Settlement price of the underlying, in dollars" in asked
    assert _commands(store.url) == [], "nothing is sent before the price is told"


@pytest.mark.parametrize(
    "valuation, words", [("unknown", "price not known, counted as nothing"), ("estimated", "estimated by the last bid")]
)
def test_what_somebody_else_sold_at_a_price_that_is_not_certain_is_named_and_has_a_button(
    operator: FlaskClient, store: StoreBuilder, valuation: str, words: str
) -> None:
    gone = {"close_reason": "externally_closed", "elsewhere_quantity": 2, "valuation": valuation}
    store.set(POSITION, {"id": "POSOLD"}, **gone)
    listed = operator.get("/positions").get_data(as_text=True)
    assert "2 sold by somebody else" in listed
    assert words in listed
    assert "Tell sale price" in listed
    shown = operator.get("/").get_data(as_text=True)
    assert "Sold by somebody else" in operator.get("/position/POSOLD").get_data(as_text=True)
    assert ("settlement price to be told" in shown) is (valuation == "unknown")


def test_a_settled_position_has_no_such_button(operator: FlaskClient) -> None:
    assert "actions/settle" not in operator.get("/").get_data(as_text=True)
    assert "actions/settle" not in operator.get("/position/POSOLD").get_data(as_text=True)


def test_who_is_not_logged_in_sees_no_such_button_and_is_refused(
    page: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, unsettled: str
) -> None:
    shown = page.get("/positions").get_data(as_text=True)
    assert "Price not certain yet" in shown
    assert "actions/settle" not in shown
    form = {"target": unsettled, "confirmed": "yes", "price": "5950.25"}
    assert page.post("/actions/settle", data=form).status_code in {302, 400, 401, 403}
    assert _commands(store.url) == []


def test_a_price_that_was_told_is_one_command_with_position_and_price(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, unsettled: str
) -> None:
    form = {"csrf": csrf_of(operator, "/"), "target": unsettled, "price": " 5950.25 "}
    answer = press(operator, "settle", {**form, "next": "/position/POSOLD"})
    (row,) = _commands(store.url)
    assert (row.kind, row.actor) == ("settle", "admin:web:operator")
    assert json.loads(row.payload) == {"position_id": "POSOLD", "price": "5950.25"}
    assert answer.location == f"/position/POSOLD?sent={row.id}"


@pytest.mark.parametrize("price", ["", "abc", "0", "-3", "nan", "inf"])
def test_what_is_no_price_is_asked_again_and_nothing_is_sent(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, unsettled: str, price: str
) -> None:
    form = {"csrf": csrf_of(operator, "/"), "target": unsettled, "confirmed": "yes", "price": price}
    answer = operator.post("/actions/settle", data=form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.get_data(as_text=True)
    assert _commands(store.url) == []


def test_without_the_token_of_the_page_no_price_is_taken(
    operator: FlaskClient, store: StoreBuilder, unsettled: str
) -> None:
    form = {"target": unsettled, "confirmed": "yes", "price": "5950.25"}
    assert operator.post("/actions/settle", data=form).status_code in {400, 403}
    assert _commands(store.url) == []


@pytest.mark.parametrize("kind, label", [("adopt", "Adopt"), ("decline", "Leave alone")])
def test_what_waits_to_be_adopted_can_be_taken_over_or_left_alone(
    operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, kind: str, label: str
) -> None:
    key = "QQQ   261120P00510000"
    store.add(ADOPTION, id=key, state="asked", symbol="QQQ", quantity=3, why="", asked_at=store.now_text)
    page = operator.get("/").get_data(as_text=True)
    assert f">{label}</button>" in page
    form = {"csrf": csrf_of(operator, "/"), "target": "QQQ 261120P00510000", "next": "/"}
    press(operator, kind, form)
    (row,) = _commands(store.url)
    assert (row.kind, json.loads(row.payload)) == (kind, {"key": "QQQ 261120P00510000"})


def test_what_a_person_declined_stays_shown_with_who_and_the_way_back(
    operator: FlaskClient, store: StoreBuilder
) -> None:
    key, said = "QQQ   261120P00510000", {"answered_by": "cli", "answered_at": store.now_text}
    store.add(ADOPTION, id=key, state="declined", symbol="QQQ", quantity=3, why="", asked_at=store.now_text, **said)
    page = operator.get("/").get_data(as_text=True)
    assert "declined by cli: left alone" in page
    assert ">Adopt</button>" in page
    assert ">Leave alone</button>" not in page
