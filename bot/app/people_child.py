"""The people's process seen from the bot: started beside it, watched by its beat, started again when it ends or hangs.

No tick waits for it. What it runs is `bot.app.people_process`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from bot.app.background import Background, cancel
from bot.app.child_process import Child, ChildFailed
from bot.app.stages import Stage
from bot.clocks.paced import shared_with, told_of
from bot.config.loader import LoadedConfig
from bot.domain.events import Event
from bot.domain.events.people import AlertRaised
from bot.domain.message import Message, MessageState
from bot.engine.outbox.voice import Voice
from bot.engine.state.ports import Clock
from bot.engine.state.records import TickBatch
from bot.overseer.access import watches

log: Final = logging.getLogger("quanticity")

READY: Final = "people ready"
BEAT: Final = "alive"
BEAT_S: Final = 1.0
_HANGS_AFTER_S: Final = 10.0
_LOOK_S: Final = 1.0
_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 60.0
_WELL_AFTER_S: Final = 120.0
NOT_FOR_PEOPLE: Final = frozenset({"unusual_whales_token", "web_login_token"})
"""Secrets that this process has no use for."""


class PeopleBell:
    """Rings at the people's process when a batch that is on disk holds what it waits for: something to deliver, an
    answer. It asks nothing of the process and waits for nothing."""

    def __init__(self) -> None:
        self.child: Child | None = None

    def committed(self, batch: TickBatch) -> None:
        """Look at a batch."""
        if self.child is not None and (batch.commands or batch.inbound or _hands_over(batch)):
            with suppress(ChildFailed):
                self.child.send(b"\n")


def _hands_over(batch: TickBatch) -> bool:
    return any(message.state is MessageState.SENDING for message in batch.changed.of(Message).values())


def people(
    config: LoadedConfig, voice: Voice, clock: Clock, background: Background, tell: Callable[[Event], None],
    bell: PeopleBell,
) -> list[Stage]:  # fmt: skip
    """Return the stage that keeps the people's process running, none where it has nothing to do."""
    if voice.is_silent and not watches(config.settings):
        return []
    return [background.stage("the people's process", partial(_keep_people, config, clock, tell, bell))]


async def _keep_people(config: LoadedConfig, clock: Clock, tell: Callable[[Event], None], bell: PeopleBell) -> None:
    pause_s, loop = _FIRST_PAUSE_S, asyncio.get_running_loop()
    while True:
        began = loop.time()
        why = await _one_life(config, clock, bell)
        if loop.time() - began > _WELL_AFTER_S:
            pause_s = _FIRST_PAUSE_S
        words = f"{why}; it is started again in {pause_s:g} s: meanwhile nobody is told anything by a channel"
        log.warning(words)
        tell(AlertRaised("PEOPLE_DOWN", words, {}, clock.now()))
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


async def _one_life(config: LoadedConfig, clock: Clock, bell: PeopleBell) -> str:
    """Start it and wait for its end; returns what ended it, in words."""
    pulse = Pulse()
    arguments = ["-m", "bot.app.people_process"]
    child = Child("people's process", arguments, _secrets_of(config), on_line=pulse.hears, shared=shared_with(clock))
    await child.start()
    try:
        await child.tell(json.dumps(setup_of(config, clock)))
        await child.ready_line(READY)
        pulse.beat()
        bell.child = child
        return await _end_of(child, pulse)
    except ChildFailed as error:
        return str(error)
    finally:
        bell.child = None
        await child.stop()


class Pulse:
    """When the process was last heard, by the loop's time."""

    def __init__(self) -> None:
        self.heard = asyncio.get_running_loop().time()

    def beat(self) -> None:
        self.heard = asyncio.get_running_loop().time()

    def hears(self, line: str) -> bool:
        """Take a line of its output; True for a beat, which is not shown."""
        if line != BEAT:
            return False
        self.beat()
        return True

    def age_s(self) -> float:
        return asyncio.get_running_loop().time() - self.heard


async def _end_of(child: Child, pulse: Pulse) -> str:
    ending, hanging = asyncio.create_task(child.wait()), asyncio.create_task(_until_it_hangs(pulse))
    try:
        done, _ = await asyncio.wait({ending, hanging}, return_when=asyncio.FIRST_COMPLETED)
        if ending in done:
            return f"the people's process ended with code {ending.result()}"
        return f"the people's process has given no sign of life for {_HANGS_AFTER_S:g} s"
    finally:
        await cancel(hanging)
        await cancel(ending)


async def _until_it_hangs(pulse: Pulse) -> None:
    while True:
        if pulse.age_s() >= _HANGS_AFTER_S:
            return
        await asyncio.sleep(_LOOK_S)


def _secrets_of(config: LoadedConfig) -> dict[str, str]:
    return {name.upper(): value for name, value in config.secrets.given() if name not in NOT_FOR_PEOPLE}


def setup_of(config: LoadedConfig, clock: Clock) -> dict[str, Any]:
    """Return what the process is told: settings, and the time that the bot lives in where it is not the wall's."""
    told: dict[str, Any] = {"settings": config.settings.model_dump(mode="json")}
    if (scaled := told_of(clock)) is not None:
        told["clock"] = scaled
    return told
