"""A simulated day recorded by the program itself, over its sockets, and played again: the same signals, orders and
positions, with every transition behind them and its evidence; played twice, the same chain hash for hash."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.domain.recording import EventKind
from bot.record.library import Recording
from tests.conftest import REPO_ROOT
from tests.patience import UNHURRIED, ends, until_so

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LONG_ENOUGH = "2026-11-20T14:58"
DECIDED = (
    "SELECT id, strategy, symbol, right, strike, expiry, quantity, limit_price, state, created_at FROM signal "
    "ORDER BY id",
    "SELECT id, order_ref, purpose, side, order_type, quantity, filled_quantity, limit_price, stop_price, state, "
    "order_id, perm_id FROM broker_order ORDER BY id",
    "SELECT id, signal_id, strategy, symbol, entry_quantity, quantity, entry_price, stop_price, realized_pnl, state, "
    "close_reason FROM position ORDER BY id",
    "SELECT exec_id, order_ref, side, quantity, price, commission, executed_at FROM execution ORDER BY exec_id",
)
BECAUSE = (
    "SELECT machine, entity_id, from_state, to_state, trigger, actor, reason, evidence, event_at, tick FROM transition "
    "WHERE machine IN ('signal', 'order', 'position') AND tick <= {} ORDER BY seq"
)


def rows(store: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, calendar_folder: Path) -> Path:
    home = tmp_path_factory.mktemp("recorded")
    shutil.copytree(calendar_folder, home / "state")
    (home / "config").mkdir()
    shutil.copytree(REPO_ROOT / "config" / "scenarios", home / "config" / "scenarios")
    shutil.copy(REPO_ROOT / "config" / "data_sources.yaml", home / "config")
    return home


def environment(home: Path, store: str, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("QUANTICITY")}
    return {
        **kept,
        "QUANTICITY_HOME": str(home),
        "QUANTICITY__DATABASE__URL": f"sqlite+aiosqlite:///{home / store}",
        "QUANTICITY__SIM__STATE_DIR": str(home / "state"),
        "QUANTICITY__WEB__ENABLED": "false",
        "QUANTICITY__ENGINE__RECORD_DIR": str(home / "recordings"),
        **more,
    }


@pytest.fixture(scope="module")
def lived(home: Path) -> Path:
    """The store of a run that was recorded until something was filled, or for a quarter of an hour of its clock."""
    store = home / "lived.db"
    words = [sys.executable, str(REPO_ROOT / "run.py"), "run", "--scenario", "demo", "--speed", "120"]
    told = environment(home, store.name, **UNHURRIED, QUANTICITY__ENGINE__RECORD="true")
    with subprocess.Popen(words, env=told, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True) as bot:
        assert until_so(lambda: bot.poll() is not None or _is_over(store), nap_s=0.25)
        bot.send_signal(signal.SIGTERM)
        assert ends(bot)[0] == 0
    return store


def _is_over(store: Path) -> bool:
    try:
        newest = rows(store, "SELECT max(at) FROM account_snapshot")[0][0]
        return bool(rows(store, "SELECT 1 FROM execution LIMIT 1")) or (newest or "") >= LONG_ENOUGH
    except sqlite3.OperationalError:
        return False  # not there yet


def replayed(home: Path, name: str) -> dict[str, Any]:
    words = [sys.executable, str(REPO_ROOT / "run.py"), "replay", "2026-11-20", "--json"]
    words += ["--database", str(home / name)]
    done = subprocess.run(words, env=environment(home, "none.db"), capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr  # 1: a machine that stood still broke a promise of that day
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def nobody_writes(root: Path) -> bool:
    """Say whether the recorder, and the process that makes Parquet of the last hour, are gone."""
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def test_a_day_over_sockets_is_played_again_as_it_was_and_twice_alike(home: Path, lived: Path) -> None:
    assert until_so(lambda: nobody_writes(home / "recordings"))
    recording = Recording(home / "recordings" / "2026-11-20")
    found = recording.judge()
    assert found.is_whole, found.words()
    assert {"quotes", "answers", "data", "account"} <= set(found.counts)
    first, second = replayed(home, "first.db"), replayed(home, "second.db")
    assert first["why"] == "the settings are those of the day"
    assert first["head_hash"] == second["head_hash"]
    if found.gaps:  # the machine stood still, and what was not recorded is named: the day had more than its replays
        assert "are not recorded" in found.verdict()
        return
    assert not [note for note in first["notes"] if "orders" in note]
    last_tick = max(row[5][0] for row in recording.rows({EventKind.TICKS}))
    assert rows(home / "first.db", BECAUSE.format(last_tick)) == rows(lived, BECAUSE.format(last_tick))
    if rows(lived, "SELECT max(tick) FROM transition")[0][0] <= last_tick:  # its very last second was kept in time, too
        for sql in DECIDED:
            assert rows(home / "first.db", sql) == rows(lived, sql)
