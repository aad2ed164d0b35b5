"""The task of Telegram in the people's process: poll, handle, answer; the menu of each person."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from datetime import timedelta
from functools import partial
from typing import Final

from telegram import BotCommand, BotCommandScopeChat
from telegram.error import TelegramError

from bot.admin.client import TelegramClient, make_client
from bot.admin.commands import for_role
from bot.admin.desk import ChatDesk
from bot.admin.poller import TelegramPoller
from bot.admin.replies import Replies
from bot.admin.sender import Sender
from bot.alerts.ground import PeopleGround
from bot.config.people import roster_of
from bot.domain.actors import Person
from bot.domain.errors import StoreError
from bot.store.read.telegram import forget_updates

log: Final = logging.getLogger("quanticity")

_KEPT: Final = timedelta(days=7)
_HELLO_AGAIN_S: Final = 30.0


async def serve(ground: PeopleGround) -> None:
    """Serve until cancelled; without a token there is nothing to do."""
    token = ground.secrets.telegram_bot_token
    if not token:
        await asyncio.Event().wait()
        return
    make = partial(make_client, token, ground.settings.telegram.base_url)
    with contextlib.suppress(StoreError):
        before = ground.clock.now() - _KEPT
        await asyncio.to_thread(forget_updates, ground.database_url, before)
    client = make()
    sender = Sender(client, token, Replies(ground))
    desk = ChatDesk(ground, sender, token.partition(":")[0], lambda: secrets.randbits(80))
    hello = asyncio.create_task(_introduce(ground, client, desk))
    try:
        await desk.resume()
        await TelegramPoller(ground, make, desk.handle).run()
    finally:
        hello.cancel()
        with contextlib.suppress(asyncio.CancelledError, StoreError):
            await desk.close()
        await sender.close()


async def _introduce(ground: PeopleGround, client: TelegramClient, desk: ChatDesk) -> None:
    """Learn our own name, and give everybody the menu of what they may do."""
    while not desk.username:
        try:
            desk.username = (await client.get_me()).username or "?"
        except TelegramError:
            await asyncio.sleep(_HELLO_AGAIN_S)
    for person in roster_of(ground.settings).people.values():
        if person.telegram_id is not None:
            with contextlib.suppress(TelegramError):  # who never spoke to the bot has no chat with it yet
                await client.set_my_commands(_menu(person), scope=BotCommandScopeChat(person.telegram_id))


def _menu(person: Person) -> list[BotCommand]:
    rows = [BotCommand(row.name, row.does[:256]) for row in for_role(person.role)]
    return [*rows, BotCommand("help", "what you may do here")]
