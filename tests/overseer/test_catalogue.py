"""Faults of the catalogue on a replayed morning: each that the rules can see is told within a minute, and ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import replayed_day
from bot.config.loader import load
from bot.config.schema import Settings
from bot.domain.calendar import NEW_YORK
from bot.overseer.service import Overseer
from bot.sim.scenario import Scenario, load_scenario
from tests.overseer.site import Told
from tests.overseer.test_service import Ground

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 60


@dataclass(frozen=True)
class Case:
    """A fault, and the alert that tells of it; `visible_s`: until what it spoils is older than it may become."""

    fault: dict[str, Any]
    code: str
    visible_s: float = 0.0

    @property
    def begins(self) -> time:
        return time.fromisoformat(self.fault["at"])


MORNING = (
    Case({"kind": "uw", "at": "09:32", "for_seconds": 240, "answer": "500"}, "OVERSEER_DATA_STALE", 90),
    Case({"kind": "orders_lost", "at": "09:40", "for_seconds": 90}, "OVERSEER_BROKER_SILENT"),
    Case({"kind": "competing", "at": "09:43", "for_seconds": 90}, "OVERSEER_BROKER_SILENT"),
    Case({"kind": "restart", "at": "09:46", "for_seconds": 90}, "OVERSEER_BROKER_SILENT"),
)
UNTIL = time(9, 50)


@pytest.fixture
def morning(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_faults(name: str) -> Scenario:
        quiet = load_scenario(name).model_dump()
        return Scenario.model_validate({**quiet, "faults": [case.fault for case in MORNING]})

    monkeypatch.setattr(replayed_day, "load_scenario", with_faults)
    monkeypatch.setattr(replayed_day, "_STATUS_EVERY_S", 5.0)  # as often as a run at five times the pace writes it


@pytest.mark.slow
async def test_each_fault_that_the_rules_can_see_is_told_within_a_minute(morning: None, tmp_path: Path) -> None:
    config, told = load(ROOT, {"sim.state_dir": str(tmp_path)}, {}), Told()
    url = f"sqlite+aiosqlite:///{tmp_path / 'm.db'}"
    settings = Settings.model_validate({"database": {"url": url}, "overseer": {"model": ""}})
    heard: list[tuple[datetime, str]] = []
    async with replayed_day.open_desk(config, "quiet_day", 3, tmp_path / "m.db", quiet=True) as desk:
        overseer = Overseer(Ground(settings, told, desk.clock), None)
        while desk.clock.now().astimezone(NEW_YORK).time() < UNTIL:
            before = len(told.alerts)
            await desk.run_until(desk.clock.now() + timedelta(seconds=settings.overseer.every_s))
            await overseer.look()
            heard += [(desk.clock.now(), code) for code in told.alerts[before:]]
    for case in MORNING:
        at = datetime.combine(desk.session.day, case.begins, NEW_YORK)
        first = min((when for when, code in heard if code == case.code and when >= at), default=None)
        assert first is not None, case
        assert first - at <= timedelta(seconds=case.visible_s + WITHIN_S), (case, first)
    over = told.alerts.count("OVERSEER_OVER")
    assert over == len(told.alerts) - over, "what began is over, and nothing else was told"
