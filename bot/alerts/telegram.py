"""Who is on Telegram: the row of the table of channels. What sends is `bot.admin.deliverer`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot.config.people import roster_of
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.engine.outbox.voice import Channel, MessageTarget

NAME: Final = "telegram"
CHANNEL: Final = Channel(NAME, edits=True, per_minute=20, longest=4000)


def targets(settings: Settings, secrets: Secrets) -> Iterable[MessageTarget]:
    """Return the people with a Telegram id and the chats of the settings; nobody without a token."""
    if not secrets.telegram_bot_token:
        return ()
    people = [
        MessageTarget(NAME, p.name, p.role) for p in roster_of(settings).people.values() if p.telegram_id is not None
    ]
    return (*people, *(MessageTarget(NAME, name) for name in settings.telegram.chats))
