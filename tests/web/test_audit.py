"""The audit page: every named query runs from it, and its download opens safely in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from flask.testing import FlaskClient

from bot.store.queries import QUERIES


@pytest.mark.parametrize("name", QUERIES)
def test_every_question_is_listed_runs_and_downloads(page: FlaskClient, name: str) -> None:
    needed = "".join(f"&{p.name}={'POSRUN'}" for p in QUERIES[name].parameters if p.default is None)
    text = page.get(f"/audit?query={name}{needed}").get_data(as_text=True)
    assert QUERIES[name].title.replace("'", "&#39;") in text
    assert "audit query" not in text
    answer = page.get(f"/audit.csv?query={name}{needed}")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert f'filename="{name}.csv"' in answer.headers["Content-Disposition"]
    assert next(csv.reader(io.StringIO(answer.get_data(as_text=True))))


def test_a_question_that_needs_an_id_waits_for_it(page: FlaskClient) -> None:
    text = page.get("/audit?query=why_trade").get_data(as_text=True)
    assert "Download CSV" not in text
    assert 'name="id"' in text
    assert page.get("/audit.csv?query=why_trade").status_code == 400


def test_the_story_of_a_trade_comes_out_of_the_store(page: FlaskClient) -> None:
    text = page.get("/audit?query=why_trade&id=SIGRUN").get_data(as_text=True)
    assert "SPX 0.04 % from max-gamma 5900" in text


def test_an_unknown_question_shows_the_list(page: FlaskClient) -> None:
    assert "Choose a question" in page.get("/audit?query=drop+table").get_data(as_text=True)


def test_a_parameter_is_a_value_and_never_sql(page: FlaskClient) -> None:
    answer = page.get("/audit?query=why_trade&id=' OR 1=1 --")
    assert answer.status_code == 200
    assert "No row" in answer.get_data(as_text=True)


def test_a_formula_in_the_store_is_text_in_the_download(page: FlaskClient, store) -> None:
    store.transition("position", "POSRUN", "ratchet", ("trailing", "trailing"), "=HYPERLINK(1)", store.now_text)
    text = page.get("/audit.csv?query=position_story&id=POSRUN").get_data(as_text=True)
    assert "'=HYPERLINK(1)" in text
