"""The end of a trading day, told of once a day for as long as the program runs."""

from __future__ import annotations

import asyncio
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bot.app import day_end
from bot.clocks.clock import ManualClock
from bot.config.options import RunOptions
from bot.config.schema import Settings
from bot.domain.events import Event
from bot.domain.events.host import JobRan
from tests.engine.desk import DAY, TEN
from tests.engine.fakes import FakeCalendar

HOUR_S = 3600.0


class Evening:
    """The watch over a bot that has nothing left, stepped by hand; what would be summed up is kept by day."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, mode: str, **options: Any) -> None:
        self.clock, self.stop, self.told = ManualClock(TEN), asyncio.Event(), list[str]()
        self.recorded: list[Event] = []
        self.ledger = SimpleNamespace(
            clocks=SimpleNamespace(difference=None),
            order_index=SimpleNamespace(open={}),
            position_index=SimpleNamespace(awaiting_settlement=()),
        )
        self.engine: Any = SimpleNamespace(settings=Settings.model_validate({"mode": mode}), ledger=self.ledger)
        self.options = RunOptions(**options)
        monkeypatch.setattr(day_end, "ask", self._ask)

    async def _ask(self, module: str, work: str, question: dict[str, str]) -> list[str]:
        self.told.append(question["day"])
        return []

    async def hours(self, count: float) -> None:
        for _ in range(int(count * 120)):
            self.clock.advance(30)
            for _ in range(4):
                await asyncio.sleep(0)

    def begin(self) -> asyncio.Task[None]:
        calendar = FakeCalendar()
        end = day_end.watch_the_close(self.engine, self.clock, calendar, self.options, self.stop, self.recorded.append)
        return asyncio.create_task(end)


async def test_each_day_is_summed_up_after_its_close(monkeypatch: pytest.MonkeyPatch) -> None:
    evening = Evening(monkeypatch, "paper")
    watch = evening.begin()
    await evening.hours(5.9)
    assert evening.told == []
    await evening.hours(0.2)
    assert evening.told == [DAY.isoformat()]
    await evening.hours(24 * 4)
    assert evening.told == ["2026-11-20", "2026-11-23", "2026-11-24"], "no weekend, none twice"
    assert [(row.name, row.state) for row in evening.recorded if isinstance(row, JobRan)] == [
        ("day_summary", "done")
    ] * 3
    assert not watch.done()
    watch.cancel()


async def test_a_simulated_day_ends_once(monkeypatch: pytest.MonkeyPatch) -> None:
    evening = Evening(monkeypatch, "sim")
    watch = evening.begin()
    await evening.hours(7)
    assert evening.told == [DAY.isoformat()]
    assert watch.done()


async def test_a_run_until_the_close_waits_for_what_is_under_way_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evening = Evening(monkeypatch, "sim", until_close=True)
    evening.ledger.order_index.open = {"an order": object()}
    watch = evening.begin()
    await evening.hours(6.1)
    assert not evening.stop.is_set()
    await evening.hours(0.2)
    assert evening.stop.is_set()
    assert watch.done()
    assert evening.told == []


@pytest.mark.parametrize(
    "now,day",
    [
        ("2026-11-20T15:00:00+00:00", "2026-11-20"),  # in the session
        ("2026-11-21T02:00:00+00:00", "2026-11-20"),  # the same evening
        ("2026-11-22T15:00:00+00:00", "2026-11-20"),  # a Sunday
        ("2026-11-23T13:00:00+00:00", "2026-11-20"),  # before the open of the next day
        ("2026-11-23T15:00:00+00:00", "2026-11-23"),
    ],
)
def test_what_ctrl_c_sums_up_is_the_latest_session(now: str, day: str) -> None:
    assert day_end.day_to_sum_up(FakeCalendar(), datetime.fromisoformat(now)).isoformat() == day
