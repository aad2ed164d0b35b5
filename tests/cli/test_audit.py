"""`audit`: named queries, the chain, the laws, the export."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.queries import QUERIES, SHORT
from tests.cli.small_store import (
    POSITION,
    Call,
)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("name", list(QUERIES))
def test_every_named_query_can_be_shown_and_run(call: Call, name: str) -> None:
    assert QUERIES[name].sql.strip() in call("audit", "show", name).stdout
    given = [f"{p.name}={POSITION[-6:]}" for p in QUERIES[name].parameters if p.default is None]
    assert isinstance(json.loads(call("audit", "run", name, *given, "--json").stdout), list)


def test_audit_list_names_every_query(call: Call) -> None:
    assert [row["name"] for row in json.loads(call("audit", "list", "--json").stdout)] == list(QUERIES)
    assert all(name in call("audit", "list").stdout for name in QUERIES)


@pytest.mark.usefixtures("running")
def test_rows_come_as_csv_with_a_header(call: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(call("audit", "run", "position_story", f"id={POSITION}", "--csv").stdout)))
    assert [row["machine"] for row in rows] == ["position"]


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    "arguments,told",
    [
        (["run", "nonsense"], "no audit query 'nonsense'; there are: why_trade"),
        (["show", "nonsense"], "no audit query 'nonsense'"),
        (["run", "why_trade"], "needs id=..."),
        (["run", "why_trade", "id=ZZZ"], "id=ZZZ: no signal and no position has an id that ends so"),
        (["run", "trades", "colour=red"], "has no parameter 'colour'"),
        (["run", "trades", "red"], "'red' is not parameter=value"),
        (["run", "trades", "--csv", "--json"], "choose one of them"),
        (["verify", "--head", "x"], "must be SEQ:HASH"),
        (["verify", "--head", "²:" + "0" * 64], "must be SEQ:HASH"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(call: Call, arguments: list[str], told: str) -> None:
    result = call("audit", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_whole_chain_verifies_and_its_head_can_be_asked_for_later(call: Call, running: Path) -> None:
    seen = json.loads(call("audit", "verify", "--json").stdout)
    assert (seen["ok"], seen["rows"]) == (True, 2)
    head = f"{seen['head']['seq']}:{seen['head']['hash']}"
    assert call("audit", "verify", "--head", head).stdout == f"ok: 2 transitions, head {head}\n"
    result = call("audit", "verify", "--head", f"2:{'0' * 64}")
    assert result.exit_code == 1
    assert "BROKEN" in result.stdout


def test_a_changed_row_is_found_and_ends_with_1(call: Call, running: Path) -> None:
    with closing(sqlite3.connect(running)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE transition SET reason = 'another' WHERE seq = 1")
        connection.commit()
    result = call("audit", "verify")
    assert result.exit_code == 1
    assert "changed: row 1" in result.stdout


@pytest.mark.usefixtures("database")
def test_invariants_of_an_empty_store_hold(call: Call) -> None:
    findings = json.loads(call("audit", "invariants", "--json").stdout)
    assert [finding["invariant"] for finding in findings] == [f"I{n}" for n in range(1, 13)]
    assert all(finding["ok"] for finding in findings)


@pytest.mark.usefixtures("running")
def test_a_broken_invariant_ends_with_1(call: Call) -> None:
    result = call("audit", "invariants")  # the position above has no execution behind it
    assert result.exit_code == 1
    assert "BROKEN I3" in result.stdout


@pytest.mark.usefixtures("running")
def test_an_export_has_every_row_and_never_overwrites(call: Call, tmp_path: Path) -> None:
    target = tmp_path / "chain.jsonl"
    assert call("audit", "export", str(target)).stdout == f"2 transitions written to {target}\n"
    assert [json.loads(line)["seq"] for line in target.read_text(encoding="utf-8").splitlines()] == [1, 2]
    assert call("audit", "export").stdout == target.read_text(encoding="utf-8")
    result = call("audit", "export", str(target))
    assert result.exit_code == 2
    assert "never overwrites" in result.stderr


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("name", list(QUERIES))
def test_every_named_query_has_a_short_table_within_80_columns(call: Call, name: str) -> None:
    assert name in SHORT
    given = [f"{p.name}={POSITION[-6:]}" for p in QUERIES[name].parameters if p.default is None]
    shown = call("audit", "run", name, *given).stdout
    assert max(map(len, shown.splitlines())) <= 80
