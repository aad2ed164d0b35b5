"""The audit page: every named query runs from it, and its download opens safely in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from bot.cli.main import app
from bot.store.queries import QUERIES, SHORT
from tests.web.conftest import StoreBuilder

HEAD = r'<th(?: class="n")?>(.*?)</th>'


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


def test_a_formula_in_the_store_is_text_in_the_download(page: FlaskClient, store: StoreBuilder) -> None:
    store.transition("position", "POSRUN", "ratchet", ("trailing", "trailing"), "=HYPERLINK(1)", store.now_text)
    text = page.get("/audit.csv?query=position_story&id=POSRUN").get_data(as_text=True)
    assert "'=HYPERLINK(1)" in text


def test_a_table_shows_the_columns_that_answer_with_ids_short_and_linked(page: FlaskClient) -> None:
    text = page.get("/audit?query=trades").get_data(as_text=True)
    assert '<a href="/position/POSRUN" title="POSRUN">POSRUN</a>' in text
    assert re.findall(HEAD, text) == ["id", "contract", "qty", "entry", "exit", "P&amp;L", "closed by"]
    assert "SPX 5900C 20 Nov" in text
    assert re.search(r'data-label="P&amp;L" class=" n (good|bad)">[+−][0-9,.]+<', text)
    assert "return_on_premium" in page.get("/audit?query=trades&wide=1").get_data(as_text=True)
    assert "return_on_premium" in page.get("/audit.csv?query=trades").get_data(as_text=True)


def test_page_and_command_line_have_one_choice_of_columns(
    page: FlaskClient, store: StoreBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / "config").mkdir(parents=True)
    monkeypatch.setenv("QUANTICITY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QUANTICITY__DATABASE__URL", store.url)
    for name in SHORT:
        needed = {p.name: "POSRUN" for p in QUERIES[name].parameters if p.default is None}
        told = CliRunner().invoke(app, ["audit", "run", name, *(f"{k}={v}" for k, v in needed.items())]).stdout
        html = page.get("/audit", query_string={"query": name, **needed}).get_data(as_text=True)
        heads = [unescape(head) for head in re.findall(HEAD, html)]
        if heads:
            assert " ".join(heads).split() in [line.split() for line in told.splitlines()], told


@pytest.mark.parametrize("day, rows", [("today", 2), ("2026-11-20", 2), ("yesterday", 0)])
def test_days_may_be_told_in_words(page: FlaskClient, day: str, rows: int) -> None:
    text = page.get(f"/audit?query=trades&from={day}&to={day}").get_data(as_text=True)
    assert text.count("<tr><td") == rows


@pytest.mark.parametrize("day", ["20.11.2026", "2026-13-01", "tomorrow", "2026-11-2", "x' OR 1"])
def test_what_is_no_day_is_an_error_that_names_it(page: FlaskClient, day: str) -> None:
    answer = page.get("/audit", query_string={"query": "trades", "from": day})
    assert f"from={day} is no day: write YYYY-MM-DD, today or yesterday" in unescape(answer.get_data(as_text=True))
    assert page.get("/audit.csv", query_string={"query": "trades", "from": day}).status_code == 400
