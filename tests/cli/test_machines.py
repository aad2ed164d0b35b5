"""`machines` shows the tables that the bot runs; `--help` is quick."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from bot.domain.lifecycles import LIFECYCLES
from tests.patience import PATIENCE_S

Call = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[2]


def test_every_machine_is_shown_as_a_diagram_and_as_a_table(call: Call) -> None:
    result = call("machines")
    assert result.exit_code == 0
    assert result.stdout.count("```mermaid\nstateDiagram-v2") == len(LIFECYCLES)
    for life in LIFECYCLES.values():
        assert f"## {life.name}\n" in result.stdout
        assert all(state.value in result.stdout for state in life.states)


@pytest.mark.parametrize("name", list(LIFECYCLES))
def test_json_has_every_row_of_the_table(call: Call, name: str) -> None:
    (shown,) = json.loads(call("machines", name, "--json").stdout)
    life = LIFECYCLES[name]
    rows = {(row["from"], row["trigger"]): row["to"] for row in shown["transitions"]}
    assert rows == {(source.value, trigger.value): target.value for (source, trigger), target in life.table.items()}
    assert shown["initial"] == life.initial.value


def test_an_unknown_machine_is_refused_with_those_there_are(call: Call) -> None:
    result = call("machines", "toaster")
    assert result.exit_code == 2
    assert "signal, position, order" in result.stderr


def test_help_lists_the_commands_without_loading_a_room() -> None:
    heavy = ("pydantic", "sqlalchemy", "ib_insync", "aiohttp", "numpy")
    look = (
        "import sys; sys.argv = ['run.py', '--help']\n"
        "from bot.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('LOADED', [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert "flatten" in done.stdout
    assert done.stdout.endswith("LOADED []\n")
