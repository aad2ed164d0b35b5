"""Many days on one store: each begins with what the last one left, and work that was killed goes on where it was."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from bot.app import replayed_days
from bot.app.replayed_day import Desk
from bot.app.replayed_days import as_text, class_of, live_days
from bot.config.loader import LoadedConfig, load
from bot.config.options import DaysOptions
from bot.domain.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = DaysOptions(3, 5, ("quiet_day", "loser_day"), date(2026, 11, 24))


@pytest.fixture
def config(tmp_path: Path) -> LoadedConfig:
    return load(ROOT, {"mode": "sim", "sim.state_dir": str(tmp_path / "state")}, {})


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of half a minute: what is looked at here is what lies between the days."""

    async def some_steps(desk: Desk) -> None:
        for _ in range(5):
            await desk.step(2.0)

    monkeypatch.setattr(Desk, "run_until_the_end", some_steps)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
async def test_work_that_was_killed_goes_on_and_its_history_is_that_of_one_that_was_not(
    config: LoadedConfig, tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    def kill_on_the_second_day(done: int, of: int, what: str) -> None:
        if done == 1:
            raise Killed

    whole = await live_days(config, OPTIONS, tmp_path / "whole")
    with pytest.raises(Killed):
        await live_days(config, OPTIONS, tmp_path / "killed", kill_on_the_second_day)
    (tmp_path / "killed" / "after-02.db").write_bytes(b"half a day")
    told: list[tuple[int, int, str]] = []
    again = await live_days(config, OPTIONS, tmp_path / "killed", lambda *step: told.append(step))
    assert told == [(1, 3, "2026-11-25 loser_day"), (2, 3, "2026-11-27 half_day"), (3, 3, "")]
    assert (again.resumed, again.days) == (1, whole.days)
    assert [day.day for day in whole.days] == ["2026-11-24", "2026-11-25", "2026-11-27"], "not on Thanksgiving"
    assert whole.days[0].head_hash != whole.days[2].head_hash
    assert whole.days[2].transitions > whole.days[0].transitions, "one history"
    assert whole.sound
    assert sorted(path.name for path in (tmp_path / "killed").glob("*.db")) == ["after-03.db"]
    text = as_text(again)
    for words in (
        "3 simulated days, 1 of them done before",
        "by strategy",
        "zero_dte_gamma",
        "0DTE",
        "every invariant",
    ):
        assert words in text
    with pytest.raises(ConfigError, match="other days were begun there"):
        await live_days(config, DaysOptions(3, 6, OPTIONS.scenarios, OPTIONS.first), tmp_path / "killed")
    with pytest.raises(ConfigError, match="more than --days 2"):
        await live_days(config, DaysOptions(2, 5, OPTIONS.scenarios, OPTIONS.first), tmp_path / "killed")
    state = tmp_path / "killed" / replayed_days.STATE
    assert json.loads(state.read_text())["account"]["cash"]
    state.write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        await live_days(config, OPTIONS, tmp_path / "killed")


@pytest.mark.parametrize(
    "strategy,expiry,expected",
    [
        ("zero_dte_gamma", "261120", "0DTE"), ("one_dte_overnight", "261123", "1DTE"), ("moc_pin", "261120", "MOC"),
        ("moc_imbalance", "261120", "MOC"), ("directional_14d", "261204", "14-day"), ("swing", "261211", "swing"),
    ],
)  # fmt: skip
def test_a_trade_has_its_class_by_its_strategy_or_its_expiry(strategy: str, expiry: str, expected: str) -> None:
    assert class_of(strategy, f"SPY   {expiry}C00590000", date(2026, 11, 20)) == expected
