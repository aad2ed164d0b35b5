"""`strategies` and `why`: which conditions hold, which fail and by how much, read from what the bot left."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.config.ideas.together import StrategiesSettings
from tests.cli.small_store import NOW, Call

AT = NOW.isoformat(timespec="microseconds")
SEEN = {"price": "590.1", "distance": "0.0021", "imbalance": 0.24, "book_symbol": "SPY", "condition": "pin"}


@pytest.fixture
def looked(running: Path) -> None:
    body = json.dumps({"settings": {"strategies": StrategiesSettings().model_dump(mode="json")}})
    looks: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("zero_dte_gamma", SEEN, "0.21 % from its pin, needs 0.10 %"),
        ("moc_pin", {}, "outside the window"),
    )
    with closing(sqlite3.connect(running)) as connection, connection:
        connection.execute("DELETE FROM config_version")
        connection.execute(
            "INSERT INTO config_version (id, number, hash, body, created_at) VALUES ('C1', 1, '0', ?, ?)", (body, AT)
        )
        connection.executemany(
            "INSERT INTO strategy_stat (strategy, symbol, day, evaluated, proposed, last_reason, at, seen, seen_at)"
            " VALUES (?, 'SPY', '2026-11-20', 7, 0, ?, ?, ?, ?)",
            [(name, reason, AT, json.dumps(seen), AT if seen else None) for name, seen, reason in looks],
        )


@pytest.mark.usefixtures("looked")
def test_all_ten_stand_with_their_state_and_one_with_its_conditions(call: Call) -> None:
    told = {each["name"]: each for each in json.loads(call("strategies", "--json").stdout)}
    assert len(told) == 10
    assert (told["zero_dte_gamma"]["state"], told["swing"]["state"]) == ("on", "shadow")
    one = call("strategies", "zero_dte_gamma")
    assert one.exit_code == 0
    assert "at most 0.10 % from the pin" in one.stdout
    assert "0.11 too far" in one.stdout
    assert "no strategy is called 'nobody'" in call("strategies", "nobody").stderr


@pytest.mark.usefixtures("looked")
def test_why_there_is_no_trade_is_said_by_strategy_and_by_condition(call: Call) -> None:
    told = json.loads(call("why", "spy", "--json").stdout)
    reasons = {row["strategy"]: row["why there is no trade right now"] for row in told["reasons"]}
    assert reasons["zero_dte_gamma"] == "0.21 % from its pin, needs 0.10 %"
    assert reasons["swing"] == "it has not looked today"
    (pin,) = [row for row in told["conditions"] if row["strategy"] == "zero_dte_gamma" and row["holds"] == "no"]
    assert (pin["measured"], pin["misses by"]) == ("0.21 %", "0.11 too far")
    nobody = call("why", "NOPE")
    assert (nobody.exit_code, "no strategy looks at 'NOPE'" in nobody.stderr) == (2, True)
