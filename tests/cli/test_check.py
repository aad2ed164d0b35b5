"""`check` says of everything that a start needs whether it is well, or what to do."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import bot.broker.ib  # noqa: F401  (its library asks for an event loop when it is first imported: not after async tests)
from bot.broker import words
from bot.cli import check
from tests.broker.fake_tws import ACCOUNT, FakeTws
from tests.patience import PATIENCE_S

Call = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the trading calendar is kept once it was computed, which takes seconds."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def ready(home: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the shipped configuration, on ports that nobody else uses."""
    monkeypatch.setenv("QUANTICITY__SIM__STATE_DIR", str(state_dir))
    for path in (ROOT / "config").glob("*.yaml"):
        shutil.copy(path, home / "config")
    monkeypatch.setenv("QUANTICITY__WEB__PORT", "0")
    return home


def lines(call: Call) -> tuple[int, dict[str, list[tuple[bool, str]]]]:
    result = call("check", "--json")
    found: dict[str, list[tuple[bool, str]]] = {}
    assert result.stdout, (result.output, result.exception)
    for line in json.loads(result.stdout):
        found.setdefault(line["check"], []).append((line["ok"], line["detail"]))
    return result.exit_code, found


@pytest.mark.usefixtures("ready")
def test_the_shipped_configuration_is_ready_to_start(call: Call) -> None:
    code, found = lines(call)
    assert [name for name, told in found.items() if not all(ok for ok, _ in told)] == []
    assert code == 0
    assert list(found) == [
        "python", "clock", "configuration", "data sources", "secrets", "paths", "settings",
        "store", "disk", "ports", "calendar", "scenarios", "charts",
    ]  # fmt: skip


def test_a_wrong_configuration_is_told_line_by_line(call: Call, ready: Path) -> None:
    (ready / "config" / "bot.yaml").write_text("risk: {max_positions: 0, max_per_symbol: 0}\n", encoding="utf-8")
    code, found = lines(call)
    assert code == 2
    assert [ok for ok, _ in found["configuration"]] == [False, False]


def test_a_wrong_data_source_is_told_with_its_place(call: Call, ready: Path) -> None:
    (ready / "config" / "data_sources.yaml").write_text(
        "unusual_whales:\n  base_url: https://vendor.example\n  per_minute: 0\n", encoding="utf-8"
    )
    code, found = lines(call)
    ((ok, words),) = found["data sources"]
    assert (code, ok) == (2, False)
    assert words.startswith("config/data_sources.yaml line 3: unusual_whales.per_minute = 0 must be a whole number")


@pytest.mark.usefixtures("ready")
def test_a_busy_port_is_told_with_its_setting(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        monkeypatch.setenv("QUANTICITY__WEB__PORT", str(port))
        code, found = lines(call)
    assert code == 2
    assert any(not ok and f"web.port 127.0.0.1:{port}" in words for ok, words in found["ports"])


@pytest.mark.usefixtures("ready")
def test_paper_looks_for_secrets_and_gateway(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setenv("QUANTICITY__MODE", "paper")
    monkeypatch.setenv("QUANTICITY__IBKR__PORT", str(port))
    code, found = lines(call)
    assert code == 2
    assert [ok for ok, _ in found["secrets"]] == [False, False, False]  # vendor's token, owner, page's token
    assert [ok for ok, _ in found["gateway"]] == [False]
    ((ok, boxes),) = found["gateway boxes"]
    assert ok
    assert all(words in boxes for words in ("Read-Only API", "Precautionary Settings", "163, 382, 383"))


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("usual_for_paper", [None, True, False])
def test_a_gateway_that_answers_is_told_with_what_its_port_usually_is(
    call: Call, monkeypatch: pytest.MonkeyPatch, usual_for_paper: bool | None
) -> None:
    monkeypatch.setattr(check, "CURRENCY_TIMEOUT_S", 0.01)  # nobody is there to tell it
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        if usual_for_paper is not None:
            ports = {**words.USUAL_PORTS, port: ("IB Gateway", usual_for_paper)}
            monkeypatch.setattr("bot.broker.words.USUAL_PORTS", ports)
        monkeypatch.setenv("QUANTICITY__MODE", "paper")
        monkeypatch.setenv("QUANTICITY__IBKR__PORT", str(port))
        ((ok, said),) = lines(call)[1]["gateway"]
    assert ok
    assert ("no usual port" in said) is (usual_for_paper is None)
    assert ("the mode is paper: its usual ports are" in said) is (usual_for_paper is False)


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("currency, fine", [("USD", True), ("EUR", False)])
async def test_an_account_in_another_currency_is_said_by_check(
    call: Call, monkeypatch: pytest.MonkeyPatch, currency: str, fine: bool
) -> None:
    monkeypatch.setattr(check, "CURRENCY_TIMEOUT_S", PATIENCE_S)
    tws = FakeTws()
    tws.answers[6] = lambda _: tws.send_all(
        [(6, 2, "NetLiquidation", "100000.00", currency, ACCOUNT), (54, 1, ACCOUNT)]
    )
    await tws.start()
    monkeypatch.setenv("QUANTICITY__MODE", "paper")
    monkeypatch.setenv("QUANTICITY__IBKR__PORT", str(tws.port))
    try:
        _, found = await asyncio.to_thread(lines, call)
    finally:
        await tws.stop()
    ((ok, said),) = found["account currency"]
    assert ok is fine
    assert f"the account is kept in {currency}" in said


def test_a_dotenv_that_others_can_read_is_told(call: Call, ready: Path) -> None:
    (ready / ".env").write_text("WEB_LOGIN_TOKEN=x\n", encoding="utf-8")
    (ready / ".env").chmod(0o644)
    _, found = lines(call)
    assert any(not ok and "chmod 600" in words for ok, words in found["secrets"])
    (ready / ".env").chmod(0o600)
    assert all(ok for ok, _ in lines(call)[1]["secrets"])


@pytest.mark.usefixtures("ready")
def test_for_people_each_line_begins_with_ok_or_fix(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTICITY__SIM__SCENARIO", "nowhere")
    result = call("check")
    assert result.exit_code == 2
    assert {line.split()[0] for line in result.stdout.splitlines()} == {"ok", "FIX"}
    assert "FIX  scenarios      scenario 'nowhere': no file" in result.stdout
