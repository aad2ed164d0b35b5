"""The deliverer of the channel `telegram`: one attempt for a message, and what surely or possibly came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.alerts.channels import DeliveryOutcome, Outgoing, delivered, failed, refused, unknown
from bot.alerts.ground import PeopleGround
from bot.config.people import roster_of
from bot.domain.message import MessageMode

log: Final = logging.getLogger("quanticity")

_TOKEN_WAIT_S: Final = 60.0
_PROBE_S: Final = 5.0


def make(ground: PeopleGround) -> TelegramDeliverer:
    """Return the deliverer for a ground with a token."""
    return TelegramDeliverer(ground)


class TelegramDeliverer:
    """Sends to persons by their id, to chats by the id of the settings; a group that became a supergroup is followed
    for the rest of this run."""

    def __init__(self, ground: PeopleGround) -> None:
        from bot.admin.client import make_client

        self._token = ground.secrets.telegram_bot_token or ""
        self._bot = make_client(self._token, ground.settings.telegram.base_url)
        people = roster_of(ground.settings).people.values()
        self._chats = {person.name: person.telegram_id for person in people if person.telegram_id is not None}
        self._chats |= dict(ground.settings.telegram.chats)
        self._ground = ground
        self._in_doubt = False  # the last attempt's answer never came
        self._probing = asyncio.Lock()

    async def close(self) -> None:
        await self._bot.close_connections()

    async def deliver(self, message: Outgoing) -> DeliveryOutcome:
        """Make one attempt. Telegram shows a repeat twice, so after an attempt whose answer never came nothing is sent
        before Telegram has answered a question that changes nothing: of a silent hour only what was under way is in
        doubt, and all else goes out afterwards."""
        if self._in_doubt and not await self._answers():
            return failed("Telegram does not answer, so nothing was sent")
        outcome = await self._deliver(message)
        self._in_doubt = outcome.word == "unknown"
        return outcome

    async def _answers(self) -> bool:
        """Say whether Telegram answers at all; one question at a time, the others take its answer."""
        from telegram.error import InvalidToken, TelegramError

        from bot.admin.client import without_token

        async with self._probing:
            if self._in_doubt:
                try:
                    await self._bot.get_me(read_timeout=_PROBE_S)
                except InvalidToken:
                    log.info("telegram: it answers, and refuses the token")
                except TelegramError as error:
                    log.info(f"telegram: still silent: {without_token(error, self._token)}")
                    return False
                self._in_doubt = False
        return True

    async def _deliver(self, message: Outgoing) -> DeliveryOutcome:
        """Make the attempt; a chat that moved is tried once more under its new id, a text that Telegram cannot parse
        once more without markup: of both, nothing had been posted."""
        from telegram.error import BadRequest, ChatMigrated

        from bot.admin.client import is_gone, is_parse_error

        chat = self._chats.get(message.target)
        if chat is None:
            return refused(f"nobody called {message.target} has an id at Telegram in the settings")
        try:
            return await self._attempt(message, chat, marked_up=True)
        except ChatMigrated as moved:
            log.warning(f"telegram: the chat {message.target} became a supergroup, its id is {moved.new_chat_id} now")
            self._chats[message.target] = moved.new_chat_id
            anew = message.mode is not MessageMode.NEW  # what it edits or answers stayed behind in the old chat
            return await self._guarded(message, moved.new_chat_id, marked_up=True, anew=anew)
        except BadRequest as error:
            if is_parse_error(error):
                return await self._guarded(message, chat, marked_up=False)
            if is_gone(error) and message.mode is not MessageMode.NEW:
                return await self._guarded(message, chat, marked_up=True, anew=True)
            return refused(f"Telegram refuses it: {error.message}")

    async def _guarded(self, message: Outgoing, chat: int, *, marked_up: bool, anew: bool = False) -> DeliveryOutcome:
        from telegram.error import BadRequest, ChatMigrated

        try:
            return await self._attempt(message, chat, marked_up=marked_up, anew=anew)
        except (BadRequest, ChatMigrated) as error:
            return refused(f"Telegram refuses it: {error.message}")

    async def _attempt(self, message: Outgoing, chat: int, *, marked_up: bool, anew: bool = False) -> DeliveryOutcome:
        """Raises BadRequest and ChatMigrated, after which nothing was posted."""
        from telegram.error import (
            BadRequest,
            ChatMigrated,
            Forbidden,
            InvalidToken,
            NetworkError,
            RetryAfter,
            TelegramError,
        )

        from bot.admin.client import is_unchanged, surely_not_sent, wait_of, without_token

        try:
            return await self._send(message, chat, marked_up=marked_up, anew=anew)
        except RetryAfter as error:
            return failed("Telegram asks us to wait", wait_of(error))
        except Forbidden as error:
            return refused(f"Telegram does not let us write to {message.target}: {error.message}")
        except InvalidToken:
            return failed("Telegram does not know the token (401 or 404)", _TOKEN_WAIT_S)
        except (BadRequest, ChatMigrated) as error:
            if isinstance(error, BadRequest) and is_unchanged(error):
                return delivered(message.parent or "")
            raise
        except NetworkError as error:
            words = without_token(error, self._token)
            return failed(words) if surely_not_sent(error) else unknown(words)
        except TelegramError as error:
            return unknown(without_token(error, self._token))

    async def _send(self, message: Outgoing, chat: int, *, marked_up: bool, anew: bool) -> DeliveryOutcome:
        from telegram import LinkPreviewOptions, ReplyParameters

        from bot.admin.texts import LONGEST, as_html, cut

        how: dict[str, Any] = {
            "text": as_html(message.body) if marked_up else cut(message.body, LONGEST),
            "parse_mode": "HTML" if marked_up else None,
            "reply_markup": keyboard(message.extra),
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }
        place = None if anew or message.mode is MessageMode.NEW else _place(message.parent)
        if place is not None and message.mode is MessageMode.EDIT:
            await self._bot.edit_message_text(chat_id=place[0], message_id=place[1], **how)
            return delivered(message.parent or "")
        if place is not None:
            how["reply_parameters"] = ReplyParameters(place[1], allow_sending_without_reply=True)
        quiet = bool(message.extra.get("silent"))
        self._ground.pace.went(chat, self._ground.clock.monotonic())
        sent = await self._bot.send_message(chat, disable_notification=quiet, **how)
        return delivered(f"{sent.chat.id}:{sent.message_id}")


def _place(parent: str | None) -> tuple[int, int] | None:
    """Return (chat, message) of our form of an id, None where there is none."""
    chat, _, number = (parent or "").partition(":")
    try:
        return int(chat), int(number)
    except ValueError:
        return None


def keyboard(extra: Mapping[str, Any]) -> Any:
    """Return the buttons of a message as the library has them, one row; None for none. Data of more than 64 bytes is
    none that Telegram takes, and is left out."""
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    found = extra.get("buttons") or []
    row = [
        InlineKeyboardButton(str(each[0]), callback_data=str(each[1]))
        for each in found
        if isinstance(each, Sequence) and len(each) == 2 and len(str(each[1]).encode()) <= 64
    ]
    return InlineKeyboardMarkup([row]) if row else None
