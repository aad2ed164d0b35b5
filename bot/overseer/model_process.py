"""The model's client in a process of its own, which ends when nobody has asked for a while.

Context: the vendor's library takes about 50 MB, more than all else in the people's process, and is needed for seconds
at a time. Decision: a child holds it; questions and answers are lines of JSON, the key comes by its environment, the
deadline stays with whoever asks. Consequence: the people's process never loads the library, a child that dies costs the
questions that it had, and the next question starts another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.config.overseer import OverseerSettings
from bot.domain.overseer import Answered, ModelTask
from bot.overseer.model import Claude, ModelSaid, cost_at_most
from bot.overseer.prompts import Prompt

log: Final = logging.getLogger("quanticity")

IDLE_S: Final = 60.0
"""Wall seconds without a question after which the child is ended."""
_START_S: Final = 30.0
_MARGIN_S: Final = 0.25
_STOP_S: Final = 1.5
_READY: Final = "model ready"
_KEY: Final = "ANTHROPIC_API_KEY"
_ROOT: Final = Path(__file__).resolve().parents[2]
_LONGEST_LINE: Final = 4 * 1024 * 1024
_FROM_OUTSIDE: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass
class ModelChild:
    """A model that is asked in a child. One child at a time; it is started by the question that needs it."""

    settings: OverseerSettings
    base_url: str
    key: str
    idle_s: float = IDLE_S
    _process: asyncio.subprocess.Process | None = None
    _hearing: asyncio.Task[None] | None = None
    _waiting: dict[int, asyncio.Future[ModelSaid]] = field(default_factory=dict)
    _asked_of: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)
    _number: int = 0
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _resting: asyncio.Task[None] | None = None

    def most_micros(self, prompt: Prompt, cap: int) -> int:
        return cost_at_most(self.settings, prompt, cap)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ask(self, prompt: Prompt, cap: int, within_s: float) -> ModelSaid:
        """Ask once, within a deadline that a start of the child counts towards."""
        most = self.most_micros(prompt, cap)
        number, sent = self._next(), False
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer: asyncio.Future[ModelSaid] = loop.create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(within_s):
                await self.begin()
                left = max(within_s - (loop.time() - began) - _MARGIN_S, _MARGIN_S)
                sent = True
                if self._process is not None:
                    self._asked_of[number] = self._process
                await self._tell(_question(number, prompt, cap, left))
                return await answer
        except TimeoutError:
            why = f"no answer within {within_s:g} s"
            return ModelSaid(Answered.LATE, why=why, cost_micros=most if sent else 0, ms=_ms(loop.time() - began))
        except OSError as error:
            return _gone(f"the model's process cannot be used: {error!r}", most if sent else 0)
        finally:
            self._waiting.pop(number, None)
            self._asked_of.pop(number, None)
            self._rest()

    async def begin(self) -> None:
        """Start the child where none runs; raises OSError where it does not come up."""
        async with self._starting:
            if not self.is_running:
                await self._end()
                await self._start()

    async def close(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        async with self._starting:
            await self._end()

    def _rest(self) -> None:
        """Have the child end when nobody asks for a while. Who starts it ends it: no question meets its end."""
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.create_task(self._end_idle())

    async def _end_idle(self) -> None:
        await asyncio.sleep(self.idle_s)
        async with self._starting:
            if not self._waiting:
                await self._end()

    # ---- the child

    def _next(self) -> int:
        self._number += 1
        return self._number

    async def _start(self) -> None:
        kept = {name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ}
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.overseer.model_process",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=None,
            env={**kept, "PYTHONPATH": str(_ROOT), _KEY: self.key}, limit=_LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is for the bot
        )  # fmt: skip
        setup = {"settings": self.settings.model_dump(mode="json"), "base_url": self.base_url}
        try:
            await self._tell(setup)
            assert process.stdout is not None
            async with asyncio.timeout(_START_S):
                first = await process.stdout.readline()
        except BaseException:  # a deadline of the question that started it, too: half a child is none
            await self._end()
            raise
        if first.decode().strip() != _READY:
            await self._end()
            raise ConnectionError("the model's process ended before it was ready")
        self._hearing = asyncio.create_task(self._hear(process))

    async def _tell(self, line: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            raise ConnectionError("the model's process is not running")
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        await self._process.stdin.drain()

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        """Take its answers until it ends; whose question it had is told so. A question that came while it was about to
        end waits for the next child, and has nothing to do with this one's end."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            told = json.loads(line)
            waiting = self._waiting.get(told["number"])
            if waiting is not None and not waiting.done():
                waiting.set_result(ModelSaid(**{**told["said"], "answered": Answered(told["said"]["answered"])}))
        code = await process.wait()
        for number, waiting in self._waiting.items():
            if self._asked_of.get(number) is process and not waiting.done():
                waiting.set_exception(ConnectionError(f"it ended with code {code}"))

    async def _end(self) -> None:
        """End the child: its input closes; one that stays is killed."""
        process, self._process = self._process, None
        hearing, self._hearing = self._hearing, None
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if hearing is not None:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _gone(why: str, cost_micros: int) -> ModelSaid:
    return ModelSaid(Answered.UNAVAILABLE, why=why, cost_micros=cost_micros)


def _question(number: int, prompt: Prompt, cap: int, within_s: float) -> dict[str, Any]:
    told = {**asdict(prompt), "task": prompt.task.value, "schema": dict(prompt.schema)}
    return {"number": number, "prompt": told, "cap": cap, "within_s": within_s}


# ---- as the child


async def serve(told: dict[str, Any], key: str, reader: asyncio.StreamReader) -> None:
    """Answer the questions of a reader until it ends."""
    claude = Claude(OverseerSettings.model_validate(told["settings"]), told["base_url"], key)
    await claude.begin()
    _write(_READY)
    under_way: set[asyncio.Task[None]] = set()
    try:
        while line := await reader.readline():
            task = asyncio.create_task(_answer(claude, json.loads(line)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
    finally:
        await claude.close()


async def _answer(claude: Claude, asked: dict[str, Any]) -> None:
    given = asked["prompt"]
    prompt = Prompt(ModelTask(given["task"]), given["system"], given["content"], given["schema"], given["hash"])
    said = await claude.ask(prompt, asked["cap"], asked["within_s"])
    _write(json.dumps({"number": asked["number"], "said": {**asdict(said), "answered": said.answered.value}}))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _main() -> None:
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    told = await reader.readline()
    if told:
        await serve(json.loads(told), os.environ.get(_KEY, ""), reader)


def main() -> int:
    """Entry of the child process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(_main())
    except BrokenPipeError:  # whoever asked is gone while this began: nobody is left to hear it
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
