"""Days in one process: what the scenarios promise, and the same day twice, hash for hash.

Of each day those hours are lived in which its promise is kept: a position is opened, managed and ended in them. One,
the half day, goes on to its close; whole days are what `python run.py replay` lives.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app.day_summary import summarize
from bot.app.replayed_day import ReplayResult, open_desk, run_replay
from bot.config.loader import LoadedConfig, load
from bot.config.options import ReplayOptions
from bot.domain.calendar import NEW_YORK
from bot.sim.scenario import SCENARIO_FOLDER

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Hours:
    """Of a scenario's day, what is lived of it (New York)."""

    scenario: str
    seed: int
    begin: str
    end: time


GAMMA_PIN = Hours("gamma_pin_day", 1, "11:38", time(12, 52))
LOSER = Hours("loser_day", 1, "10:35", time(12, 10))
QUIET = Hours("quiet_day", 1, "10:10", time(11, 25))
HALF = Hours("half_day", 3, "11:50", time(13, 2))

Replayed = Callable[[Hours], ReplayResult]

# Each test has its own look at a day; a day is lived once.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Told:
    """The second life of a day, as the command line gives it."""

    code: int
    printed: str
    database: Path
    kept: Path  # the file that its first life left
    kept_before: os.stat_result


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> LoadedConfig:
    return load(ROOT, {"sim.state_dir": str(tmp_path_factory.mktemp("state"))}, {})


@pytest.fixture(scope="module")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Hours], Path]:
    """Return what writes the scenario of a day that begins later."""
    folder = tmp_path_factory.mktemp("scenarios")

    def written(hours: Hours) -> Path:
        whole = yaml.safe_load((SCENARIO_FOLDER / f"{hours.scenario}.yaml").read_text(encoding="utf-8"))
        path = folder / f"{hours.scenario}.yaml"
        path.write_text(yaml.safe_dump(whole | {"start_at": hours.begin}), encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="module")
