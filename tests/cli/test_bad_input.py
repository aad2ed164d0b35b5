"""Bad input: one clear message, exit code 2, nothing half started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import Result

Call = Callable[..., Result]
Start = Callable[..., "CompletedProcess[str]"]


def test_a_wrong_value_in_yaml_ends_a_start_with_its_place_and_what_is_allowed(start: Start, home: Path) -> None:
    (home / "config" / "bot.yaml").write_text("risk:\n  max_positions: none\n", encoding="utf-8")
    done = start()
    assert done.returncode == 2
    assert done.stderr == (
        "error: config/bot.yaml line 2: risk.max_positions = 'none' must be a whole number, at least 1. "
        "The default is 5. Correct or remove that line.\n"
    )
    assert done.stdout == ""
    assert [path.name for path in home.iterdir()] == ["config"]


def test_a_file_that_is_no_yaml_ends_a_start_with_its_line(start: Start, home: Path) -> None:
    (home / "config" / "strategies.yaml").write_text("zero_dte_gamma: [\n", encoding="utf-8")
    done = start("run")
    assert done.returncode == 2
    assert done.stderr.startswith("error: config/strategies.yaml: not valid YAML: line 2")


@pytest.mark.parametrize(
    "arguments,told",
    [
        (["--speed", "0"], "--speed 0 must be above 0"),
        (["--speed", "nan"], "--speed nan must be above 0"),
        (["--speed", "1001"], "at most 1000"),
        (["--seed", "-1"], "--seed -1 must be a whole number, at least 0"),
        (["--start-at", "tomorrow"], "--start-at 'tomorrow' is not a time. Write it like 2026-11-20T09:25:00-05:00."),
        (["--start-at", "2026-11-20T09:25:00"], "has no offset"),
        (["--scenario", "demoo"], "scenario 'demoo': no file"),
        (["--live"], "--live is given but the mode is sim"),
        (["--mode", "live"], "mode live needs ibkr.account spelled out"),
        (["sim", "--scenario", "nowhere"], "scenario 'nowhere': no file"),
        (["replay", "--scenario", "nowhere"], "scenario 'nowhere': no file"),
        (["replay", "--scenario", "demo", "--seed", "-3"], "--seed -3"),
    ],
)
def test_an_option_that_cannot_be_is_refused(call: Call, arguments: list[str], told: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [["--nonsense"], ["nonsense"], ["--mode", "dream"], ["--seed", "x"], ["replay"]])
def test_a_command_line_that_makes_no_sense_is_refused(call: Call, arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


@pytest.fixture
def paper(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTICITY__MODE", "paper")


@pytest.mark.usefixtures("paper")
def test_a_missing_secret_is_named_with_where_it_belongs(call: Call, home: Path) -> None:
    result = call()
    assert result.exit_code == 2
    assert "UNUSUAL_WHALES_TOKEN is not set, and mode paper reads Unusual Whales." in result.stderr
    assert "WEB_LOGIN_TOKEN is not set" in result.stderr
    assert str(home / ".env") in result.stderr


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize("option", [["--scenario", "demo"], ["--seed", "1"], ["--fresh"]])
def test_what_belongs_to_the_simulation_is_refused_outside_it(call: Call, option: list[str]) -> None:
    result = call(*option)
    assert result.exit_code == 2
    assert f"{option[0]}: only in mode sim, and the mode is paper." in result.stderr


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize("option", [["--start-at", "2026-11-20T09:25:00-05:00"], ["--speed", "60"]])
def test_the_clock_is_not_set_against_a_gateway_elsewhere(
    call: Call, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    monkeypatch.setenv("QUANTICITY__IBKR__HOST", "gateway.example")
    result = call(*option)
    assert result.exit_code == 2
    assert "only for a simulator on this machine, and ibkr.host is gateway.example" in result.stderr


@pytest.mark.parametrize("option", [["--start-at", "2026-11-20T09:25:00-05:00"], ["--speed", "60"]])
def test_the_clock_is_never_set_in_live(call: Call, monkeypatch: pytest.MonkeyPatch, option: list[str]) -> None:
    monkeypatch.setenv("QUANTICITY__MODE", "live")
    monkeypatch.setenv("QUANTICITY__IBKR__ACCOUNT", "U1234567")
    result = call("--live", *option)
    assert result.exit_code == 2
    assert "in mode live the clock is the machine's, always" in result.stderr


def test_live_needs_the_word_on_the_command_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTICITY__MODE", "live")
    monkeypatch.setenv("QUANTICITY__IBKR__ACCOUNT", "U1234567")
    result = call()
    assert result.exit_code == 2
    assert "--live is missing" in result.stderr


def test_a_home_that_is_not_there_is_refused(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTICITY_HOME", "/nowhere/at/all")
    result = call("status")
    assert result.exit_code == 2
    assert "QUANTICITY_HOME = '/nowhere/at/all' is not a directory" in result.stderr


def test_a_password_of_an_address_is_not_shown_in_a_refusal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTICITY__DATABASE__URL", "mysql://bot:hunter2@db/q")
    result = call("db", "upgrade")
    assert result.exit_code == 2
    assert "hunter2" not in result.output
