"""`alerts` and the page that is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.alerts import page
from bot.cli.main import app
from bot.domain.notices import REGISTER

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
