"""Every page's data at its own address with .json: the same figures, and a link to it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.web.as_json import JSON_BESIDE
from tests.web.conftest import StoreBuilder

PATHS = ("/", *sorted(JSON_BESIDE), "/position/POSRUN", "/signal/SIGRUN")


def _json(page: FlaskClient, path: str) -> Any:
    answer = page.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), path
    return answer.get_json()


@pytest.mark.parametrize("path", PATHS)
def test_every_page_names_its_data(page: FlaskClient, path: str) -> None:
    beside = f"{'/overview' if path == '/' else path}.json"
    assert f'href="{beside}"' in page.get(path).get_data(as_text=True)
    assert "NaN" not in json.dumps(_json(page, beside))


def test_filter_and_sort_go_with_the_link(page: FlaskClient) -> None:
    assert 'href="/trades.json?result=lost"' in page.get("/trades?result=lost").get_data(as_text=True)


def test_the_same_figure_stands_in_each(page: FlaskClient) -> None:
    """Money of the day on overview and positions, its parts, and the whole that they add up to."""
    overview, positions = _json(page, "/overview.json"), _json(page, "/positions.json")
    assert overview["money"] == positions["money"]
    parts = sum(Decimal(each["pnl"]) for each in positions["positions"])
    closed = sum(Decimal(each["realized"]) for each in positions["closed_positions"])
    money = positions["money"]
    assert parts + closed == Decimal(money["realized"]) + Decimal(money["open"])
    assert _json(page, "/api/status")["money"]["realized"] == money["realized"]
    earned = _json(page, "/performance.json?range=day")
    assert Decimal(earned["closed"]) == closed == Decimal(_json(page, "/strategies.json")["strategies"][0]["realized"])


def test_an_exposure_says_what_a_move_would_do_and_leaves_out_what_it_cannot_know(
    page: FlaskClient, store: StoreBuilder
) -> None:
    found = _json(page, "/exposure.json")["exposure"]
    assert (found["unknown"], found["moved"]) == (1, [0.0] * 7), "without its underlying nothing is judged"
    store.position("POSHELD", "trailing", quantity=4, underlying=59_030_000)
    page.application.extensions["reader"].forget()
    found = _json(page, "/exposure.json")["exposure"]
    held = next(each for each in found["held"] if each["id"] == "POSHELD")
    assert found["moves"][3] == 0.0
    assert held["moved"][3] == pytest.approx(0.0, abs=0.01), "no move changes nothing"
    assert held["moved"] == sorted(held["moved"]), "a call gains with its underlying"
    assert held["moved"][5] > held["delta"] > 0, "gamma adds to what delta says of 1 %"
    assert found["delta"] == held["delta"]
    text = page.get("/exposure").get_data(as_text=True)
    assert "If every underlying moved now" in text
    assert "All but 1 without a usable quote" in text


def test_a_wrong_filter_and_an_unknown_thing_are_refused(page: FlaskClient) -> None:
    assert page.get("/alerts.json?severity=loud").status_code == 400
    assert page.get("/position/NOBODY.json").status_code == 404
    assert page.get("/market/NOBODY.json").status_code == 404
    assert page.get("/audit.json?query=signal_timeline").status_code in {200, 400}


def test_who_may_not_read_gets_no_data(page: FlaskClient) -> None:
    answer = page.get("/overview.json", headers={"X-Forwarded-For": "1.2.3.4"})
    assert answer.status_code in {302, 401}
    assert b"positions" not in answer.data
