"""Every page's data at its own address with .json: the same figures, and a link to it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.store.tables.position import POSITION
from bot.store.tables.position_mark import POSITION_MARK
from bot.web.as_json import JSON_BESIDE
from tests.web.conftest import PUT, StoreBuilder, at

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


def test_what_a_day_may_cost_and_which_bets_are_one_bet_are_of_the_record(
    page: FlaskClient, store: StoreBuilder
) -> None:
    store.set(POSITION, {"id": "POSRUN"}, underlying=59_030_000)
    store.position("POSPUT", "filled", PUT, underlying=5_890_000)
    for minute in range(20):
        wave = (minute % 5) * (1 + minute % 3)
        for held, spot in (("POSRUN", 5900.0), ("POSPUT", 589.0)):
            store.add(POSITION_MARK, position_id=held, at=at(25 - minute, 7), bid=40_000, ask=42_000,
                      underlying=round(spot * (1 + wave / 10_000) * 10_000))  # fmt: skip
    risk = _json(page, "/exposure.json")["risk"]
    titles, cells = [row["title"] for row in risk["alike"]], [row["cells"] for row in risk["alike"]]
    assert titles == ["SPY 588P 20 Nov", "SPX 5900C 20 Nov", "SPY 588P 20 Nov"]
    assert [row["asked"] for row in risk["alike"]] == [False, False, True], "the last waits for a person"
    assert cells[0][1]["value"] == pytest.approx(-1.0, abs=1e-3), "a call and a put on what moves alike are a hedge"
    assert cells[0][2]["value"] == 1.0, "one underlying in one direction is one bet"
    assert (cells[0][0]["value"], cells[1][0]["tone"]) == (None, "co3")
    paid = sum(
        each["bid"] * each["quantity"] * 100 for each in ({"bid": 8.7, "quantity": 1}, {"bid": 4.4, "quantity": 4})
    )
    assert 0 < risk["day"]["var"] <= risk["day"]["shortfall"] <= paid
    text = page.get("/exposure").get_data(as_text=True)
    assert "VaR 95 %, one day" in text
    assert "−1.00" in text


def test_a_wrong_filter_and_an_unknown_thing_are_refused(page: FlaskClient) -> None:
    assert page.get("/alerts.json?severity=loud").status_code == 400
    assert page.get("/position/NOBODY.json").status_code == 404
    assert page.get("/market/NOBODY.json").status_code == 404
    assert page.get("/audit.json?query=signal_timeline").status_code in {200, 400}


def test_who_may_not_read_gets_no_data(page: FlaskClient) -> None:
    answer = page.get("/overview.json", headers={"X-Forwarded-For": "1.2.3.4"})
    assert answer.status_code in {302, 401}
    assert b"positions" not in answer.data
