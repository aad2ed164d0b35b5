"""The long poll of the simulated Bot API: what waits is brought until it is confirmed, to the newest poller alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any, Final

from aiohttp import web

from bot.sim.services.book import Service, ServiceBook
from bot.sim.services.faults import UPDATES, Bend, FaultBoard
from bot.sim.services.telegram_fields import TelegramRefused, listed, whole
from bot.sim.services.web_service import ServiceRequest

CONFLICT: Final = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_LONGEST_POLL_S: Final = 50.0
_AN_HOUR: Final = 3600
_MOST_UPDATES: Final = 100
_DEFAULT_UPDATES: Final = frozenset({"message", "edited_message", "callback_query", "my_chat_member"})
"""What comes when a poll names nothing: reactions and members of others only when asked for."""


class TelegramPoll:
    """Brings the book's updates. `cut` is set when the service ends."""

    def __init__(self, book: ServiceBook, board: FaultBoard, cut: asyncio.Event) -> None:
        self.book, self.board, self._cut = book, board, cut
        self._news = asyncio.Event()
        self._polls = 0
        self._wanted = _DEFAULT_UPDATES
        self._given: list[dict[str, Any]] = []
        book.listeners.append(self._news.set)

    async def get_updates(self, request: ServiceRequest) -> list[dict[str, Any]]:
        fields = request.fields
        if (wanted := listed(fields.get("allowed_updates"))) is not None:
            self._wanted = frozenset(wanted) or _DEFAULT_UPDATES
        offset = whole(fields.get("offset"), 0)
        self._confirm(offset)
        self._polls += 1
        mine = self._polls
        self._news.set()  # an older poll learns of this one
        limit = whole(fields.get("limit"), _MOST_UPDATES)
        until = asyncio.get_running_loop().time() + min(float(whole(fields.get("timeout"), 0)), _LONGEST_POLL_S)
        while not (found := self._waiting(limit)):
            left = until - asyncio.get_running_loop().time()
            heard = left > 0 and await self._until_news(request.raw, left)
            if mine != self._polls:
                raise TelegramRefused(409, CONFLICT)
            if not heard:
                return []
        return self._bent(found)

    def _confirm(self, offset: int) -> None:
        before = len(self.book.updates)
        if offset > 0:
            self.book.updates = [each for each in self.book.updates if each["update_id"] >= offset]
        elif offset < 0:
            self.book.updates = self.book.updates[offset:]
        if len(self.book.updates) != before:
            self.book.changed()

    def _waiting(self, limit: int) -> list[dict[str, Any]]:
        allowed = [each for each in self.book.updates if _kind(each) in self._wanted or _kind(each) == ""]
        return allowed[:limit]

    async def _until_news(self, raw: web.Request | None, seconds: float) -> bool:
        """Wait for a change of the book, at most a second; says whether the client is still there."""
        self._news.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), min(seconds, 1.0))
        transport = raw.transport if raw is not None else None
        return not self._cut.is_set() and transport is not None and not transport.is_closing()

    def _bent(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the updates as the fault on the poll has them."""
        fault = self.board.meet(Service.TELEGRAM, UPDATES)
        given, self._given = [*self._given], deepcopy(found)
        if fault is None:
            return found
        bent = deepcopy(found)
        if fault.fault is Bend.REPEATED:
            return [*given, *bent, *bent]
        if fault.fault is Bend.REORDERED:
            return bent[::-1]
        if fault.fault is Bend.MALFORMED:
            return [{"update_id": each["update_id"], "message": {"message_id": "none", "chat": 5}} for each in bent]
        for each in bent:
            _make_old(each)
        return bent


def _kind(update: Mapping[str, Any]) -> str:
    return next((key for key in update if key != "update_id"), "")


def _make_old(update: dict[str, Any]) -> None:
    for content in update.values():
        if isinstance(content, dict):
            inner = content.get("message", content)
            for each in {id(content): content, id(inner): inner}.values():
                if isinstance(each, dict) and "date" in each:
                    each["date"] -= _AN_HOUR