def replayed(
    config: LoadedConfig,
    cache_home: Path,
    scenarios: Callable[[Hours], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Replayed:
    """Return what replays a day the first time that a test asks for it; every later test reads that day's store."""
    folder = tmp_path_factory.mktemp("days")

    @cache
    def replayed(hours: Hours) -> ReplayResult:
        days = cache_home / "quanticity" / "days" if hours is HALF else None
        return asyncio.run(live(config, hours, scenarios(hours), folder / f"{hours.scenario}.db", days))

    return replayed


async def live(config: LoadedConfig, hours: Hours, scenario: Path, store: Path, days: Path | None) -> ReplayResult:
    async with open_desk(config, str(scenario), hours.seed, store, quiet=True, days=days) as desk:
        await desk.run_until(datetime.combine(desk.session.day, hours.end, NEW_YORK))
    summary = summarize(f"sqlite+aiosqlite:///{store}", desk.session.day)
    return ReplayResult(desk.store.head.hash, desk.store.head.seq, 0.0, summary, str(store))


@pytest.fixture(scope="module")
def as_told(
    config: LoadedConfig,
    replayed: Replayed,
    cache_home: Path,
    scenarios: Callable[[Hours], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    """Replay `half_day` again where its first life, for which nothing was kept, has left its quotes and answers."""
    replayed(HALF)
    (kept,) = cache_home.glob("quanticity/days/*")
    before, printed, database = kept.stat(), io.StringIO(), tmp_path_factory.mktemp("told") / "day.db"
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setenv("XDG_CACHE_HOME", str(cache_home))
        code = run_replay(config, ReplayOptions(str(scenarios(HALF)), HALF.seed, database, as_json=True))
    return Told(code, printed.getvalue(), database, kept, before)


def rows(result: ReplayResult, sql: str) -> list[Any]:
    with sqlite3.connect(result.database) as connection:
        return connection.execute(sql).fetchall()


def states_of_positions(result: ReplayResult) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    sql = "SELECT entity_id, trigger, to_state FROM transition WHERE machine = 'position' ORDER BY seq"
    for entity, trigger, state in rows(result, sql):
        found.setdefault(entity, []).append(f"{trigger}:{state}")
    return found


def assert_sound(result: ReplayResult) -> None:
    broken = [f"{f.invariant}: {f.detail}" for f in result.summary.findings if not f.ok]
    assert not broken
    assert rows(result, "SELECT count(*) FROM position WHERE state != 'closed'") == [(0,)]
    assert rows(result, "SELECT count(*) FROM transition WHERE trigger LIKE 'refused:%'") == [(0,)]


def test_the_same_scenario_and_seed_give_the_same_transitions_hash_for_hash(replayed: Replayed, as_told: Told) -> None:
    first, second = replayed(HALF), json.loads(as_told.printed)
    assert first.head_hash == second["head_hash"]
    assert first.transitions == second["transitions"] > 0


def test_the_second_life_of_a_day_was_read_and_worked_nothing_out(as_told: Told) -> None:
    """So the day is the same with and without: a file that is not believed, or lacks a thing, is written anew."""
    after = as_told.kept.stat()
    assert after.st_ino == as_told.kept_before.st_ino
    assert after.st_mtime_ns > as_told.kept_before.st_mtime_ns, "it was used"


def test_a_gamma_pin_day_climbs_the_whole_ladder_to_the_trail(replayed: Replayed) -> None:
    result = replayed(GAMMA_PIN)
    assert_sound(result)
    ladders = [steps for steps in states_of_positions(result).values() if _is_full_ladder(steps)]
    assert ladders, "no position went filled, two scale-outs, trailing, closing, closed"


def _is_full_ladder(steps: list[str]) -> bool:
    trail = next((i for i, step in enumerate(steps) if step == "trail:trailing"), None)
    if trail is None:
        return False
    before = [step for step in steps[:trail] if step.startswith("scale_out:")]
    ended = [step for step in steps if step != "charge:closed"]  # a commission that came after the end
    return len(before) >= 2 and ended[-1] == "close:closed" and any(s.endswith(":closing") for s in steps[trail:])


def test_a_loser_day_is_ended_by_stops(replayed: Replayed) -> None:
    result = replayed(LOSER)
    assert_sound(result)
    assert sum(t.close_reason == "stop" for t in result.summary.trades) >= 2
    assert result.summary.money.realized < 0


def test_a_quiet_day_trades_nothing_and_says_why(replayed: Replayed) -> None:
    result = replayed(QUIET)
    assert_sound(result)
    assert rows(result, "SELECT count(*) FROM broker_order WHERE purpose = 'entry' AND filled_quantity > 0") == [(0,)]
    assert all(reason for (reason,) in rows(result, "SELECT last_reason FROM strategy_stat"))


def test_a_half_day_is_flat_ten_minutes_before_its_early_close(replayed: Replayed) -> None:
    result = replayed(HALF)
    assert_sound(result)
    assert any(t.close_reason == "flat_time" for t in result.summary.trades)
    late = "SELECT count(*) FROM execution WHERE executed_at > '2026-11-27T17:52:00'"
    assert rows(result, late) == [(0,)]


def test_the_chain_of_a_day_can_be_checked_without_our_code(replayed: Replayed) -> None:
    result = replayed(GAMMA_PIN)
    previous = "0" * 64
    with sqlite3.connect(result.database) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute("SELECT * FROM transition ORDER BY seq"):
            columns = {k: v for k, v in dict(row).items() if k not in {"hash", "prev_hash"}}
            text = json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert row["prev_hash"] == previous
            previous = hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
            assert row["hash"] == previous
    assert previous == result.head_hash


def test_the_json_of_a_replay_is_in_dollars_with_null_for_nothing(as_told: Told) -> None:
    assert as_told.code == 0
    told = json.loads(as_told.printed)
    assert '"None"' not in as_told.printed
    assert told["trades"], "a day without a trade proves nothing"
    with sqlite3.connect(as_told.database) as connection:
        stored = {row[0]: row[1:] for row in connection.execute("SELECT id, strike, realized_pnl FROM position")}
    for trade in told["trades"]:
        strike, realized = stored[trade["id"]]
        assert Decimal(str(trade["strike"])) == Decimal(strike) / 10_000
        assert Decimal(trade["realized_pnl"]) == Decimal(realized) / 10_000
