"""Recorded days played again: the sample that is shipped, as it was and at the venue, whole and damaged."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.app.recorded_run import held_at_first
from bot.app.recorder_process import deciding
from bot.app.replayed_day import Desk, open_desk, trading_only
from bot.cli.main import app
from bot.clocks.clock import ManualClock
from bot.config.loader import LoadedConfig, load
from bot.config.schema import Settings
from bot.domain.calendar import NEW_YORK
from bot.domain.events.account import BrokerPosition, BrokerSnapshot
from bot.domain.recording import EventKind, RunTold, SettingsTold
from bot.engine.switches import ComingSettings
from bot.record.imports.kinds import import_files
from bot.record.imports.source import Imported
from bot.record.keeper import Keeper
from bot.record.library import SHIPPED, Recording, cut, named
from bot.record.player import HeardMoment, life_of, moments
from bot.record.tap import Tap
from bot.strategies.registry import build
from tests.record.days import Hand, flush, record

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = named(ROOT, SHIPPED)[0].folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Replayed:
    told: dict[str, Any]
    store: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.store) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


def call(state: Path, *words: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTICITY__SIM__STATE_DIR", str(state))
        patch.setenv("QUANTICITY__DATABASE__URL", f"sqlite+aiosqlite:///{state / 'own.db'}")
        return CliRunner().invoke(app, list(words))


@pytest.fixture(scope="module")
def played(state: Path) -> Callable[..., Replayed]:
    """Return what replays the sample the first time that a test asks for it so; every later test reads that store."""

    @cache
    def played(number: int, *options: str) -> Replayed:
        store = state / f"{number}-{'-'.join(options) or 'plain'}.db"
        result = call(state, "replay", SHIPPED, "--database", str(store), "--json", *options)
        # 1: the engine decides otherwise than when the sample was recorded, which is told; the replay itself went well.
        assert result.exit_code in {0, 1}, result.output
        return Replayed(json.loads(result.stdout), store)

    return played


def test_the_sample_is_small_and_whole() -> None:
    recording = Recording(SAMPLE)
    assert recording.size < 1_000_000
    found = recording.judge()
    assert found.is_whole, found.words()
    assert {EventKind.QUOTES, EventKind.ORDERS, EventKind.EXECUTIONS, EventKind.DATA, EventKind.TICKS} <= set(
        recording.kinds()
    )


class _Kept:
    """A stretch of a scenario that was recorded while it was lived: its folder, and the store of that life."""

    def __init__(self, state: Path, config: LoadedConfig) -> None:
        self.store = state / "lived.db"
        self.root = state / "recordings"
        self._config = config
        self._tap: Tap | None = None

    def _recorder(self, clock: ManualClock, settings: Settings) -> Tap:
        self._tap = tap = Tap(clock)
        decide = deciding(settings)
        run = RunTold(clock.now(), settings.bot_id, "sim", "gamma_pin_day", 1.0, 1, "", overseen=False, settings=decide)
        tap.runs(run)
        return tap

    def _edit(self, desk: Desk) -> None:
        """Change a limit while the bot runs, as an edit of its file does."""
        risk = desk.engine.settings.risk.model_copy(update={"quote_max_age_s": 14.0})
        settings = desk.engine.settings.model_copy(update={"risk": risk})
        assert self._tap is not None
        self._tap.takes(SettingsTold(desk.clock.now(), "", deciding(settings)))
        record = partial(desk.store.record_config, "edited", "{}")
        desk.engine.take_settings(ComingSettings(settings, build(settings.strategies), record))

    async def live(self, minutes: int) -> None:
        async with open_desk(self._config, "gamma_pin_day", 1, self.store, quiet=True, recorder=self._recorder) as desk:
            await desk.run_until(desk.session.open_at + timedelta(minutes=minutes / 2))
            self._edit(desk)
            await desk.run_until(desk.session.open_at + timedelta(minutes=minutes))
        assert self._tap is not None
        keeper = Keeper(self.root, 0)
        flush(self._tap, keeper)
        keeper.close()
        keeper.let_go()


def test_a_day_as_recorded_is_the_day_as_it_was(state: Path) -> None:
    """Signals, orders, positions, and every transition behind them, with its evidence, which is of a limit that was
    changed while the bot ran."""
    lived = _Kept(state, load(ROOT, {"sim.state_dir": str(state)}, {}))
    asyncio.run(lived.live(minutes=30))
    store = state / "again.db"
    words = ("replay", str(lived.root / "2026-11-20"), "--fills", "recorded", "--database", str(store), "--json")
    result = call(state, *words)
    assert result.exit_code == 0, result.output
    again, before = Replayed(json.loads(result.stdout), store), Replayed({}, lived.store)
    assert again.told["notes"] == []
    for sql in (
        "SELECT id, strategy, symbol, right, strike, quantity, limit_price, state FROM signal ORDER BY id",
        "SELECT order_ref, purpose, side, quantity, filled_quantity, limit_price, stop_price, state FROM broker_order "
        "ORDER BY id",
        "SELECT id, quantity, entry_price, stop_price, realized_pnl, state FROM position ORDER BY id",
        "SELECT machine, entity_id, to_state, trigger, actor, reason, evidence, event_at, tick FROM transition "
        "WHERE machine IN ('signal', 'order', 'position') ORDER BY seq",
    ):
        assert again.rows(sql) == before.rows(sql) != []
    approved = (
        "SELECT json_extract(evidence, '$.quote_fresh.max_s') FROM transition "
        "WHERE machine = 'signal' AND to_state = 'approved'"
    )
    assert again.rows(approved)[0] == (14.0,)


@pytest.mark.parametrize("fills", ["recorded", "venue"])
def test_the_same_recording_gives_the_same_transitions_hash_for_hash(
    played: Callable[..., Replayed], fills: str
) -> None:
    first, second = (played(number, "--fills", fills).told for number in (1, 2))
    assert first["head_hash"] == second["head_hash"]
    assert first["transitions"] == second["transitions"] > 0


def test_at_the_venue_every_promise_holds(played: Callable[..., Replayed]) -> None:
    venue = played(1, "--fills", "venue")
    assert venue.told["why"] == "asked for"
    assert all(day["invariants"].values() for day in venue.told["days"])
    assert venue.rows("SELECT count(*) FROM transition WHERE trigger LIKE 'refused:%'") == [(0,)]


def test_a_replays_store_answers_and_its_report_needs_nothing_else(
    played: Callable[..., Replayed], state: Path
) -> None:
    replayed = played(1, "--fills", "venue")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTICITY__DATABASE__URL", f"sqlite+aiosqlite:///{replayed.store}")
        for words in (["audit", "verify"], ["audit", "invariants"], ["audit", "run", "trades"], ["performance"]):
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, result.output
    page = replayed.store.with_suffix(".html").read_text()
    assert "<svg" in page
    assert "zero_dte_gamma" in page
    assert replayed.told["head_hash"] in page
    _has_the_stores_figures(page, replayed)
    outside = page.split("<script>", 1)[0]
    assert 'src="http' not in outside
    assert "<link" not in outside


def _has_the_stores_figures(page: str, replayed: Replayed) -> None:
    """The report's numbers are those of SQL on the store."""
    slipped = "SELECT purpose, count(*), sum(slippage) FROM v_slippage GROUP BY purpose"
    for purpose, count, cost in replayed.rows(slipped):
        assert f'{purpose}</td><td class="num">{count}</td><td class="num">{cost:+,.2f}' in page
    worth = [row[0] / 10_000 for row in replayed.rows("SELECT net_liquidation FROM account_snapshot ORDER BY at")]
    assert f"The account from {worth[0]:,.2f} to {worth[-1]:,.2f} dollars" in page
    ((held, bid),) = replayed.rows(
        "SELECT max(p.entry_quantity), max(m.bid) FROM position p JOIN position_mark m ON m.position_id = p.id"
    )
    assert f"At most {held * bid / 100:,.0f} dollars were held" in page, "nothing of it was sold"


