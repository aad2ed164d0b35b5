"""The alerts' own page: filters, days, what a code means, where an alert leads; silent markets on a position's row."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from bot.clocks.clock import ManualClock
from bot.store.tables.alert import ALERT
from tests.web.conftest import StoreBuilder, at


def tell(store: StoreBuilder, code: str, minutes: float, severity: str = "warning", facts: str = "{}") -> None:
    store.add(
        ALERT, id=f"A{code}{minutes}", code=code, severity=severity, text=f"{code} told", facts=facts,
        at=at(minutes),
    )  # fmt: skip


@pytest.fixture
def told(store: StoreBuilder, page: FlaskClient) -> FlaskClient:
    tell(store, "UNPROTECTED", 5, "critical", '{"position_id": "POSRUN"}')
    tell(store, "LEFT_AT_CLOSE", 24 * 60, "critical")
    tell(store, "QUOTED_AGAIN", 3, "info")
    return page


def codes(visitor: FlaskClient, **given: str) -> list[str]:
    text = visitor.get("/alerts", query_string=given).get_data(as_text=True)
    return re.findall(r"/alerts\?code=(\w+)\"><code>", text)


def test_all_are_listed_newest_first_with_their_day(told: FlaskClient) -> None:
    assert codes(told)[-2:] == ["UNPROTECTED", "LEFT_AT_CLOSE"]
    text = told.get("/alerts").get_data(as_text=True)
    assert "19 Nov 11:05:30" in text
    assert '<a href="/position/POSRUN">UNPROTECTED told</a>' in text
    assert "no stop at the broker" in text


@pytest.mark.parametrize("given, found", [
    ({"severity": "info"}, ["QUOTED_AGAIN"]), ({"day": "yesterday"}, ["LEFT_AT_CLOSE"]),
    ({"day": "2026-11-19"}, ["LEFT_AT_CLOSE"]), ({"code": "unprotected"}, ["UNPROTECTED"]),
    ({"day": "today", "severity": "critical"}, ["UNPROTECTED"]), ({"code": "NOBODY"}, []),
])  # fmt: skip
def test_they_are_filtered_by_day_severity_and_code(told: FlaskClient, given: dict[str, str], found: list[str]) -> None:
    assert codes(told, **given) == found
    rows = list(csv.DictReader(io.StringIO(told.get("/alerts.csv", query_string=given).get_data(as_text=True))))
    assert [row["code"] for row in rows] == found


@pytest.mark.parametrize("given", [{"day": "20.11.2026"}, {"day": "someday"}, {"severity": "loud"}])
def test_what_cannot_be_is_refused_by_name(told: FlaskClient, given: dict[str, str]) -> None:
    name, value = next(iter(given.items()))
    assert f"{name}={value} is n" in unescape(told.get("/alerts", query_string=given).get_data(as_text=True))
    assert told.get("/alerts.csv", query_string=given).status_code == 400


def test_many_are_paged(store: StoreBuilder, page: FlaskClient) -> None:
    for minute in range(120):
        tell(store, "QUOTED_AGAIN", minute, "info")
    pages = [len(codes(page, code="QUOTED_AGAIN", page=str(number))) for number in range(4)]
    assert pages == [50, 50, 20, 0]
    assert "120 alerts" in page.get("/alerts?code=QUOTED_AGAIN").get_data(as_text=True)


@pytest.mark.parametrize("code, words", [
    ("HELD_IN_HALT", "halted since 11:02:30"), ("HELD_WITHOUT_BID", "no bid since 11:02:30"),
    ("EXIT_IN_HALT", "halted since 11:02:30"), ("EXIT_WITHOUT_BID", "no bid since 11:02:30"),
])  # fmt: skip
def test_a_silent_market_stands_on_the_positions_row_until_it_is_over(
    store: StoreBuilder, page: FlaskClient, clock: ManualClock, code: str, words: str
) -> None:
    facts = '{"position_id": "POSRUN"}'
    tell(store, code, 3, "warning", facts)
    assert words in page.get("/parts").get_json()["positions"]
    tell(store, "QUOTED_AGAIN" if code.startswith("HELD") else "EXIT_GOES_ON", 2, "info", facts)
    clock.advance(1)
    assert words not in page.get("/parts").get_json()["positions"]


def test_a_silence_told_before_the_latest_start_does_not_count(store: StoreBuilder, page: FlaskClient) -> None:
    tell(store, "HELD_IN_HALT", 3, "warning", '{"position_id": "POSRUN"}')
    store.transition("session", "session", "restart", ("stopping", "starting"), "started", at(1))
    assert "halted since" not in page.get("/parts").get_json()["positions"]
