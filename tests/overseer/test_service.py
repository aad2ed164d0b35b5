"""The overseer on a real store: what its rules read, what it asks about, and that a failed look is not its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from bot.clocks.clock import ManualClock
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.alert import Alert
from bot.domain.events.feeds import FeedReported
from bot.domain.events.people import InboundReceived
from bot.domain.kinds import Entities
from bot.domain.overseer import ModelTask
from bot.domain.position import PositionState
from bot.domain.review import Review
from bot.domain.slowdown import Slowdown, SlowdownState
from bot.engine.state.records import TickBatch
from bot.overseer.desk import ModelQuestion
from bot.overseer.service import Overseer
from bot.store.database import open_reader
from bot.store.read.overseer import overseer_calls, overseer_costs
from bot.store.read.running import slowdown
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from tests.cli.small_store import NOW, POSITION, SIGNAL, a_position, a_signal, pulse
from tests.engine.desk import Desk as EngineDesk
from tests.overseer.site import Told
from tests.patience import PATIENCE_S

Answer = TypeVar("Answer")


@dataclass
class Ground:
    """What the people's process gives, with an ear in place of its mouth."""

    settings: Settings
    told: Told
    clock: ManualClock
    secrets: Secrets = field(default_factory=Secrets)

    async def look(self, question: Callable[[Connection], Answer]) -> Answer:
        with open_reader(self.settings.database.url) as connection:
            return question(connection)

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        return await self.told.tell(kind, payload)


@dataclass
class Scene:
    """A store, who watches it, and what it was told."""

    store: SqlStore
    overseer: Overseer
    told: Told

    async def write(self, **parts: Any) -> None:
        later = replace(pulse(), at=parts.pop("at", NOW), session_open_at=NOW - timedelta(hours=1))
        await self.store.commit(TickBatch(tick=8, recorded_at=NOW, status=later, **parts))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("overseer") / "empty.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path.read_bytes()


@pytest_asyncio.fixture
async def scene(empty: bytes, tmp_path: Path) -> Any:
    (tmp_path / "s.db").write_bytes(empty)
    url = f"sqlite+aiosqlite:///{tmp_path / 's.db'}"
    clock = ManualClock(NOW)
    store = SqlStore(url, clock)
    await store.open()
    told = Told()
    settings = Settings.model_validate({"database": {"url": url}, "overseer": {"model": ""}})
    yield Scene(store, Overseer(Ground(settings, told, clock), None), told)
    await store.close()


def fed(dataset: str, age_s: float) -> FeedReported:
    return FeedReported("uw", dataset, "SPY", "ok", NOW - timedelta(seconds=age_s), "", 9, 0, 0, 180.0, None, None, NOW)


async def test_what_the_store_shows_is_found_told_and_over(scene: Scene) -> None:
    assert await scene.overseer.look() is None  # before the first pulse
    bare = replace(
        a_position(), state=PositionState.FILLED, unprotected_since=NOW - timedelta(seconds=9), unprotected_quantity=4
    )
    stale, fresh = fed("spot_gex", 95), fed("flow_alerts", 10)
    await scene.write(changed=Entities([bare]), feeds={(x.feed, x.dataset, x.key): x for x in (stale, fresh)})
    await scene.overseer.look()
    assert set(scene.told.alerts) == {"OVERSEER_UNPROTECTED", "OVERSEER_DATA_STALE"}
    covered = replace(bare, unprotected_since=None, unprotected_quantity=0)
    await scene.write(changed=Entities([covered]), feeds={("uw", "spot_gex", "SPY"): fed("spot_gex", 5)})
    await scene.overseer.look()
    assert scene.told.alerts.count("OVERSEER_OVER") == 2


