"""Signs of life for whoever watches from outside: systemd's watchdog, a file, an address that is called.

Every sign is given only when the tick has moved on since the last one. A tick that hangs, a loop that is blocked, a
process that is stopped or dead: each ends all three. Nothing here can hold up the tick.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.engine.tick import Engine

if TYPE_CHECKING:
    import aiohttp

log: Final = logging.getLogger("quanticity")

_LOOK_S: Final = 1.0
_STANDSTILL_S: Final = 10.0
_FILE_S: Final = 10.0
_PING_S: Final = 60.0
_PING_TIMEOUT_S: Final = 10.0


class Systemd:
    """The notification socket of a unit of `Type=notify` (sd_notify(3)); without one every word is swallowed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watchdog_us = int(environment.get("WATCHDOG_USEC", "0") or 0)

    @property
    def every_s(self) -> float | None:
        """Seconds between two feeds of the watchdog, a third of its patience; None when there is none."""
        return self._watchdog_us / 3e6 if self._address and self._ours and self._watchdog_us else None

    def tell(self, *words: str) -> None:
        """Send words such as READY=1; a socket that is gone is no reason to stop trading."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telephone:
                telephone.setblocking(False)
                telephone.sendto("\n".join(words).encode(), self._address)
        except OSError as error:
            log.warning(f"systemd does not hear us: {error}")


class LifeSigns:
    """Watches an engine's tick number and passes its progress on. `start` once, `stop` when the run ends."""

    def __init__(
        self, engine: Engine, systemd: Systemd, *, dead_man_file: Path | None = None, dead_man_url: str = ""
    ) -> None:
        self._engine = engine
        self._systemd = systemd
        self._file, self._url = dead_man_file, dead_man_url
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Say that we are ready and keep giving signs."""
        self._systemd.tell("READY=1", "STATUS=the book is compared with the broker's")
        if (every_s := self._systemd.every_s) is not None:
            self._each(min(every_s, _LOOK_S), self._feed_watchdog)
        self._tasks.append(asyncio.create_task(self._watch(), name="standstill"))
        if self._file is not None:
            self._each(_FILE_S, self._touch)
        if self._url:
            self._tasks.append(asyncio.create_task(self._ping(), name="dead man's address"))

    async def stop(self) -> None:
        self._systemd.tell("STOPPING=1")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _each(self, seconds: float, give: Callable[[], None]) -> None:
        self._tasks.append(asyncio.create_task(self._give(seconds, give), name=f"sign {give.__name__}"))

    async def _give(self, seconds: float, give: Callable[[], None]) -> None:
        last = -1
        while True:
            if self._engine.tick_number > last:
                last = self._engine.tick_number
                give()
            await asyncio.sleep(seconds)

    async def _watch(self) -> None:
        """Say when the tick stands still, which it cannot say itself: a disk that hangs gives no error."""
        now = asyncio.get_running_loop().time
        last, since, told = self._engine.tick_number, now(), False
        while True:
            await asyncio.sleep(_LOOK_S)
            stood = now() - since
            if self._engine.tick_number != last:
                if told:
                    log.error(f"the tick goes on after {stood:.0f} s")
                last, since, told = self._engine.tick_number, now(), False
            elif stood >= _STANDSTILL_S and not told:
                log.error(
                    f"the tick has stood still for {stood:.0f} s: most likely the disk of the store does not answer. "
                    "Nothing is decided and nothing sent; protective stops rest at the broker"
                )
                told = True

    def _feed_watchdog(self) -> None:
        session, link = self._engine.ledger.session, self._engine.ledger.connection
        self._systemd.tell("WATCHDOG=1", f"STATUS=session {session.state}, connection {link.state}")

    def _touch(self) -> None:
        """Replace the file whole: its time says that we live, its text says how we are."""
        assert self._file is not None
        beside = self._file.with_name(self._file.name + ".new")
        try:
            beside.write_text(json.dumps(self._state()) + "\n", encoding="utf-8")
            beside.replace(self._file)
        except OSError as error:
            log.warning(f"engine.dead_man_file {self._file} cannot be written: {error.strerror}")

    def _state(self) -> dict[str, Any]:
        ledger = self._engine.ledger
        return {
            "pid": os.getpid(),
            "tick": self._engine.tick_number,
            "session": ledger.session.state.value,
            "connection": ledger.connection.state.value,
            "positions": len(ledger.positions),
            "unprotected": sum(each.unprotected_since is not None for each in ledger.positions.values()),
        }

    async def _ping(self) -> None:
        """Call the address once a minute; while it cannot be reached, say so once."""
        import aiohttp

        told = False
        last = -1
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PING_TIMEOUT_S)) as http:
            while True:
                if self._engine.tick_number > last:
                    last = self._engine.tick_number
                    failure = await self._call(http)
                    if failure and not told:
                        log.warning(f"engine.dead_man_url does not answer: {failure}")
                    told = bool(failure)
                await asyncio.sleep(_PING_S)

    async def _call(self, http: aiohttp.ClientSession) -> str:
        """Return why the call failed, empty when it did not; the address may hold a secret, so it is not repeated."""
        import aiohttp

        try:
            async with http.get(self._url) as answer:
                return "" if answer.ok else f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return type(error).__name__
