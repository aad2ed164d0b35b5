"""What of a scripted day comes true: coins of the seed, what the market makes of them, and who does not hear of it."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bot.sim.market.paths import DayPath, Timeline, build_paths, timeline
from bot.sim.market.surface import level
from bot.sim.market.truth import as_it_comes, truths
from bot.sim.scenario import Scenario


def day(*acts: dict[str, Any], symbol: str = "NVDA", **script: Any) -> Scenario:
    symbols = {symbol: {"open": 180, "iv": 0.4, "acts": list(acts), **script}}
    return Scenario.model_validate({"name": "x", "description": "x", "date": "2026-11-20", "symbols": symbols})


def path_of(scenario: Scenario, seed: int, symbol: str = "NVDA") -> tuple[DayPath, Timeline]:
    line = timeline(scenario, scenario.date)
    return build_paths(scenario, seed, line)[symbol], line


UP = {"direction": 1, "percent": 1.0}
CLOSING = {"kind": "closing", "at": "14:00", "for_minutes": 110, "strength": 0.6, **UP}
INFORMED = {"kind": "informed", "who": "congress", "at": "10:00", "for_minutes": 60, **UP}
RELEASE = {"kind": "release", "at": "10:00", "name": "CPI m/m", **UP}
EARNINGS = {"kind": "earnings", **UP}


@pytest.mark.parametrize("act", [CLOSING, INFORMED, RELEASE, EARNINGS], ids=lambda act: act["kind"])
def test_it_comes_true_as_often_as_is_stated(act: dict[str, Any]) -> None:
    for stated in (0.0, 0.7, 1.0):
        scenario = day(act | {"probability": stated})
        share = sum(truths(scenario, seed, "NVDA")[0].comes_true for seed in range(400)) / 400
        assert abs(share - stated) <= 3 * math.sqrt(stated * (1 - stated) / 400)


@pytest.mark.parametrize("came, sign", [(1.0, 1), (0.0, -1)])
def test_the_price_goes_where_the_coin_says(came: float, sign: int) -> None:
    for act, since, until in ((CLOSING, 380, 389), (INFORMED, 30, 90), (RELEASE, 30, 31)):
        path, line = path_of(day(act | {"probability": came}), 3)
        first, last = (line.open_index + minutes * 60 - 1 for minutes in (since, until))
        moved = path.price[last] / path.price[first] - 1
        assert moved == pytest.approx(sign * 0.01, abs=0.004), act["kind"]
    path, line = path_of(day(EARNINGS | {"probability": came}), 3)
    assert path.price[line.open_index] / path.previous_close - 1 == pytest.approx(sign * 0.01, abs=2e-3)


def test_before_the_close_flow_and_tape_lean_as_strong_as_the_script_says() -> None:
    path, line = path_of(day(CLOSING | {"direction": -1}), 1)
    at = line.index(line.instant(line.open_index) + timedelta(hours=5))
    assert path.flow_bias[at] == pytest.approx(-0.6)
    assert path.tape_lean[at] == pytest.approx(-0.6)
    assert not path.tape_lean[: line.open_index + 3600].any()


def test_a_day_without_anything_uncertain_is_the_day_that_it_was() -> None:
    scenario = day({"kind": "drift", "at": "10:00", "for_minutes": 30, "percent": 0.5})
    script = scenario.symbols["NVDA"]
    assert as_it_comes(script, 1, "NVDA") is script
    path, _ = path_of(scenario, 1)
    assert not path.tape_lean.any()


def test_the_term_structure_slopes_and_is_inverted_below_zero() -> None:
    years = np.array([1.0, 30.0, 365.0]) / 365
    assert level(0.2, 0.0, years) == 0.2
    rising, falling = level(0.2, 0.3, years), level(0.2, -0.3, years)
    assert rising[1] == falling[1] == pytest.approx(0.2)
    assert rising[2] == pytest.approx(0.26)
    assert list(np.sign(np.diff(rising))) == [1, 1]
    assert list(np.sign(np.diff(falling))) == [-1, -1]


def test_no_face_of_the_venue_asks_for_the_truth() -> None:
    from tests.conftest import REPO_ROOT

    who = {
        file.relative_to(REPO_ROOT).as_posix()
        for file in (REPO_ROOT / "bot").rglob("*.py")
        if "market.truth" in file.read_text(encoding="utf-8")
    }
    assert who == {"bot/sim/market/paths.py"}
