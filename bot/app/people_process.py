"""The people's process: Telegram, delivery and the overseer as tasks of one event loop.

It is a child of the bot (`bot.app.people_child` starts and watches it): its setup comes on the first line of standard
input, its secrets by its environment, and it ends when that input closes; whatever else comes there is a ring of the
bell (`bot.alerts.bell`). Once a second it writes a beat; a loop that hangs writes none. Each task is a row of `TASKS`,
whose module is loaded when it begins; one that fails is told of and begins again, the others go on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final

from bot.alerts.ground import PeopleGround
from bot.app.people_child import BEAT, BEAT_S, READY
from bot.clocks.clock import SystemClock
from bot.clocks.paced import clock_as_told
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.errors import StoreError
from bot.domain.outside import private_parts
from bot.engine.state.ports import Clock
from bot.log import configure_logging, guard_last_words, redactor
from bot.overseer.access import watches

log: Final = logging.getLogger("quanticity")

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_RINGS_AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True)
class PeopleTask:
    """One row: its name for people, the coroutine function `module:name` that is given the ground and runs until it is
    cancelled, and whether these settings want it."""

    name: str
    work: str
    is_wanted: Callable[[Settings], bool] = lambda settings: True

    def load(self) -> Callable[[PeopleGround], Awaitable[None]]:
        """Return its coroutine function; the module is loaded now."""
        module, name = self.work.split(":")
        found: Callable[[PeopleGround], Awaitable[None]] = getattr(import_module(module), name)
        return found


TASKS: Final = (
    PeopleTask("delivery", "bot.alerts.delivery:deliver"),
    PeopleTask("overseer", "bot.overseer.service:oversee", watches),
    PeopleTask("telegram", "bot.admin.service:serve"),
)
"""What this process does, in the order in which it begins."""


async def run(ground: PeopleGround, tasks: tuple[PeopleTask, ...] = TASKS) -> None:
    """Run every task that is wanted until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_beat(), name="beat")
        for task in tasks:
            if task.is_wanted(ground.settings):
                group.create_task(_keep_going(ground, task), name=task.name)


async def _beat() -> None:
    while True:
        _write(BEAT)
        await asyncio.sleep(BEAT_S)


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _keep_going(ground: PeopleGround, task: PeopleTask) -> None:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            await task.load()(ground)
        except Exception as error:  # the edge of a task: whatever it was, the next attempt may go well
            log.error(f"{task.name} failed, it begins again in {pause_s:g} s: {error!r}", exc_info=error)
            await _tell(ground, task.name, f"{task.name} failed, it begins again in {pause_s:g} s: {error!r}")
        else:
            log.warning(f"{task.name} ended, it begins again in {pause_s:g} s")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


async def _tell(ground: PeopleGround, name: str, words: str) -> None:
    try:
        await ground.tell("alert", {"code": "BESIDE_FAILED", "text": words, "entity": name})
    except StoreError as error:
        log.error(f"and that cannot be told: {error}")


# ---- as a child of the bot


async def _as_a_child(ground: PeopleGround) -> None:
    """Run, and have what the bot writes to us ring the bell; its end is ours."""
    ring = partial(asyncio.get_running_loop().call_soon_threadsafe, ground.bell.ring)
    threading.Thread(target=_listen, args=(ring,), daemon=True, name="parent-watch").start()
    await run(ground)


def _listen(ring: Callable[[], object]) -> None:
    while os.read(sys.stdin.fileno(), _RINGS_AT_ONCE):
        with suppress(RuntimeError):  # the loop is over, and so is this process soon
            ring()
    os._exit(0)


def ground_of(text: str) -> PeopleGround:
    """Return what the setup's line says."""
    told: dict[str, Any] = json.loads(text)
    return PeopleGround(Settings.model_validate(told["settings"]), Secrets.from_environment(os.environ), _clock(told))


def _clock(told: dict[str, Any]) -> Clock:
    scaled = told.get("clock")
    if scaled is None:
        return SystemClock()
    return clock_as_told(**scaled)


def main() -> int:
    """Entry of the child process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bot that started us says when to end
    told = sys.stdin.readline()
    if not told:
        return 0  # the bot that started us ended before it said anything
    ground = ground_of(told)
    hidden = [*ground.secrets, *private_parts(ground.database_url)]
    configure_logging(ground.settings.log.level, hidden, now=ground.clock.now)
    guard_last_words(redactor(hidden))
    _write(READY)
    asyncio.run(_as_a_child(ground))
    return 0


if __name__ == "__main__":
    sys.exit(main())
