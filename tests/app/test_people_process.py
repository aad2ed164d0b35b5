"""The people's process is watched by its beat, and a task of it that fails costs that task alone."""

from __future__ import annotations

import asyncio

import pytest

from bot.alerts.bell import Bell
from bot.alerts.ground import PeopleGround
from bot.app import people_child, people_process
from bot.app.child_process import Child
from bot.app.people_child import PeopleBell, Pulse
from bot.app.people_process import PeopleTask
from bot.clocks.clock import ScaledClock
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.engine.state.records import RequestOutcome
from tests.patience import PATIENCE_S
from tests.store.builders import FixedClock, a_batch

BEATS = """
import sys, time
print("people ready", flush=True)
for number in range(3):
    print("alive", flush=True)
if sys.argv[1] == "hang":
    sys.stdin.read()
"""


@pytest.mark.parametrize("then, words", [("hang", "no sign of life for 0.3 s"), ("end", "ended with code 0")])
async def test_one_that_ends_or_hangs_is_noticed(monkeypatch: pytest.MonkeyPatch, then: str, words: str) -> None:
    monkeypatch.setattr(people_child, "_HANGS_AFTER_S", 0.3)
    monkeypatch.setattr(people_child, "_LOOK_S", 0.01)
    pulse = Pulse()
    child = Child("people's process", ["-c", BEATS, then], on_line=pulse.hears)
    await child.start()
    try:
        await child.ready_line(people_child.READY)
        assert words in await people_child._end_of(child, pulse)
    finally:
        await child.stop()


ECHO = """
import sys
print("people ready", flush=True)
while sys.stdin.buffer.read(1):
    print("rung", flush=True)
"""


async def test_the_bell_rings_at_the_process_for_what_it_waits_for_and_for_nothing_else() -> None:
    rung: asyncio.Queue[str] = asyncio.Queue()

    def hears(line: str) -> bool:
        rung.put_nowait(line)
        return True

    bell, child = PeopleBell(), Child("people's process", ["-c", ECHO], on_line=hears)
    answer = RequestOutcome("c1", "done", "paused", FixedClock().now())
    bell.committed(a_batch(commands=[answer]))  # nobody is there: nothing happens
    await child.start()
    try:
        await child.ready_line(people_child.READY)
        bell.child = child
        bell.committed(a_batch())
        bell.committed(a_batch(commands=[answer]))
        async with asyncio.timeout(PATIENCE_S):
            assert await rung.get() == "rung"
    finally:
        await child.stop()
    assert rung.empty()


async def test_who_waits_for_the_bell_hears_it_also_when_it_rang_during_the_look() -> None:
    bell = Bell()
    heard = bell.rings
    waits = [asyncio.create_task(bell.after(heard, PATIENCE_S)) for _ in range(2)]
    await asyncio.sleep(0)
    bell.ring()
    await asyncio.gather(*waits)
    await bell.after(heard, PATIENCE_S)
    assert bell.rings == heard + 1


async def fails(ground: PeopleGround) -> None:
    raise ValueError("odd")


async def goes_on(ground: PeopleGround) -> None:
    GOING.set()
    await asyncio.Event().wait()


GOING = asyncio.Event()


async def test_a_task_that_fails_is_told_of_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def tell(ground: PeopleGround, name: str, words: str) -> None:
        told.append(name)

    monkeypatch.setattr(people_process, "_tell", tell)
    here = "tests.app.test_people_process"
    tasks = (
        PeopleTask("bad", f"{here}:fails"),
        PeopleTask("missing", "bot.nowhere:run"),
        PeopleTask("good", f"{here}:goes_on"),
    )
    running = asyncio.create_task(people_process.run(PeopleGround(Settings(), Secrets(), FixedClock()), tasks))
    async with asyncio.timeout(PATIENCE_S):
        await GOING.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert told == ["bad", "missing"]


def test_the_setup_says_what_the_settings_and_the_clock_are() -> None:
    from types import SimpleNamespace
    from typing import Any

    config: Any = SimpleNamespace(settings=Settings.model_validate({"bot_id": "x1"}))
    clock = ScaledClock(FixedClock().now(), 30, 0.0)
    import json

    ground = people_process.ground_of(json.dumps(people_child.setup_of(config, clock)))
    assert ground.settings == config.settings
    assert isinstance(ground.clock, ScaledClock)
    assert abs((ground.clock.now() - clock.now()).total_seconds()) < 60
