"""What is started in order is stopped in reverse, also when a start fails on the way."""

from __future__ import annotations

from functools import partial

import pytest

from bot.app.stages import Stage, in_order


class Diary:
    """Stages that write down what became of them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def note(self, line: str) -> None:
        self.lines.append(line)

    async def fail(self) -> None:
        raise OSError("no such socket")

    def stage(self, name: str) -> Stage:
        return Stage(name, partial(self.note, f"{name} starts"), partial(self.note, f"{name} stops"))


async def test_what_was_started_last_is_stopped_first() -> None:
    diary = Diary()
    async with in_order([diary.stage("store"), Stage("claim"), diary.stage("engine")]):
        await diary.note("it runs")
    assert diary.lines == ["store starts", "engine starts", "it runs", "engine stops", "store stops"]


async def test_a_start_that_fails_stops_what_stands_before_it_and_nothing_else() -> None:
    diary = Diary()
    broken = Stage("broker", diary.fail, partial(diary.note, "broker stops"))
    with pytest.raises(OSError, match="no such socket"):
        async with in_order([diary.stage("store"), broken, diary.stage("page")]):
            await diary.note("it runs")
    assert diary.lines == ["store starts", "store stops"]


async def test_a_run_that_fails_and_a_stop_that_fails_leave_nothing_running() -> None:
    diary = Diary()
    stages = [diary.stage("store"), Stage("broker", None, diary.fail), diary.stage("page")]
    with pytest.raises(OSError, match="no such socket"):
        async with in_order(stages):
            raise RuntimeError("the tick")
    assert diary.lines == ["store starts", "page starts", "page stops", "store stops"]
