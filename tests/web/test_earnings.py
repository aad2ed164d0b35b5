"""Trades and Performance: the journal's filter, sort and files, and sums that agree with each other and with SQL."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from bot.charts.bundle import Bundle
from bot.cli.main import app as commands
from bot.store.tables.position import POSITION
from tests.web.conftest import DAY, AppMaker, StoreBuilder, at, dollars


@pytest.fixture
def traded(store: StoreBuilder) -> StoreBuilder:
    """The day's closed trade, and thirty of the weeks before it."""
    for n in range(30):
        day = f"2026-{10 if n < 15 else 11}-{5 + n % 15:02d}"
        pnl = 120.5 if n % 3 else -80.25
        store.position(
            f"OLD{n:02d}", "closed", quantity=0, exit_quantity=4,
            strategy="zero_dte_flow" if n % 2 else "zero_dte_gamma", exit_value=dollars(18),
            realized_pnl=dollars(pnl), closed_at=f"{day}T16:00:00.000000+00:00",
            opened_at=f"{day}T15:{n:02d}:00.000000+00:00", session_day=day, close_reason="trail" if n % 3 else "stop",
            high=dollars(6.3),
        )  # fmt: skip
    store.mark("OLD29", at(300), 3.15, 3.2)
    store.mark("OLD29", at(290), 5.0, 5.1)
    return store


def sql(store: StoreBuilder, query: str) -> Decimal:
    with sqlite3.connect(store.url.partition("///")[2]) as connection:
        return Decimal(connection.execute(query).fetchone()[0]) / 10_000


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.get_data(as_text=True)[:300])
    return html.unescape(answer.get_data(as_text=True))


def money(words: str) -> Decimal:
    return Decimal(words.replace("−", "-").replace("$", "").replace(",", "").replace("+", ""))


def rows_of(text: str) -> list[str]:
    return re.findall(r"<tr>(.*?)</tr>", text.partition("<tbody>")[2].partition("</tbody>")[0], re.DOTALL)


def test_the_journal_is_sorted_filtered_and_adds_up(traded: StoreBuilder, page: FlaskClient) -> None:
    text = text_of(page, "/trades")
    assert "31 closed" in text
    realized = sql(traded, "SELECT SUM(realized_pnl) FROM position WHERE state = 'closed'")
    assert f"+${realized:,.2f}" in text
    shown = [money(found) for found in re.findall(r'class="n res \w+">(.*?)<', text)]
    assert sum(shown) == realized
    assert "POSOLD" in rows_of(text)[0], "the newest first"
    worst = text_of(page, "/trades?sort=pnl&down=0")
    assert "POSOLD" in rows_of(worst)[0]
    assert 'aria-sort="ascending"' in worst
    lost = text_of(page, "/trades?result=lost&strategy=zero_dte_flow&from=2026-10-05&to=2026-10-31")
    expected = sql(traded, "SELECT SUM(realized_pnl) FROM position WHERE state='closed' AND strategy='zero_dte_flow'"
                   " AND realized_pnl < 0 AND session_day BETWEEN '2026-10-05' AND '2026-10-31'")  # fmt: skip
    assert f"−${-expected:,.2f}" in lost
    assert "Clear" in lost
    assert "No trade passes this filter" in text_of(page, "/trades?symbol=NOPE")
    assert page.get("/trades?from=yesterday-ish").status_code == 400
    for sort in ("contract", "part", "contracts", "held", "best", "reason", "strategy", "'; DROP"):
        assert "31 closed" in text_of(page, f"/trades?sort={sort}")


def test_a_trades_best_and_worst_are_of_its_entry_price(traded: StoreBuilder, page: FlaskClient) -> None:
    row = next(row for row in rows_of(text_of(page, "/trades")) if "OLD29" in row)
    assert "+50 %" in row, "6.30 of 4.20"
    assert "−25 %" in row, "3.15 of 4.20"
    assert "4.20 → 4.50" in row


def test_the_files_say_what_the_page_says(traded: StoreBuilder, page: FlaskClient) -> None:
    answer = page.get("/trades.csv?result=won")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="trades.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert len(rows) == 20
    assert sum(Decimal(row["realized_pnl"]) for row in rows) == Decimal("120.5") * 20
    assert {row["close_reason"] for row in rows} == {"trail"}
    found = page.get("/trades.json?result=won").get_json()
    assert (found["total"], found["trades"][0]["position_id"]) == (20, rows[0]["position_id"])
    days = list(csv.DictReader(io.StringIO(page.get("/performance.csv").get_data(as_text=True))))
    whole = page.get("/performance.json").get_json()
    assert sum(Decimal(day["pnl"]) for day in days) == Decimal(days[-1]["total"]) == Decimal(whole["closed"])
    assert Decimal(whole["closed"]) + Decimal(whole["open"]) == Decimal(whole["total"])


