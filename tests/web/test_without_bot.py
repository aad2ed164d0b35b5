"""The page on a store whose bot does not run: everything can be read, nothing asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from bot.clocks.clock import StandingClock
from bot.store import read as ask
from bot.store.database import open_reader
from bot.web.access import AccessRules
from bot.web.app import create_app
from bot.web.logins import Doorkeeper
from bot.web.store_reader import StoreAddress, StoreReader
from tests.web.conftest import NOW, TOKEN, CsrfReader, StoreBuilder


@pytest.fixture
def alone(store: StoreBuilder) -> FlaskClient:
    clock = StandingClock(NOW + timedelta(days=3))
    place = StoreAddress(store.url, "sim", lambda: "No bot runs on this store.")
    keeper = Doorkeeper(TOKEN, 3600, clock.monotonic)
    return create_app(StoreReader(place, clock), keeper, AccessRules("127.0.0.1", login_link=True)).test_client()


@pytest.mark.parametrize("path", ["/", "/position/POSRUN", "/signal/SIGRUN", "/machines", "/audit"])
def test_every_page_says_that_no_bot_runs_and_since_when(alone: FlaskClient, path: str) -> None:
    answer = alone.get(path)
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert "Not running:" in text
    assert "No bot runs on this store. Last tick: 11:05:00 New York, Fri 20 Nov" in text


def test_nothing_on_it_looks_alive(alone: FlaskClient) -> None:
    text = alone.get("/").get_data(as_text=True)
    assert "data-events" not in text
    assert "data-poll" not in text, "there is nothing to stream"
    assert "No live updates: no bot runs." in text
    assert ">active</span>" not in text
    assert text.count("Not running") >= 2, "in the banner and as the answer"


def test_time_stands_at_the_last_tick(alone: FlaskClient) -> None:
    assert alone.get("/api/status").get_json()["now"] == "2026-11-20T16:05:00+00:00"


def test_acting_is_refused_with_the_reason(alone: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder) -> None:
    alone.post("/login", data={"csrf": csrf_of(alone), "token": TOKEN})
    answer = alone.post("/actions/pause", data={"csrf": csrf_of(alone, "/")})
    assert answer.status_code == 409
    assert "Nothing was sent. No bot runs on this store." in answer.get_data(as_text=True)
    with open_reader(store.url) as connection:
        assert ask.commands(connection, 5) == []
    assert "/actions/" not in alone.get("/").get_data(as_text=True), "there is no bot to ask"


def test_the_watchman_is_told(alone: FlaskClient) -> None:
    answer = alone.get("/healthz")
    assert answer.status_code == 503
    assert answer.get_json()["reasons"][0].startswith("No bot runs")
