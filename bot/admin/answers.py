"""What the bot answers to a request is told to whoever asked, across a restart too."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import Final

from bot.admin.case import ChatCase
from bot.admin.incoming import Incoming
from bot.admin.pages import ChatPages
from bot.admin.texts import ChatReply
from bot.alerts.ground import PeopleGround
from bot.domain.actors import Person, Role
from bot.domain.errors import StoreError
from bot.store import read as ask
from bot.store.read.telegram import (
    UpdateMark,
    mark_answered,
    unanswered,
)

log: Final = logging.getLogger("quanticity")

_ANSWER_MOST_S: Final = 30.0
_ANSWER_LOOK_S: Final = 0.5  # the bell says when there is something to see
_REMEMBERED: Final = 1000
_ANSWERS_FOR_S: Final = 600.0
"""Wall seconds for which an answer is owed across a restart."""
_SAID_AGAIN: Final = "After a restart, for this answer may not have reached you.\n"


class AnswersOwed:
    """Of the requests that came by Telegram."""

    def __init__(self, ground: PeopleGround, pages: ChatPages) -> None:
        self._ground, self._pages = ground, pages
        self.tasks: set[asyncio.Task[None]] = set()
        self._watched: set[str] = set()  # updates whose answer is told, or is about to be: once by this process

    def watch(self, case: ChatCase, before: str = "") -> None:
        """Tell the answer once it is there; once by this process, whoever asks for it."""
        if case.mark.id in self._watched:
            return
        if len(self._watched) >= _REMEMBERED:
            self._watched.clear()
        self._watched.add(case.mark.id)
        task = asyncio.create_task(self._tell_answer(case, before))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _tell_answer(self, case: ChatCase, before: str) -> None:
        """Tell what the bot answered, once it has, after the words `before`; then it is on record as told."""
        clock, began = self._ground.clock, self._ground.clock.monotonic()
        while clock.monotonic() - began < _ANSWER_MOST_S:
            heard = self._ground.bell.rings
            try:
                row = await self._ground.look(lambda connection: ask.command(connection, case.mark.command_id))
            except StoreError:
                row = None
            if row is not None and row.state != "queued":
                head = "Done" if row.state == "done" else "Refused"
                self._pages.reply(
                    case, ChatReply(f"{before}{head}: {row.answer}"), then=partial(self._answered, case.mark)
                )
                return
            await self._ground.bell.after(heard, _ANSWER_LOOK_S)
        self._pages.reply(
            case, ChatReply("The bot has not answered yet. The request stands until it expires: see /health.")
        )

    async def _answered(self, mark: UpdateMark) -> None:
        try:
            await asyncio.to_thread(mark_answered, self._ground.database_url, mark.id, self._ground.clock.now())
        except StoreError as error:
            log.warning(f"telegram: an answer that was told is not on record, it may be told again: {error}")

    async def resume(self, bot_id: str) -> None:
        """Take up what the process before this one was asked and did not tell the answer of: Telegram brings such an
        update no second time once it was confirmed."""
        clock = self._ground.clock
        since = clock.now() - timedelta(seconds=_ANSWERS_FOR_S * max(clock.speed, 1e-6))
        try:
            found = await self._ground.look(lambda connection: unanswered(connection, since))
        except StoreError as error:
            log.warning(f"telegram: whose answers are owed cannot be read: {error}")
            return
        for mark in found:
            if mark.id.startswith(f"{bot_id}:"):
                self.watch(_owed(mark), _SAID_AGAIN)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def _owed(mark: UpdateMark) -> ChatCase:
    """Return an update of a process before this one, as far as it is needed to tell its answer."""
    name = mark.actor.rpartition(":")[2]
    return ChatCase(Incoming(0, 0, mark.chat, True, 0, mark.at), Person(name, Role.VIEWER), mark, 0.0)
