"""The port of a channel, and the table of all: a channel is a module with a deliverer and a row here.

The engine says what is to be sent (`message` rows in `sending`), a deliverer sends one of them and says what came of
it; that goes back by `inbound`, and the engine decides what follows. A deliverer decides nothing and never tries twice:
what may have arrived is `unknown`, what surely did not is `failed` (it may be tried again) or `refused` (it may not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Final, Protocol

from bot.alerts import discord, discord_webhook, email, telegram, webhook
from bot.alerts.ground import PeopleGround
from bot.alerts.outcomes import DeliveryOutcome, Outgoing, delivered, failed, refused, unknown
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.engine.outbox.voice import Channel, MessageTarget, Voice

__all__ = [
    "CHANNELS",
    "ChannelRow",
    "Deliverer",
    "DeliveryOutcome",
    "Outgoing",
    "delivered",
    "failed",
    "refused",
    "unknown",
    "voice_of",
]


class Deliverer(Protocol):
    """Sends messages of one channel. Its client library is loaded when the first one is sent."""

    async def deliver(self, message: Outgoing) -> DeliveryOutcome:
        """Make one attempt, within a deadline of its own; raises nothing for what a channel may answer."""
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is sent afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel: what the engine has to know of it, who is on it (nobody: it is not configured), and the function
    `module:name` that makes its deliverer of a `PeopleGround`."""

    channel: Channel
    targets: Callable[[Settings, Secrets], Iterable[MessageTarget]]
    deliverer: str

    def make(self, ground: PeopleGround) -> Deliverer:
        """Return its deliverer; the module is loaded now."""
        module, name = self.deliverer.split(":")
        made: Deliverer = getattr(import_module(module), name)(ground)
        return made


_ROWS: Final = (
    ChannelRow(telegram.CHANNEL, telegram.targets, "bot.admin.deliverer:make"),
    ChannelRow(discord.CHANNEL, discord.targets, "bot.alerts.discord:make"),
    ChannelRow(discord_webhook.CHANNEL, discord_webhook.targets, "bot.alerts.discord_webhook:make"),
    ChannelRow(email.CHANNEL, email.targets, "bot.alerts.email:make"),
    ChannelRow(webhook.CHANNEL, webhook.targets, "bot.alerts.webhook:make"),
)
CHANNELS: Final[Mapping[str, ChannelRow]] = MappingProxyType({row.channel.name: row for row in _ROWS})


def voice_of(settings: Settings, secrets: Secrets) -> Voice:
    """Return who can be spoken to by these settings and secrets."""
    targets = tuple(target for row in CHANNELS.values() for target in row.targets(settings, secrets))
    there = {target.channel for target in targets}
    return Voice({name: row.channel for name, row in CHANNELS.items() if name in there}, targets, waits=True)