def test_a_file_does_not_run_in_a_spreadsheet(traded: StoreBuilder, page: FlaskClient) -> None:
    traded.set(POSITION, {"id": "OLD01"}, strategy="=cmd()")
    assert "'=cmd()" in page.get("/trades.csv").get_data(as_text=True)


def test_performance_agrees_with_sql_in_every_part(traded: StoreBuilder, page: FlaskClient) -> None:
    text = text_of(page, "/performance")
    realized = sql(traded, "SELECT SUM(realized_pnl) FROM position WHERE state = 'closed'")
    is_open = sql(traded, "SELECT SUM(realized_pnl + (bid * entry_quantity - entry_value) * quantity * multiplier"
                  " / entry_quantity) FROM position WHERE closed_at IS NULL")  # fmt: skip
    assert f"closed +${realized:,.2f}, open trades +${is_open:,.2f}" in text
    assert f"+${realized + is_open:,.2f}" in text
    by_day = sql(traded, f"SELECT SUM(realized_pnl) FROM position WHERE session_day = '{DAY}'")
    assert by_day == Decimal("-485.2")
    assert "Fri 20 Nov: −$485.20" in text, "the calendar says the day as SQL does"
    for table in ("By strategy", "By symbol", "By exit reason", "By hour of entry"):
        body = text.partition(f"<h2>{table}</h2>")[2].partition("</table>")[0]
        parts = [money(found) for found in re.findall(r'class="n (?:good|bad|flat)">(.*?)<', body)]
        assert sum(parts) == realized, table
    spec = json.loads(re.findall(r'application/json">(.*?)</script>', text, re.DOTALL)[0])
    assert [pane["title"] for pane in spec["vconcat"]] == [
        "Equity, dollars at each close",
        "Drawdown from the highest equity, %",
    ]
    assert "1 of 1 closed" not in text
    today = text_of(page, "/performance?range=day")
    assert "0 of 1 closed trades" in today


def test_without_a_trade_performance_says_what_will_be_here(make_app: AppMaker, empty_store: StoreBuilder) -> None:
    client = make_app(empty_store.url).test_client()
    assert "No trade was closed in this range" in text_of(client, "/performance")
    assert "No trade is closed yet" in text_of(client, "/trades")
    assert "All pages" in text_of(client, "/pages")


def test_the_command_line_says_the_same(traded: StoreBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "config").mkdir(parents=True)
    monkeypatch.setenv("QUANTICITY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QUANTICITY__DATABASE__URL", traded.url)
    told = json.loads(CliRunner().invoke(commands, ["performance", "--by", "symbol", "--json"]).stdout)
    realized = sql(traded, "SELECT SUM(realized_pnl) FROM position WHERE state = 'closed'")
    assert Decimal(told["closed"]) == sum(Decimal(group["pnl"]) for group in told["groups"]) == realized
    lines = CliRunner().invoke(commands, ["performance", "--by", "hour"]).stdout
    assert f"${realized:,.2f} closed" in lines
    assert CliRunner().invoke(commands, ["performance", "--csv", "--json"]).exit_code == 2
    assert CliRunner().invoke(commands, ["performance", "--quality", "--timing"]).exit_code == 2
    good = json.loads(CliRunner().invoke(commands, ["performance", "--by", "symbol", "--quality", "--json"]).stdout)
    assert sum(each["trades"] for each in good) == sum(each["trades"] for each in told["groups"])
    assert {"MFE", "MAE", "mean win", "mean loss", "Sharpe", "slippage", "held s", "measured"} <= set(good[0])
    slots = json.loads(CliRunner().invoke(commands, ["performance", "--timing", "--json"]).stdout)
    assert {each["verdict"] for each in slots} == {"too few to say anything"}
    assert CliRunner().invoke(commands, ["performance", "--by", "moon"]).exit_code == 2


def test_the_library_is_served_once_compressed_and_for_ever(
    traded: StoreBuilder, make_app: AppMaker, tmp_path: Path
) -> None:
    made = make_app(traded.url)
    made.extensions["charts"] = Bundle(tmp_path, "vega-1.js", "1", "sha384-x")
    made.jinja_env.globals["charts_library"] = made.extensions["charts"]
    (tmp_path / "vega-1.js").write_text("plain")
    (tmp_path / "vega-1.js.gz").write_bytes(b"packed")
    client = made.test_client()
    text = text_of(client, "/performance")
    assert 'data-library="/charts/vega-1.js" data-integrity="sha384-x"' in text
    packed = client.get("/charts/vega-1.js", headers={"Accept-Encoding": "gzip"})
    assert (packed.data, packed.headers["Content-Encoding"]) == (b"packed", "gzip")
    assert "immutable" in packed.headers["Cache-Control"]
    assert client.get("/charts/vega-1.js").data == b"plain"
    assert client.get("/charts/other.js").status_code == 404
