"""Who and what a simulated day has besides a market: people, their rooms, and the keys of the simulator's own.

The ids are the simulator's. A chat, channel or mailbox that is not named here appears with the first message to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.domain.actors import SIM_PEOPLE


@dataclass(frozen=True, slots=True)
class SimulatedPerson:
    """A person with a phone: Telegram id, which is the id of the private chat as well, name, and role of the bot's."""

    telegram_id: int
    name: str
    role: str


CAST: Final = tuple(SimulatedPerson(person.telegram_id or 0, person.name, person.role.value) for person in SIM_PEOPLE)
"""The people of a simulated day, each with the role that the name says."""

STRANGER: Final = SimulatedPerson(1900, "stranger", "")
"""Somebody who found the bot by its name."""

ADMIN_GROUP: Final = -1001
"""A group in which the cast sits together; as a supergroup it is -1000000001001."""

ALERTS_CHANNEL: Final = 100_000_000_000_000_001
"""The Discord channel for alerts; a snowflake, as Discord's ids are."""

MAILBOX: Final = "owner@quanticity.test"
"""The owner's mailbox."""

HOOK: Final = "hook"
"""The path of the receiver at which the simulator knows the secret."""

SENDER: Final = "bot@quanticity.test"

SIMULATED_SECRETS: Final = MappingProxyType(
    {
        "telegram_bot_token": "1000000001:of-the-simulator",
        "discord_bot_token": "of-the-simulator.discord",
        "discord_webhook_url": "https://discord.com/api/webhooks/100000000000000002/of-the-simulator-webhook",
        "anthropic_api_key": "of-the-simulator.anthropic",
        "smtp_username": "of-the-simulator.mail",
        "smtp_password": "of-the-simulator.mail-word",
        "alert_hook_secret": "of-the-simulator.hook",
    }
)
"""What the services ask for in mode sim, by the field's name in `Secrets`: secret to nobody, and no key of anything."""


def telegram_token(port: int) -> str:
    """Return the token of the simulated bot at a port: each simulator of a machine has its own, for a token has one
    poller."""
    return f"{SIMULATED_SECRETS['telegram_bot_token']}-{port}"
