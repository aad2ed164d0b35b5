"""Child processes of the bot: the venue in sim mode and the page. Neither outlives the bot, neither can stall it.

A child ends when its standard input closes, which the operating system does however the bot ends. The page is run
through this module's own entry, which watches that input beside it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import runpy
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.config.secret_words import holds_password, is_private_address, looks_secret
from bot.domain.errors import BotError

log: Final = logging.getLogger("quanticity")

ROOT: Final = Path(__file__).resolve().parents[2]
_READY_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 1.5


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a child is given of our environment: no keys, no tokens, no address with a password. One that needs a
    secret is handed that one."""
    return {
        name: value
        for name, value in environment.items()
        if not (looks_secret(name) or holds_password(value) or is_private_address(value))
    }


class ChildFailed(BotError):
    """A child ended before it was ready; the text is its last word."""


class Child:
    """One child process, talked to by lines. `on_line` is given each line but the one that it was ready with; what it
    does not take (False) of those that come later is passed on to the log. `shared`: open files that it is handed under
    their numbers."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], bool] = lambda line: False,
        shared: Sequence[int] = (),
    ) -> None:
        self.name, self._on_line, self._shared = name, on_line, shared
        self._arguments = arguments
        self._environment = {**without_secrets(os.environ), "PYTHONPATH": str(ROOT), **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._echo: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            pass_fds=self._shared,
            start_new_session=True,  # Ctrl-C is for the bot, which then ends its children
        )

    async def tell(self, line: str) -> None:
        """Write one line to the child."""
        if self._process is None or self._process.stdin is None:
            raise ChildFailed(f"the {self.name} is not running")
        try:
            self._process.stdin.write(f"{line}\n".encode())
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChildFailed(f"the {self.name} ended before it was told what to do") from error

    def send(self, frame: bytes) -> None:
        """Write bytes to the child without waiting; raises ChildFailed when it is not there."""
        stdin = self._process.stdin if self._process is not None else None
        if stdin is None or stdin.is_closing():
            raise ChildFailed(f"the {self.name} is not running")
        stdin.write(frame)

    async def ready_line(self, start: str) -> str:
        """Return the child's first line that begins with `start`; raises ChildFailed when it ends or takes too long."""
        if self._process is None or self._process.stdout is None:
            raise ChildFailed(f"the {self.name} is not running")
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                while line := (await self._process.stdout.readline()).decode():
                    if line.startswith(start):
                        self._echo = asyncio.create_task(self._pass_on(self._process.stdout))
                        return line.strip()
                    self._on_line(line.strip())
        except TimeoutError as error:
            raise ChildFailed(f"the {self.name} was not ready within {_READY_TIMEOUT_S:g} s") from error
        await self._process.wait()
        raise ChildFailed(f"the {self.name} ended with code {self._process.returncode} before it was ready")

    async def _pass_on(self, stdout: asyncio.StreamReader) -> None:
        while line := (await stdout.readline()).decode().rstrip():
            if not self._on_line(line):
                log.info(f"{self.name}: {line}")

    async def wait(self) -> int:
        """Return the exit code once the child has ended."""
        return await self._process.wait() if self._process is not None else 0

    async def last_words(self) -> None:
        """Wait until what a child that has ended said is heard to the end."""
        if self._echo is not None:
            await asyncio.wait({self._echo}, timeout=_STOP_TIMEOUT_S)

    async def stop(self) -> None:
        """Close its input, wait, and end it by force only if it does not go."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._echo is not None:
            self._echo.cancel()


def _end_with_input() -> None:
    while sys.stdin.buffer.read(1):
        continue
    os._exit(0)


def main() -> None:
    """Run a module as the main program until it ends or standard input closes: `children MODULE [ARGUMENT ...]`."""
    threading.Thread(target=_end_with_input, daemon=True, name="parent-watch").start()
    module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
