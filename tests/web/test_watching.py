"""Alerts that are acknowledged, the overseer's record, and who may do what."""

from __future__ import annotations

import json
from html import unescape

from flask.testing import FlaskClient

from bot.store import read as ask
from bot.store.database import open_reader
from bot.store.tables.alert import ALERT
from bot.store.tables.command import COMMAND
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.overseer_call import OVERSEER_CALL
from tests.web.conftest import DAY, CsrfReader, StoreBuilder, at


def alert(store: StoreBuilder, alert_id: str, state: str, severity: str = "critical", **more: object) -> None:
    store.add(ALERT, id=alert_id, code="ORDER_LOST", severity=severity, text=f"{alert_id} is not answered", facts="{}",
              at=at(3), first_at=at(9), state=state, entity=alert_id, **more)  # fmt: skip


def test_an_open_alert_is_acknowledged_from_the_page_and_one_that_is_not_has_no_button(
    operator: FlaskClient, store: StoreBuilder, csrf_of: CsrfReader
) -> None:
    alert(store, "A1", "escalated", count=3)
    alert(store, "A2", "acknowledged", acknowledged_by="admin:web:anna", acknowledged_at=at(1))
    operator.application.extensions["reader"].forget()
    text = unescape(operator.get("/alerts").get_data(as_text=True))
    assert "3 times since 20 Nov 10:56:30" in text
    assert "acknowledged by anna (page) at 11:04:30" in text
    assert 'name="target" value="A1"' in text
    assert 'name="target" value="A2"' not in text
    assert "1 critical and open" in text
    assert "A2 is not" not in operator.get("/alerts?state=open").get_data(as_text=True)
    assert "state=lost is none" in operator.get("/alerts?state=lost").get_data(as_text=True)
    form = {"csrf": csrf_of(operator, "/alerts"), "next": "/alerts"}
    assert operator.post("/actions/ack", data=form | {"target": "A2"}).status_code == 404, "nobody has to take it up"
    assert operator.post("/actions/ack", data=form | {"target": "A1"}).status_code == 303
    with open_reader(store.url) as connection:
        (asked,) = ask.commands(connection, 5)
    assert (asked.kind, json.loads(asked.payload)) == ("ack", {"alert_id": "A1"})


def test_the_overseers_record_says_what_it_said_what_came_of_it_and_what_it_cost(
    page: FlaskClient, store: StoreBuilder
) -> None:
    assert "It has said nothing yet" in page.get("/overseer").get_data(as_text=True)
    body = {"settings": {"overseer": {"model": "a-model", "budget_usd": "2"}}}
    store.add(CONFIG_VERSION, id="v1", number=1, hash="", body=json.dumps(body), created_at=at(90))
    store.add(OVERSEER_CALL, id="C1", at=at(5), day=DAY, task="pre_trade_review", subject="R1", model="a-model",
              prompt_hash="",
              tokens_in=900, tokens_out=90, cost_micros=1350, ms=1800, answered="answered", severity="warning",
              action="veto", done="rejected by the overseer", text="<b>spread</b> is wide",
              verdict='{"signal_id":"SIGNO"}', outcome="signal rejected")  # fmt: skip
    text = page.get("/overseer").get_data(as_text=True)
    for words in ("&lt;b&gt;spread&lt;/b&gt; is wide", "/signal/SIGNO", "$0.0014", "rejected by the overseer",
                  "a-model", "budget $2.00", "signal rejected"):  # fmt: skip
        assert words in text, words
    assert "It has said nothing yet" in page.get("/overseer?task=explanation").get_data(as_text=True)


def test_people_stand_with_their_roles_what_they_asked_and_what_was_refused(
    page: FlaskClient, store: StoreBuilder
) -> None:
    for number, (actor, state) in enumerate((("admin:web:operator", "done"), ("admin:telegram:555", "refused"))):
        store.add(COMMAND, id=f"C{number}", kind="pause", payload="{}", actor=actor, state=state,
                  answer="NOT_ALLOWED: a stranger" if state == "refused" else "paused", created_at=at(5 - number),
                  handled_at=at(4))  # fmt: skip
    text = page.get("/people").get_data(as_text=True)
    for words in ("Others who asked", "admin:telegram:555", "NOT_ALLOWED: a stranger", "Pause entries"):
        assert words in text, words


def test_the_terms_of_a_signal_that_waits_are_edited_from_the_page(
    operator: FlaskClient, store: StoreBuilder, csrf_of: CsrfReader
) -> None:
    for path in ("/", "/signals", "/signal/SIGWAIT"):
        assert 'action="/actions/edit"' in operator.get(path).get_data(as_text=True), path
    assert 'action="/actions/edit"' not in operator.get("/signal/SIGRUN").get_data(as_text=True)
    form = {"csrf": csrf_of(operator, "/signals"), "next": "/signals", "target": "SIGWAIT", "quantity": "3"}
    assert operator.post("/actions/edit", data=form | {"limit": ""}).status_code == 303
    with open_reader(store.url) as connection:
        (asked,) = ask.commands(connection, 5)
    assert (asked.kind, json.loads(asked.payload)) == ("edit", {"signal_id": "SIGWAIT", "quantity": "3"})
