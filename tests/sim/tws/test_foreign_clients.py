"""Other people's TWS clients, unmodified, each in an environment of its own (`make interop-envs` builds them)."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_S
from tests.sim.tws.conftest import Site

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = Path(__file__).resolve().parent / "clients"
pytestmark = pytest.mark.interop


def interpreter(client: str) -> Path:
    """Return the Python that has the client; QUANTICITY_INTEROP_<CLIENT> names one elsewhere."""
    chosen = Path(os.environ.get(f"QUANTICITY_INTEROP_{client.upper()}", ROOT / f".venv-{client}" / "bin" / "python"))
    if not chosen.exists():
        pytest.skip(f"{chosen.parent.parent.name} is absent; `make interop-envs` builds it")
    return chosen


async def run_client(client: str, port: int) -> dict[str, Any]:
    script = CLIENTS / f"trade_with_{client}.py"
    process = await asyncio.create_subprocess_exec(
        str(interpreter(client)), str(script), str(port), "20261120", "600",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        out, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    answer: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return answer


async def test_ib_async_trades_at_version_178(site: Site) -> None:
    answer = await run_client("ib_async", site.port)
    assert answer["version"] == 178
    assert answer["accounts"] == ["DU1234567"]
    assert 0 < answer["bid"] < answer["ask"]
    assert answer["iv"] == pytest.approx(0.2)
    assert 0.3 < answer["delta"] < 0.7
    assert answer["status"] == "Filled"
    assert "Submitted" in answer["log"]
    assert answer["filled"] == 2
    assert answer["commission"] == pytest.approx(1.3)
    assert answer["execution_ref"] == "ib_async"
    assert answer["position"] == [2]
    assert answer["margin_change"] == pytest.approx(100)
    assert answer["completed"] == 1
    assert answer["bars"] == 10


async def test_the_vendors_ibapi_trades_at_version_157(site: Site) -> None:
    answer = await run_client("ibapi", site.port)
    assert answer["finished"], answer
    assert answer["version"] == 157
    assert answer["errors"] == []
    assert answer["greeks"]["iv"] == pytest.approx(0.2)
    assert answer["execution"] == {"side": "BOT", "shares": 2, "ref": "ibapi"}
    assert answer["commission"] == pytest.approx(1.3)
    assert answer["statuses"][-1] == "Filled"
    assert answer["positions"][-1] == 2
    assert answer["completed"] == "Filled"
    assert float(answer["what_if"]) > 0
    assert answer["bars"] == 10
    assert answer["depth"] >= 10
    assert answer["tape"] >= 1
    assert answer["summary"]["NetLiquidation"] == "100000.00"
    assert answer["download"] == "DU1234567"
    assert {0, 3, 5, 8, 27} <= set(answer["ticks"])
