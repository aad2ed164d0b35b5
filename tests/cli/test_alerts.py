"""`alerts` and the page that is made of it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from bot.cli.alerts import page
from bot.cli.main import app
from bot.domain.alert import Alert
from bot.domain.notices import REGISTER
from bot.engine.state.records import TickBatch
from tests.cli.small_store import NOW, Call, pulse, write

ROOT = Path(__file__).parents[2]


def test_the_page_of_alerts_is_the_registers() -> None:
    assert (ROOT / "docs" / "alerts.md").read_text() == page(), "run `make docs`"


def test_every_code_has_its_line_once() -> None:
    lines = page().splitlines()
    for code in (*REGISTER, "TWS_..."):
        assert len([line for line in lines if line.startswith(f"| `{code}` |")]) == 1


@pytest.mark.parametrize("code", ["UNPROTECTED", "unprotected"])
def test_one_alert_is_explained(code: str) -> None:
    told = CliRunner().invoke(app, ["alerts", code])
    assert told.exit_code == 0
    assert "without" in told.output or "no stop" in told.output
    assert "every 5 minutes" in told.output


def test_a_code_that_nobody_knows_is_refused() -> None:
    assert CliRunner().invoke(app, ["alerts", "NO_SUCH_CODE"]).exit_code == 2


# ---- the list, and a store in which somebody wrote


LONG: Final = "x\x1b[2J" * 4_000_000


@pytest.fixture
async def alarmed(running: Path) -> Path:
    batch = TickBatch(tick=8, recorded_at=NOW, status=pulse())
    day = timedelta(days=1)
    skew = "our clock differs from the broker's by 12 s " * 5
    batch.changed.add(Alert("A1", "CLOCK_SKEW", "warning", skew, {}, NOW - day))
    batch.changed.add(Alert("A2", "UNPROTECTED", "critical", "SPY 590C 20 Nov: no stop works", {}, NOW))
    await write(f"sqlite+aiosqlite:///{running}", batch)
    return running


@pytest.mark.usefixtures("alarmed")
def test_alerts_are_listed_within_80_columns_the_newest_last(call: Call) -> None:
    shown = call("alerts").stdout
    assert shown.index("CLOCK_SKEW") < shown.index("UNPROTECTED")
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" in shown
    assert "…" not in call("alerts", "--wide").stdout


@pytest.mark.usefixtures("alarmed")
@pytest.mark.parametrize("given", [["--since", "today"], ["--severity", "critical"], ["--limit", "1"]])
def test_alerts_are_narrowed(call: Call, given: list[str]) -> None:
    assert [row["code"] for row in json.loads(call("alerts", *given, "--json").stdout)] == ["UNPROTECTED"]
    rows = list(csv.DictReader(io.StringIO(call("alerts", *given, "--csv").stdout)))
    assert [row["severity"] for row in rows] == ["critical"]


@pytest.mark.usefixtures("alarmed")
@pytest.mark.parametrize("given", [["--since", "soon"], ["--severity", "loud"], ["--csv", "--json"]])
def test_alerts_of_no_day_and_no_severity_are_refused(call: Call, given: list[str]) -> None:
    assert call("alerts", *given).exit_code == 2


@pytest.mark.parametrize("arguments", [["status"], ["status", "--wide"], ["status", "--json"], ["alerts", "--wide"],
                                       ["requests"], ["requests", "--json"]])  # fmt: skip
def test_a_text_of_megabytes_that_somebody_wrote_stays_small_where_it_is_read(
    call: Call, alarmed: Path, arguments: list[str]
) -> None:
    with sqlite3.connect(alarmed) as connection:
        connection.execute("UPDATE alert SET text = ?, facts = ?", (LONG, LONG))
        connection.execute("UPDATE session_state SET hold_reason = ?", (LONG,))
        connection.execute(
            "INSERT INTO command (id, kind, payload, actor, state, created_at, answer) VALUES (?,?,?,?,?,?,?)",
            ("c" * 26, "pause", LONG, LONG, "queued", NOW.isoformat(), LONG),
        )
    assert len(call(*arguments).stdout) < 100_000