def test_what_the_account_held_when_a_recording_began_is_named(tmp_path: Path) -> None:
    clock = Hand()
    held = BrokerPosition("SPY   261120C00588000", None, 2, Decimal("1.05"))
    book = BrokerSnapshot((), (), (), {}, (held,), 1, complete=True, faults=(), at=clock.now(), asked_at=clock.now())
    recording = Recording(record(tmp_path, [book], clock))
    assert held_at_first(recording, life_of(recording)) == ["SPY   261120C00588000"]
    assert held_at_first(Recording(SAMPLE), life_of(Recording(SAMPLE))) == []


def test_strategies_are_chosen_by_name(state: Path) -> None:
    for what in (SHIPPED, "quiet_day"):
        result = call(state, "replay", what, "--strategies", "moon_phase", "--database", str(state / "x.db"))
        assert result.exit_code == 2
        assert "moon_phase" in result.stderr
        assert "zero_dte_gamma" in result.stderr
    chosen = trading_only(Settings(), ("zero_dte_gamma",)).strategies.sections()
    assert [name for name, section in chosen.items() if section.enabled] == ["zero_dte_gamma"]


def test_a_range_is_played_on_one_store_that_began_as_a_copy_with_the_strategies_that_were_chosen(
    state: Path, tmp_path: Path
) -> None:
    """Two days, the first of them imported; the second is shortened, for what it decides is others' matter."""
    root, own = tmp_path / "recordings", state / "own.db"
    ticks = tmp_path / "SPY.csv"
    rows = ("2026-11-19T15:00:00+00:00,1,588.00,100", "2026-11-19T15:01:00+00:00,1,588.10,100")
    ticks.write_text("\n".join(("time,tick_type,price,size", *rows)))
    import_files("ibkr", Imported((ticks,)), root)
    begins, _ = Recording(SAMPLE).span() or pytest.fail("it has rows")
    cut(Recording(SAMPLE), root / "2026-11-20", (begins.astimezone(NEW_YORK) + timedelta(minutes=2)).time(), ())
    earlier = call(state, "replay", str(root / "2026-11-19"), "--database", str(own), "--json")
    assert earlier.exit_code == 0, earlier.output
    before = Replayed(json.loads(earlier.stdout), own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTICITY__ENGINE__RECORD_DIR", str(root))
        words = ("--from-store", "--strategies", "zero_dte_gamma", "--database", str(tmp_path / "r.db"), "--json")
        result = call(state, "replay", "2026-11-19..2026-11-20", *words)
    assert result.exit_code == 2
    assert "the store is at 2026-11-19" in result.stderr, "a store that is past the day is no beginning of it"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTICITY__ENGINE__RECORD_DIR", str(root))
        result = call(state, "replay", "2026-11-20..2026-11-21", *words)
    assert result.exit_code == 0, result.output
    after = Replayed(json.loads(result.stdout), tmp_path / "r.db")
    chain = "SELECT seq, hash FROM transition ORDER BY seq"
    assert before.rows(chain) == after.rows(chain)[: len(before.rows(chain))] != []
    assert after.told["why"] == "strategies were chosen"
    assert {row[0] for row in after.rows("SELECT DISTINCT strategy FROM signal")} <= {"zero_dte_gamma"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTICITY__ENGINE__RECORD_DIR", str(root))
        both = call(state, "replay", "2026-11-19..2026-11-20", "--database", str(tmp_path / "b.db"), "--json")
    assert both.exit_code == 0, both.output
    told = json.loads(both.stdout)
    assert [day["day"] for day in told["days"]] == ["2026-11-19", "2026-11-20"]
    assert told["why"] == "several days are played in one go"


def test_options_of_a_recording_are_refused_for_a_scenario(state: Path) -> None:
    result = call(state, "replay", "quiet_day", "--good-part")
    assert result.exit_code == 2
    assert "--good-part" in result.stderr


def test_a_day_that_nobody_recorded_is_named(state: Path) -> None:
    result = call(state, "replay", "2020-01-02")
    assert result.exit_code != 0
    assert "nothing was recorded on 2020-01-02" in result.stderr


def test_a_damaged_recording_is_refused_by_name_and_its_good_part_plays(state: Path, tmp_path: Path) -> None:
    folder = tmp_path / "2026-11-20"
    shutil.copytree(SAMPLE, folder)
    damaged = next(folder.glob("greeks-*.parquet"))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    store = str(tmp_path / "r.db")
    refused = call(state, "replay", str(folder), "--database", store)
    assert refused.exit_code != 0
    assert damaged.name in refused.stderr
    assert "--good-part" in refused.stderr
    result = call(state, "replay", str(folder), "--database", store, "--good-part", "--json", "--fills", "venue")
    assert "cannot be read" in " ".join(json.loads(result.stdout)["notes"])


def test_nothing_is_known_before_it_was_received() -> None:
    """Each fact comes in a moment that is no earlier than its receipt."""
    recording = Recording(SAMPLE)
    received = {EventKind(row[2]): row[1] for row in recording.rows() if row[2] == "quotes"}
    assert received
    life, before = life_of(recording), None
    for entry in moments(recording, life):
        if not isinstance(entry, HeardMoment):
            continue
        assert before is None or entry.at >= before
        before = entry.at
        for kind, event in entry.heard:
            if kind is EventKind.QUOTES:
                assert event.quote.at <= entry.at  # type: ignore[union-attr]
