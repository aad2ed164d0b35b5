"""One place puts a bot together, and the trader's process carries no market model."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPO_ROOT
from tests.patience import PATIENCE_S

CARRIED = """
import sys
from datetime import datetime, timezone
from types import SimpleNamespace

import bot.app.trading, bot.app.simulated_day, bot.app.venue_child
from bot.app.composition import broker_settings
from bot.config.schema import Settings
from bot.sim.scenario import load_scenario

start = datetime(2026, 11, 20, 14, 30, tzinfo=timezone.utc)
day = SimpleNamespace(scenario=load_scenario("bad_day"), start_at=start, speed=1.0, is_fast=False)  # its clock jumps
assert type(bot.app.trading._clock_of(day, 0.0, None)).__name__ == "JumpingClock"
broker_settings(Settings())
model = ("bot.sim.market", "bot.sim.matching", "bot.sim.tws", "bot.sim.uw", "bot.app.venue_process", "scipy")
unused = ("numpy", "rich", "pygments", "alembic")  # what libraries import, and nobody here uses
print(sorted(name for name in sys.modules if name in {*model, *unused}))
"""
ENGINE_IS_MADE_IN = Path("bot/app/composition.py")


def test_the_traders_process_loads_nothing_of_the_simulated_market_and_nothing_unused() -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPO_ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CARRIED],
        cwd=REPO_ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_an_engine_is_put_together_in_one_place() -> None:
    folders = [REPO_ROOT / name for name in ("bot", "tests", "benchmarks")]
    found = [path for folder in folders for path in folder.rglob("*.py") if _makes_an_engine(path)]
    assert [path.relative_to(REPO_ROOT) for path in found] == [ENGINE_IS_MADE_IN]


def _makes_an_engine(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    if "Engine(" not in text:
        return False
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "Engine" for called in calls)
