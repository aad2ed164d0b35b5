"""The recorder as a child of the bot: it is handed what came, once a second, and watched as the page is.

Nothing here waits for a disk. A child that ends, or keeps nothing for a while, is started again; what waits meanwhile
waits in the tap, and what finds no room there is counted and told.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from bot.app.background import Background
from bot.app.child_process import Child, ChildFailed
from bot.app.composition import Bot, BotParts, BrokerT, ClockT, FeedT, Ground, StoreT
from bot.app.stages import Stage
from bot.config.loader import LoadedConfig
from bot.config.schema import EngineSettings, Settings
from bot.domain.events import AlertRaised
from bot.domain.ids import IdSource
from bot.domain.outside import hider
from bot.domain.recording import NotRecorded, RunTold
from bot.engine.state.ports import Clock, Sink
from bot.feeds.transport import Transport
from bot.record.answers import RecordedTransport
from bot.record.tap import Tap

log: Final = logging.getLogger("quanticity")

_FLUSH_S: Final = 1.0
_RESTART_S: Final = 2.0
_SILENT_S: Final = 60.0  # an hour is being made into Parquet meanwhile
_LAST_S: Final = 1.0
_SEED_BITS: Final = 128

DECIDING: Final = ("engine", "risk", "execution", "approval", "strategies", "ibkr", "overseer")
"""The sections of the settings that decide what the loop does with what it hears."""


class Tape:
    """What records one run; without a tap nothing does. Between `recorded` and `stages` the bot is put together."""

    def __init__(self, tap: Tap | None, config: LoadedConfig, clock: Clock, scenario: str) -> None:
        self._tap, self._config, self._clock, self._scenario = tap, config, clock, scenario
        self._seed = random.SystemRandom().getrandbits(_SEED_BITS)
        self._overseen = False

    def recorded(self, parts: BotParts[ClockT, StoreT, BrokerT, FeedT]) -> BotParts[ClockT, StoreT, BrokerT, FeedT]:
        """Return the parts with a recorder in them. The ids of a recorded run are made of a seed that is recorded as
        well, so that a replay gives the same things the same names."""
        tap, make = self._tap, parts.feed
        if tap is None:
            return parts
        self._overseen = parts.overseen

        def feed(ground: Ground) -> FeedT:
            made = make(ground)
            if isinstance(made, HeardFeed):
                made.ask_through(lambda source, inner: RecordedTransport(inner, tap, source))
            return made

        return replace(parts, recorder=tap, feed=feed, ids=IdSource(random.Random(self._seed)))

    def stages(self, bot: Bot[ClockT, StoreT, BrokerT, FeedT]) -> list[Stage]:
        """Return the stage that records, none where nothing is to be recorded. It comes first, so that it hears the
        start and the end of everything else."""
        tap = self._tap
        if tap is None:
            return []
        keeping = RecorderKeeping(tap, bot.settings.engine, self._clock, bot.inbox.put)
        stage = Background(self._clock, bot.inbox.put).stage("the recorder", keeping.run)
        begin, cancel = stage.start, stage.stop
        assert begin is not None, "background work has both"
        assert cancel is not None, "background work has both"

        async def start() -> None:
            tap.runs(self._run_told(bot.settings))
            await begin()

        async def stop() -> None:
            await cancel()
            await keeping.end()

        return [replace(stage, start=start, stop=stop)]

    def _run_told(self, settings: Settings) -> RunTold:
        return RunTold(
            started_at=self._clock.now(),
            bot_id=settings.bot_id,
            mode=settings.mode.value,
            scenario=self._scenario,
            speed=self._clock.speed,
            seed=self._seed,
            config_version=self._config.version,
            overseen=self._overseen,
            settings=settings.model_dump(mode="json", include=set(DECIDING)),
        )


@runtime_checkable
class HeardFeed(Protocol):
    """A feed whose answers can be heard as they come."""

    def ask_through(self, around: Callable[[str, Transport], Transport]) -> None: ...


def tape_for(config: LoadedConfig, clock: Clock, scenario: str) -> Tape:
    """Return what records a run, when the settings say that it is to be recorded."""
    wanted = config.settings.engine.record
    tap = Tap(clock, hider(secret for secret in config.hidden() if secret)) if wanted else None
    return Tape(tap, config, clock, scenario)


class RecorderKeeping:
    """Keeps the recorder's process going and hands it what came."""

    def __init__(self, tap: Tap, settings: EngineSettings, clock: Clock, tell: Sink) -> None:
        self._tap, self._clock, self._tell = tap, clock, tell
        self._arguments = ["-m", "bot.record", "keep", settings.record_dir, str(settings.record_keep_days)]
        self._child: Child | None = None
        self._heard_at = 0.0
        self._kept = asyncio.Event()

    async def run(self) -> None:
        """Go on until cancelled; then the process is left as it is, for `end`."""
        while True:
            await self._start()
            words = await self._until_it_fails()
            log.warning(f"the recorder {words}; starting it again in {_RESTART_S:g} s")
            facts = {"what": words}
            self._tell(AlertRaised("RECORDER_DOWN", f"the recorder {words}", facts, self._clock.now()))
            if self._child is not None:
                await self._child.stop()
                self._child = None
            self._tap.begin_again()
            await asyncio.sleep(_RESTART_S)

    async def _start(self) -> None:
        child = Child("recorder", self._arguments, on_line=self._heard)
        await child.start()
        try:
            await child.ready_line("recorder ready")
        except BaseException:
            await child.stop()
            raise
        self._child, self._heard_at = child, self._loop_s()

    async def _until_it_fails(self) -> str:
        """Hand on what came, once a second; return in words how it ended."""
        assert self._child is not None, "it was started"
        ending = asyncio.create_task(self._child.wait())
        try:
            while True:
                done, _ = await asyncio.wait({ending}, timeout=_FLUSH_S)
                if done:
                    return "ended"
                try:
                    self._hand_on(self._child)
                except ChildFailed:
                    return "takes nothing any more"
                if self._loop_s() - self._heard_at > _SILENT_S:
                    return f"has kept nothing for {_SILENT_S:g} s"
        finally:
            ending.cancel()

    async def end(self) -> None:
        """Hand on the last rows, wait a moment until they are kept, and let the process go."""
        child, self._child = self._child, None
        if child is None:
            return
        try:
            self._hand_on(child)
            self._kept.clear()
        except ChildFailed as error:
            log.warning(f"the end of the recording is lost: {error}")
        try:
            async with asyncio.timeout(_LAST_S):
                await self._kept.wait()
        except TimeoutError:
            log.warning(f"the recorder has not said that it kept the last {self._tap.awaits} rows")
        await child.stop()

    def _hand_on(self, child: Child) -> None:
        frame, gap = self._tap.take()
        child.send(frame)
        if gap is not None:
            self._tell(_told(gap))

    def _heard(self, line: str) -> bool:
        word, _, count = line.partition(" ")
        if word != "kept" or not count.isdigit():
            return False
        self._heard_at = self._loop_s()
        self._tap.kept(int(count))
        if not self._tap.awaits:
            self._kept.set()
        return True

    @staticmethod
    def _loop_s() -> float:
        return asyncio.get_running_loop().time()


def _told(gap: NotRecorded) -> AlertRaised:
    words = f"{gap.count} facts are not in the recording: {gap.why}"
    facts = {"count": gap.count, "since": gap.since.isoformat(), "until": gap.until.isoformat(), "why": gap.why}
    return AlertRaised("RECORDING_GAP", words, facts, gap.until)
