"""Replies to chats: in the order of each chat, on their own time, so that no answer holds up a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError

from bot.admin.client import TelegramClient, is_parse_error, wait_of, without_token
from bot.admin.replies import Replies
from bot.admin.texts import ChatReply, cut
from bot.charts.chart import Chart
from bot.charts.picture import NotDrawn, png

log: Final = logging.getLogger("quanticity")

_WAITS_MOST_S: Final = 60.0
_A_ROW: Final = 3
_TOAST: Final = 200
_WAITING_MOST: Final = 500
Next = Callable[[], Awaitable[None]]
"""What follows a reply that is out."""


async def nothing() -> None:
    """Nothing follows a reply."""


class Sender:
    """Sends replies of one client."""

    def __init__(self, client: TelegramClient, token: str, replies: Replies | None = None) -> None:
        self._client, self._token, self._replies = client, token, replies
        self._order: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._moved: dict[int, int] = {}
        self._drawing = asyncio.Lock()  # a child that draws takes much memory
        self._tasks: set[asyncio.Task[None]] = set()

    def say(
        self,
        chat_id: int,
        reply: ChatReply,
        *,
        replaces: int | None = None,
        then: Next = nothing,
    ) -> None:
        """Send a reply as soon as the chat's earlier ones are out and there is room in its minute; `replaces`: the
        message whose text it takes; `then` follows when it is out."""
        if len(self._tasks) >= _WAITING_MOST:
            log.warning("telegram: too many replies wait, one is left out")
            return
        self._start(self._say(chat_id, reply, replaces, then))

    def draw(self, chat_id: int, chart: Chart) -> None:
        """Send a chart as a picture, after what was said to the chat so far; one that is not drawn is left out."""
        if len(self._tasks) < _WAITING_MOST:
            self._start(self._draw(chat_id, chart))

    def toast(self, press_id: str, text: str = "") -> None:
        """Answer a press, so that its button does not go on waiting."""
        self._start(self._toast(press_id, text))

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def done(self) -> None:
        """Wait until everything that was to be said is out or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._replies is not None:
            await self._replies.close()
        await self._client.close_connections()

    async def _toast(self, press_id: str, text: str) -> None:
        with contextlib.suppress(TelegramError):  # too old an answer is refused, and the button has let go by then
            await self._client.answer_callback_query(press_id, cut(text, _TOAST) or None)

    async def _say(self, chat_id: int, reply: ChatReply, replaces: int | None, then: Next) -> None:
        async with self._order[chat_id]:
            if replaces is None:
                await self._room(chat_id)
            try:
                await self._attempt_twice(chat_id, reply, replaces)
            except TelegramError as error:
                log.warning(f"telegram: a reply was not sent: {without_token(error, self._token)}")
                return
        await then()

    async def _room(self, chat_id: int) -> None:
        if self._replies is not None:
            await self._replies.room(self._moved.get(chat_id, chat_id))

    async def _attempt_twice(self, chat_id: int, reply: ChatReply, replaces: int | None) -> None:
        try:
            await self._attempt(chat_id, reply, replaces)
        except RetryAfter as error:
            await asyncio.sleep(min(wait_of(error), _WAITS_MOST_S))
            await self._attempt(chat_id, reply, replaces)

    async def _draw(self, chat_id: int, chart: Chart) -> None:
        async with self._drawing:
            try:
                drawn = await asyncio.to_thread(png, chart)
            except NotDrawn as error:
                log.warning(f"telegram: a picture was not drawn: {error}")
                return
        async with self._order[chat_id]:
            await self._room(chat_id)
            try:
                await self._client.send_photo(self._moved.get(chat_id, chat_id), drawn, caption=chart.summary[:1000])
            except TelegramError as error:
                log.warning(f"telegram: a picture was not sent: {without_token(error, self._token)}")

    async def _attempt(self, chat_id: int, reply: ChatReply, replaces: int | None) -> None:
        try:
            await self._send(self._moved.get(chat_id, chat_id), reply.html, "HTML", reply, replaces)
        except ChatMigrated as moved:
            self._moved[chat_id] = moved.new_chat_id
            await self._send(moved.new_chat_id, reply.html, "HTML", reply, None)
        except BadRequest as error:
            if not is_parse_error(error):
                raise
            await self._send(self._moved.get(chat_id, chat_id), reply.plain, None, reply, replaces)

    async def _send(self, chat_id: int, text: str, mode: str | None, reply: ChatReply, replaces: int | None) -> None:
        how: dict[str, Any] = {
            "parse_mode": mode,
            "reply_markup": _keyboard(reply),
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }
        if replaces is not None:
            await self._client.edit_message_text(text, chat_id=chat_id, message_id=replaces, **how)
        else:
            await self._client.send_message(chat_id, text, **how)


def _keyboard(reply: ChatReply) -> InlineKeyboardMarkup | None:
    if not reply.buttons:
        return None
    keys = [InlineKeyboardButton(label, callback_data=data) for label, data in reply.buttons]
    return InlineKeyboardMarkup([keys[at : at + _A_ROW] for at in range(0, len(keys), _A_ROW)])
