"""The recorder as a child of the bot: it is handed what came, once a second, and watched as the page is.

Nothing here waits for a disk. A child that ends, or keeps nothing for a while, is started again, at first soon and then
ever later, and that is told once, with its last word, until it keeps something again. What waits meanwhile waits in the
tap, and what finds no room there is counted and told.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, runtime_checkable

from bot.app.background import Background
from bot.app.child_process import Child, ChildFailed
from bot.app.composition import Bot, BotParts, BrokerT, ClockT, FeedT, Ground, StoreT
from bot.app.stages import Stage
from bot.config.loader import LoadedConfig
from bot.config.schema import EngineSettings, Settings
from bot.domain.events.people import AlertRaised
from bot.domain.ids import IdSource
from bot.domain.outside import hider, sentence
from bot.domain.recording import NotRecorded, RunTold, SettingsTold
from bot.engine.state.ports import Clock, Sink
from bot.feeds.transport import Transport
from bot.record.answers import RecordedTransport
from bot.record.tap import Tap

log: Final = logging.getLogger("quanticity")

_SEED_BITS: Final = 128

DECIDING: Final = ("engine", "risk", "execution", "approval", "strategies", "ibkr", "overseer")
"""The sections of the settings that decide what the loop does with what it hears."""


def deciding(settings: Settings) -> dict[str, Any]:
    """Return the sections that decide as plain data, each number as it is in force: 15 is not 15.0, for evidence is
    made of the text."""
    kept = set(DECIDING)
    exact: dict[str, Any] = _exact(settings.model_dump(mode="json", include=kept), settings.model_dump(include=kept))
    return exact


def _exact(written: Any, held: Any) -> Any:
    if isinstance(written, dict) and isinstance(held, Mapping):
        by_name = {str(name): value for name, value in held.items()}
        return {name: _exact(value, by_name.get(name)) for name, value in written.items()}
    if isinstance(written, list) and isinstance(held, (list, tuple)):
        return [_exact(*both) for both in zip(written, held, strict=True)]
    return held if type(written) is float and type(held) is int else written


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
                made.listen_through(tap.streamed)
            return made

        return replace(parts, recorder=tap, feed=feed, ids=IdSource(random.Random(self._seed)))

    def takes(self, settings: Settings, version: str) -> None:
        """Keep that settings come into force with the next tick."""
        if self._tap is not None:
            self._tap.takes(SettingsTold(self._clock.now(), version, deciding(settings)))

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
            settings=deciding(settings),
        )


@runtime_checkable
class HeardFeed(Protocol):
    """A feed whose answers, and messages of streams, can be heard as they come."""

    def ask_through(self, around: Callable[[str, Transport], Transport]) -> None: ...

    def listen_through(self, frames: Callable[[str, str], None]) -> None: ...


def tape_for(config: LoadedConfig, clock: Clock, scenario: str) -> Tape:
    """Return what records a run, when the settings say that it is to be recorded."""
    wanted = config.settings.engine.record
    tap = Tap(clock, hider(secret for secret in config.hidden() if secret)) if wanted else None
    return Tape(tap, config, clock, scenario)


@dataclass(frozen=True, slots=True)
class RecorderPace:
    """How long the keeping waits, in seconds of the loop: between two frames, before another start and at most before
    one, for a word of the child (it may be making Parquet), for the last word of all."""

    flush_s: float = 1.0
    restart_s: float = 2.0
    longest_restart_s: float = 60.0
    silent_s: float = 60.0
    last_s: float = 1.0


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


class RecorderKeeping:
    """Keeps the recorder's process going and hands it what came."""

    def __init__(
        self,
        tap: Tap,
        settings: EngineSettings,
        clock: Clock,
        tell: Sink,
        pace: RecorderPace = RecorderPace(),
        steady_s: Callable[[], float] = _loop_s,
    ) -> None:
        self._tap, self._clock, self._tell, self._pace = tap, clock, tell, pace
        self._steady_s = steady_s
        self._pause_s = pace.restart_s
        self._last_word = ""
        self.attempts = 0
        self._arguments = ["-m", "bot.record", "keep", settings.record_dir, str(settings.record_keep_days)]
        self._child: Child | None = None
        self._heard_at = 0.0
        self._kept = asyncio.Event()

    async def run(self) -> None:
        """Go on until cancelled; then the process is left as it is, for `end`."""
        while True:
            words = await self._start() or await self._until_it_fails()
            if self._last_word:
                words = f"{words}: {self._last_word}"
            log.warning(f"the recorder {words}; starting it again in {self._pause_s:g} s")
            if self._pause_s == self._pace.restart_s:  # it kept something since it was last told
                told = AlertRaised("RECORDER_DOWN", f"the recorder {words}", {"what": words}, self._clock.now())
                self._tell(told)
            if self._child is not None:
                await self._child.stop()
                self._child = None
            self._tap.begin_again()
            pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, self._pace.longest_restart_s)
            await asyncio.sleep(pause_s)

    @property
    def pid(self) -> int | None:
        """The process that keeps what comes, None while there is none."""
        return None if self._child is None else self._child.pid

    async def _start(self) -> str:
        """Start the process; returns in words what hindered it, "" when it runs."""
        self._last_word, self.attempts = "", self.attempts + 1
        child = Child("recorder", self._arguments, on_line=self._heard)
        await child.start()
        try:
            await child.ready_line("recorder ready")
        except ChildFailed:
            await child.stop()
            return "does not start"
        except BaseException:
            await child.stop()
            raise
        self._child, self._heard_at = child, self._steady_s()
        return ""

    async def _until_it_fails(self) -> str:
        """Hand on what came, frame by frame; return in words how it ended."""
        assert self._child is not None, "it was started"
        ending = asyncio.create_task(self._child.wait())
        try:
            while True:
                done, _ = await asyncio.wait({ending}, timeout=self._pace.flush_s)
                if done:
                    await self._child.last_words()
                    return "ended"
                try:
                    self._hand_on(self._child)
                except ChildFailed:
                    await self._child.last_words()
                    return "takes nothing any more"
                if self._steady_s() - self._heard_at > self._pace.silent_s:
                    return f"has kept nothing for {self._pace.silent_s:g} s"
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
            async with asyncio.timeout(self._pace.last_s):
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
        word, _, rest = line.partition(" ")
        if word == "failed":
            self._last_word = sentence(rest)
            return True
        if word != "kept" or not rest.isdigit():
            return False
        self._heard_at, self._pause_s = self._steady_s(), self._pace.restart_s
        self._tap.kept(int(rest))
        if not self._tap.awaits:
            self._kept.set()
        return True


def _told(gap: NotRecorded) -> AlertRaised:
    words = f"{gap.count} facts are not in the recording: {gap.why}"
    facts = {"count": gap.count, "since": gap.since.isoformat(), "until": gap.until.isoformat(), "why": gap.why}
    return AlertRaised("RECORDING_GAP", words, facts, gap.until)
