"""The client of Telegram's Bot API: made in one place, with its timeouts, without the environment's proxies, and quiet.

`httpx` logs each address at INFO, and the address holds the token: its logger starts at WARNING here, before anything
is sent. What an error of the library means for a message stands here as well: which of them prove that nothing went
out, and which leave it open.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any, Final

os.environ.setdefault("PTB_TIMEDELTA", "true")  # times as spans; the other form is deprecated, with a warning each time

import httpx
from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut
from telegram.request import HTTPXRequest

CONNECT_S: Final = 10.0
READ_S: Final = 20.0
POLL_S: Final = 10
"""Seconds for which a poll is held open; its answer is waited for READ_S longer."""
_NEVER_SENT: Final = (httpx.PoolTimeout, httpx.ConnectTimeout, httpx.ConnectError)
_ALLOWED: Final = ["message", "callback_query", "my_chat_member"]


class TelegramClient(Bot):
    """A bot of the library, with updates as they come over the wire: one that cannot be parsed must not hold up the
    others for ever."""

    async def raw_updates(self, offset: int | None) -> list[dict[str, Any]]:
        """Return what waits from `offset` on, held open for POLL_S; raises the library's errors."""
        data: dict[str, Any] = {"timeout": POLL_S, "allowed_updates": _ALLOWED}
        if offset is not None:
            data["offset"] = offset
        found = await self._post("getUpdates", data, read_timeout=READ_S + POLL_S)
        if not isinstance(found, list):
            raise NetworkError("getUpdates was answered by something that is no list")
        return found

    async def close_connections(self) -> None:
        """Let go of every connection; the library's own `shutdown` does nothing before a first `getMe`."""
        for request in self._request:
            await request.shutdown()


def make_client(token: str, base_url: str) -> TelegramClient:
    """Return a client that has not spoken yet; `base_url` is scheme and host, say https://api.telegram.org."""
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return TelegramClient(
        token,
        base_url=f"{base_url}/bot",
        base_file_url=f"{base_url}/file/bot",
        request=_request(16),
        get_updates_request=_request(1),
    )


def _request(pool: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=pool,
        read_timeout=READ_S,
        write_timeout=READ_S,
        connect_timeout=CONNECT_S,
        pool_timeout=CONNECT_S,
        httpx_kwargs={"trust_env": False},
    )


def surely_not_sent(error: NetworkError | TimedOut) -> bool:
    """Say whether an error proves that nothing left this machine."""
    return isinstance(error.__cause__, _NEVER_SENT)


def wait_of(error: RetryAfter) -> float:
    """Return the seconds that Telegram asks us to wait."""
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


def is_parse_error(error: BadRequest) -> bool:
    return "parse" in error.message.lower() or "entit" in error.message.lower()


def is_unchanged(error: BadRequest) -> bool:
    return "not modified" in error.message.lower()


def is_gone(error: BadRequest) -> bool:
    """Say whether the message to edit or to answer is not there any more."""
    said = error.message.lower()
    return "to edit not found" in said or "can't be edited" in said or "replied not found" in said


def without_token(text: object, token: str) -> str:
    """Return an error's words without the token, which some of them hold as a part of the address."""
    return str(text).replace(token, "***") if token else str(text)
