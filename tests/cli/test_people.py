"""`people`: roles, how each is known, and what was done and tried."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.small_store import Call

AT = "2026-11-20T15:00:00.000000+00:00"


@pytest.fixture
def tried(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann paused and failed to resume; bob tried to flatten at Telegram, and a stranger too."""
    monkeypatch.setenv(
        "QUANTICITY__PEOPLE__USERS", "[{telegram_id: 7, name: ann, role: operator}, {name: bob, role: viewer}]"
    )
    monkeypatch.setenv("WEB_LOGIN_TOKEN_ANN", "x" * 20)
    commands = [("C1", "pause", "admin:web:ann", "done"), ("C2", "resume", "admin:telegram:ann", "refused"),
                ("C3", "halt", "cli", "done")]  # fmt: skip
    attempts = [("C2", "admin:telegram:ann"), ("I1", "admin:telegram:bob"), ("I2", "admin:telegram:1900")]
    with closing(sqlite3.connect(database)) as store, store:
        for id_, kind, actor, state in commands:
            store.execute(
                "INSERT INTO command (id, kind, payload, actor, state, created_at, answer) VALUES (?,?,'{}',?,?,?,'')",
                (id_, kind, actor, state, AT),
            )
        for seq, (id_, actor) in enumerate(attempts, 1):
            columns = (
                "seq", "machine", "entity_id", "from_state", "to_state", '"trigger"', "actor", "reason", "evidence",
                "event_at", "recorded_at", "tick", "prev_hash", "hash",
            )  # fmt: skip
            values = (
                seq, "request", id_, "queued", "queued", "refused:x", actor, "no", "{}", AT, AT, 1, f"p{seq}",
                f"h{seq}",
            )  # fmt: skip
            places = ",".join("?" * len(values))
            store.execute(f"INSERT INTO transition ({','.join(columns)}) VALUES ({places})", values)


@pytest.mark.usefixtures("tried")
def test_each_is_shown_with_role_login_and_deeds_and_strangers_too(call: Call) -> None:
    rows = {row["name"]: row for row in json.loads(call("people", "--json").stdout)}
    ann, bob, stranger = rows["ann"], rows["bob"], rows["admin:telegram:1900"]
    assert (ann["role"], ann["telegram_id"], ann["login"], ann["done"], ann["refused"]) == ("operator", 7, "set", 1, 1)
    assert "flatten" in ann["may"]
    assert (bob["role"], bob["login"], bob["done"], bob["refused"], bob["may"]) == ("viewer", "", 0, 1, "read")
    assert (stranger["role"], stranger["refused"], stranger["may"]) == ("viewer", 1, "")
    table = call("people")
    assert table.exit_code == 0
    assert "x" * 20 not in table.stdout + call("people", "--csv").stdout


def test_without_a_store_the_list_is_that_of_the_settings(call: Call) -> None:
    assert "owner" in call("people").stdout