async def test_a_review_that_waits_is_asked_about_once(scene: Scene) -> None:
    waits = Review("R1", SIGNAL, NOW, NOW + timedelta(seconds=8), why=("premium is 2.40 % of equity",))
    await scene.write(changed=Entities([a_signal(), waits]))
    for _ in range(3):
        await scene.overseer.review()
    await scene.overseer.settle()
    [verdict] = scene.told.verdicts
    assert (verdict["task"], verdict["subject"], verdict["answered"]) == ("pre_trade_review", "R1", "rules")
    assert verdict["verdict"]["signal_id"] == SIGNAL
    assert verdict["text"] == "Complex: premium is 2.40 % of equity. The rules decide."


async def test_texts_are_written_once_and_a_burst_of_alerts_has_one_context_a_code(scene: Scene) -> None:
    alerts = [Alert(f"A{n}", "UNPROTECTED", "critical", f"no stop works {n}", {}, NOW) for n in range(30)]
    await scene.write(changed=Entities([a_position(), *alerts]))
    for _ in range(3):
        await scene.overseer.write()
    asked = [row["task"] for row in scene.told.verdicts]
    assert sorted(asked) == [ModelTask.ALERT_CONTEXT, ModelTask.EXPLANATION, ModelTask.RISK]


async def test_the_day_is_summed_up_once_after_the_close(scene: Scene) -> None:
    await scene.write(at=NOW + timedelta(hours=7))
    for _ in range(2):
        await scene.overseer.write()
    [summary] = [row for row in scene.told.verdicts if row["task"] == ModelTask.DAY_SUMMARY]
    assert summary["subject"] == "2026-11-20"
    assert summary["text"].startswith("No trade was closed.")


async def test_what_became_of_a_judged_trade_is_told(scene: Scene) -> None:
    await scene.write(changed=Entities([a_position()]))
    question = ModelQuestion(ModelTask.EXPLANATION, POSITION, {})
    await scene.overseer.desk.ask(question)
    engine = await EngineDesk().start()
    engine.put(InboundReceived("C1", "overseer", "verdict", scene.told.verdicts[-1], NOW))
    await engine.tick()
    [call] = [call for batch in engine.store.batches for call in batch.calls]
    over = replace(a_position(), state=PositionState.CLOSED, exit_quantity=4, closed_at=NOW)
    await scene.write(calls=[replace(call, at=NOW, cost_micros=1500)], changed=Entities([over]))
    await scene.overseer.write()
    [outcome] = [payload for kind, payload in scene.told.rows if kind == "outcome"]
    assert outcome == {"call": "C1", "outcome": "lost $500.00"}
    engine.put(InboundReceived("O1", "overseer", "outcome", outcome, NOW))
    await engine.tick()
    told = [row for batch in engine.store.batches for row in batch.call_outcomes]
    await scene.write(call_outcomes=told)
    with open_reader(scene.overseer._settings.database.url) as connection:
        assert overseer_calls(connection, 5)[0].outcome == "lost $500.00"
        assert str(overseer_costs(connection)[0].usd) == "0.0015"


async def test_the_state_says_that_entries_are_slowed(scene: Scene) -> None:
    until = NOW + timedelta(minutes=30)
    slowed = Slowdown(state=SlowdownState.SLOWED, scale=Decimal("0.5"), spacing_s=300, until=until, by="overseer")
    await scene.write(changed=Entities([slowed]))
    with open_reader(scene.overseer._settings.database.url) as connection:
        assert slowdown(connection, NOW) == "entries slowed to 0.5 of their size, 300 s apart, until 10:30:00"
        assert slowdown(connection, until) == ""


async def test_a_look_that_fails_is_not_the_end(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    looked = asyncio.Event()

    async def broken(question: Callable[[Connection], Any]) -> Any:
        looked.set()
        raise OSError("the store is gone")

    scene.overseer._ground.look = broken  # type: ignore[method-assign]
    running = asyncio.create_task(scene.overseer.run())
    async with asyncio.timeout(PATIENCE_S):
        await looked.wait()
        await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "the next one comes" in caplog.text
