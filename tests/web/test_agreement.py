"""One store, three readers: the page, `status --json` and plain SQL say the same money, state and contracts."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from bot.app.day_summary import lines, summarize
from bot.cli.main import app
from bot.store.tables.breaker import BREAKER
from bot.store.values import time_text
from tests.web.conftest import NOW, StoreBuilder

OPEN_SQL = "SELECT SUM((bid * entry_quantity - entry_value) * quantity * multiplier / entry_quantity) FROM position"


@pytest.fixture
def said(store: StoreBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `status --json` says of the store, of which one breaker has tripped."""
    store.add(
        BREAKER, id="correlation", state="tripped", value="0.85", limit_words="0.8", share=1.06, detail="",
        since=time_text(NOW),
    )  # fmt: skip
    (tmp_path / "home" / "config").mkdir(parents=True)
    monkeypatch.setenv("QUANTICITY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QUANTICITY__DATABASE__URL", store.url)
    answer = CliRunner().invoke(app, ["status", "--json"])
    assert answer.stdout, answer.output
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def sql(store: StoreBuilder, query: str) -> Decimal:
    with sqlite3.connect(store.url.partition("///")[2]) as connection:
        return Decimal(connection.execute(query).fetchone()[0]) / 10_000


def test_the_days_money_is_one(store: StoreBuilder, said: dict[str, Any], page: FlaskClient) -> None:
    realized = sql(store, "SELECT SUM(realized_pnl) FROM position")
    is_open = sql(store, f"{OPEN_SQL} WHERE closed_at IS NULL")
    status, api = said["money"], page.get("/api/status").get_json()["money"]
    for told in (status, api):
        assert (Decimal(str(told["realized"])), Decimal(str(told["open"]))) == (realized, is_open)
    assert Decimal(api["total"]) == realized + is_open
    text = html.unescape(page.get("/").get_data(as_text=True))
    assert f"realized +${realized:,.2f} + open +${is_open:,.2f}" in text
    assert f'<span class="v good">+${realized + is_open:,.2f}</span>' in text, "the answer"
    assert f'<b class="good">+${realized + is_open:,.2f}</b>' in text, "the status bar"
    assert Decimal(str(status["equity_change"])) - realized - is_open == Decimal(api["difference"])


def test_the_days_summary_is_the_same_money(store: StoreBuilder, said: dict[str, Any]) -> None:
    day = said["pulse"]["session_day"]
    told = lines(summarize(store.url, date.fromisoformat(day), with_invariants=False))
    realized = sql(store, "SELECT SUM(realized_pnl) FROM position")
    fees = sql(store, f"SELECT SUM(commission) FROM execution WHERE executed_at >= '{day}'")
    (headline,) = [line for line in told if line.startswith("  P&L")]
    assert f"realized +${realized:,.2f}, " in headline
    assert headline.endswith(f"fees ${fees:,.2f} paid")
    closed, wins = said["money"]["closed"], said["money"]["wins"]
    assert f"  win rate    {wins} of {closed} ({wins / closed:.0%})" in told


def test_the_rows_add_up_to_the_headline(page: FlaskClient) -> None:
    told = page.get("/api/status").get_json()
    open_rows = sum(Decimal(row["pnl"]) for row in told["positions"])
    closed = re.findall(r"<span class=\"num \w+\">(.*?)</span>", page.get("/parts?view=positions").get_json()["closed"])
    ended = sum(Decimal(amount.replace("−", "-").replace("$", "").replace(",", "")) for amount in closed)
    assert open_rows + ended == Decimal(told["money"]["total"])


def test_every_page_adds_up_to_the_same_money(page: FlaskClient, store: StoreBuilder) -> None:
    def told(path: str) -> Any:
        return page.get(path).get_json()

    overview, earned = told("/overview.json")["money"], told("/performance.json?range=day")
    headline = Decimal(overview["realized"]) + Decimal(overview["open"])
    closed = sum(Decimal(trade["realized_pnl"]) for trade in told("/trades.json?from=today")["trades"])
    kept = list(csv.DictReader(io.StringIO(page.get("/trades.csv?from=today").get_data(as_text=True))))
    ours = told("/strategies.json")["strategies"]
    assert Decimal(earned["total"]) == Decimal(earned["closed"]) + Decimal(earned["open"]) == headline
    assert closed == Decimal(earned["closed"]) == sum(Decimal(row["realized_pnl"]) for row in kept)
    assert closed == sum(Decimal(each["realized"]) for each in ours)
    assert sum(Decimal(each["open"]) for each in ours) == Decimal(earned["open"])
    days = told("/performance.json?range=all")["days"]
    assert sum(Decimal(each["pnl"]) for each in days) == Decimal(days[-1]["total"])
    exposure = told("/exposure.json")
    assert Decimal(exposure["exposure"]["paid"]) == Decimal(exposure["premium"]["dollars"])
    paid = sql(store, "SELECT SUM(entry_price * quantity * multiplier) FROM position WHERE closed_at IS NULL")
    assert paid == Decimal(exposure["premium"]["dollars"])


def test_the_effective_state_is_one(said: dict[str, Any], page: FlaskClient) -> None:
    assert said["state"] == "active, entries blocked: correlation"
    assert page.get("/api/status").get_json()["state"] == said["state"]
    assert f">{said['state']}<" in page.get("/parts?view=feeds").get_json()["standing"]
    assert "<b>Entries blocked</b>" in page.get("/parts").get_json()["bar"]
