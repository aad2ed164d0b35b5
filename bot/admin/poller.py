"""Long polling: one poller a token, each update taken up once, and whatever goes wrong told and survived.

Context: the library's own loop ends without a word at 401 and 404, and turns for ever when its pool is wedged.
Decision: the loop is here, around one request of the library's client: its age is watched, a client that does not
answer is thrown away and made anew, and what lasts is told as an alert, which other channels carry. An update is
confirmed only after it was handled. Consequence: a kill between a press and its row repeats the press under the same
request's id, and nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.admin.client import POLL_S, READ_S, TelegramClient, wait_of, without_token
from bot.admin.incoming import MalformedUpdate, number_of
from bot.alerts.ground import PeopleGround
from bot.domain.errors import StoreError

log: Final = logging.getLogger("quanticity")

SILENT_S: Final = 60.0
_WEDGED_S: Final = READ_S + POLL_S + 15.0
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_LOCK_LOOK_S: Final = 2.0

Handle = Callable[[dict[str, Any], float], Awaitable[None]]
"""Handles one update; the second is the most seconds that it can have waited at Telegram."""


class TelegramPoller:
    """Fetches updates and hands each to `handle`, in their order."""

    def __init__(self, ground: PeopleGround, make: Callable[[], TelegramClient], handle: Handle) -> None:
        self._ground, self._make, self._handle = ground, make, handle
        self._token = ground.secrets.telegram_bot_token or ""
        self._offset: int | None = None
        self._answered_s: float | None = None  # when Telegram last answered a poll
        self._began_s = self._now()
        self._told: set[str] = set()
        self._pause_s = _FIRST_PAUSE_S

    def _now(self) -> float:
        return self._ground.clock.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since Telegram last answered a poll, or since this poller began."""
        return self._now() - (self._answered_s if self._answered_s is not None else self._began_s)

    async def run(self) -> None:
        """Poll until cancelled."""
        async with self._alone():
            while True:
                client = self._make()
                try:
                    await self._poll_with(client)
                finally:
                    await client.close_connections()

    async def _poll_with(self, client: TelegramClient) -> None:
        """Poll until the client is to be made anew."""
        while True:
            gap_s = self.age_s if self._answered_s is not None else float("inf")
            try:
                async with asyncio.timeout(_WEDGED_S):
                    found = await client.raw_updates(self._offset)
            except TimeoutError:
                log.warning("telegram: a poll hangs, its client is made anew")
                await self._look_at_silence()
                return
            except TelegramError as error:
                if await self._failed(error):
                    return
                continue
            await self._answered()
            for raw in found:
                await self._take(raw, gap_s)

    async def _take(self, raw: dict[str, Any], gap_s: float) -> None:
        """Hand on one update; a store that cannot be reached is waited for, for the update must not be lost."""
        try:
            number = number_of(raw)
        except MalformedUpdate as error:
            log.warning(f"telegram: {error}")
            return
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._handle(raw, gap_s)
                break
            except StoreError as error:
                log.warning(f"telegram: an update waits for the store: {error}")
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            except Exception as error:  # the edge of one update: whatever is in it, the next one may be well
                log.error(f"telegram: update {number} failed: {error!r}", exc_info=error)
                break
        self._offset = max(self._offset or 0, number + 1)

    async def _answered(self) -> None:
        self._answered_s, self._pause_s = self._now(), _FIRST_PAUSE_S
        if self._told:
            self._told.clear()
            await self._alert("TELEGRAM_BACK", "Telegram answers polls again")
            self._told.discard("TELEGRAM_BACK")

    async def _failed(self, error: TelegramError) -> bool:
        """Tell what lasts and wait; True where the client is to be made anew."""
        if isinstance(error, RetryAfter):
            await asyncio.sleep(wait_of(error))
            return False
        words = without_token(error, self._token)
        if isinstance(error, Conflict):
            await self._alert("TELEGRAM_CONFLICT", "somebody else polls with this token: requests go to either of us")
        elif isinstance(error, InvalidToken):
            await self._alert("TELEGRAM_REFUSED", f"Telegram does not know the token, or a proxy says so: {words}")
        else:
            log.info(f"telegram: a poll failed: {words}")
        await self._look_at_silence()
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        return isinstance(error, NetworkError | InvalidToken)

    async def _look_at_silence(self) -> None:
        if self.age_s > SILENT_S:
            await self._alert("TELEGRAM_SILENT", f"Telegram has not answered a poll for {self.age_s:.0f} s")

    async def _alert(self, code: str, words: str) -> None:
        """Tell once while it lasts."""
        if code in self._told:
            return
        self._told.add(code)
        log.warning(f"telegram: {words}")
        with contextlib.suppress(StoreError):
            await self._ground.tell("alert", {"code": code, "text": words})

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Hold the lock of this token at this address on this machine; who has it first polls, the other waits. Two
        simulators have the same token, each at an address of its own."""
        where = self._ground.settings.telegram.base_url
        mark = hashlib.sha256(f"{self._token} {where}".encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"quanticity-telegram-{mark}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            while not _locked(handle):
                await self._alert("TELEGRAM_CONFLICT", "another process of this machine polls with this token")
                await asyncio.sleep(_LOCK_LOOK_S)
            yield
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
