"""A webhook of Discord: the row of the channel and its deliverer, a post to one room without any bot in it.

The address is the secret (DISCORD_WEBHOOK_URL); it is asked at `discord.base_url`. A webhook knows no nonce: what may
have arrived is never sent again, and the client's own repetitions, which double a message after an error that followed
its storing, are turned off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from bot.alerts.discord import outcome_of, plain
from bot.alerts.outcomes import DeliveryOutcome, Outgoing, delivered, failed, refused, unknown
from bot.alerts.texts import cut, with_ways
from bot.clocks.clock import wall_seconds
from bot.config.schema import Settings
from bot.config.secret_words import DISCORD_WEBHOOK, Secrets
from bot.domain.message import MessageMode
from bot.engine.outbox.voice import Channel, MessageTarget

if TYPE_CHECKING:
    import aiohttp
    import discord

    from bot.alerts.ground import PeopleGround

NAME: Final = "discord_webhook"
TARGET: Final = "discord-webhook"
CHANNEL: Final = Channel(NAME, edits=True, longest=2000)
_LONGEST: Final = 2000
_DEADLINE_S: Final = 20.0
_LIMITED, _SERVER_FAULT = 429, 500
_UNKNOWN_WEBHOOK: Final = 10015
_GONE: Final = "Discord does not know this webhook any more (404): make a new one and set DISCORD_WEBHOOK_URL"
_LATER_S: Final = 60.0
_GONE_S: Final = 600.0
"""An address that Discord does not know is not asked for so long: who asks it again and again is shut out."""


def targets(settings: Settings, secrets: Secrets) -> Iterable[MessageTarget]:
    """Return the webhook's room; none where no address is given."""
    return (MessageTarget(NAME, TARGET),) if secrets.discord_webhook_url else ()


def make(ground: PeopleGround) -> DiscordWebhookDeliverer:
    """Return the deliverer of a ground with an address."""
    return DiscordWebhookDeliverer(ground)


class _AskedAgainByNobody(Exception):
    """An answer after which the client would post once more by itself."""

    def __init__(self, status: int, wait_s: float | None) -> None:
        super().__init__(f"Discord answered {status}")
        self.status, self.wait_s = status, wait_s


class DiscordWebhookDeliverer:
    """Every post and edit is one request; an address that Discord does not know is left alone for a while."""

    def __init__(self, ground: PeopleGround) -> None:
        self._base = ground.settings.discord.base_url
        self._address = DISCORD_WEBHOOK.match(ground.secrets.discord_webhook_url or "")
        self._session: aiohttp.ClientSession | None = None
        self._gone_until = 0.0

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(self, message: Outgoing) -> DeliveryOutcome:
        """Make one attempt within a deadline."""
        if message.target != TARGET:
            return refused(f"no webhook of Discord is called {message.target}: there is {TARGET} alone")
        if self._address is None:
            return refused("DISCORD_WEBHOOK_URL is no webhook's address: https://discord.com/api/webhooks/ID/TOKEN")
        if wall_seconds() < self._gone_until:
            return refused(_GONE)
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await _send(self._webhook(), message)
        except TimeoutError:
            return unknown(f"no answer within {_DEADLINE_S:g} s")
        except _AskedAgainByNobody as error:
            if error.status == _LIMITED:
                return failed("Discord asks us to wait", error.wait_s or _LATER_S)
            return unknown(f"Discord answered {error.status}")
        except Exception as error:
            return self._found(error)

    def _found(self, error: Exception) -> DeliveryOutcome:
        """Return what an exception of the client says; raises it where it is none of the client's."""
        import discord

        if isinstance(error, discord.NotFound) and error.code == _UNKNOWN_WEBHOOK:
            self._gone_until = wall_seconds() + _GONE_S
            return refused(_GONE)
        found = outcome_of(error)
        if found is None:
            raise error
        return found

    def _webhook(self) -> discord.Webhook:
        import aiohttp
        import discord

        assert self._address is not None
        discord.http.Route.BASE = f"{self._base}/api/v10"
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_DEADLINE_S)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=False, raise_for_status=_once)
        return discord.Webhook.partial(int(self._address["id"]), self._address["token"], session=self._session)


async def _once(answer: aiohttp.ClientResponse) -> None:
    """Raise where the client would wait and post again; every other answer is its own to read."""
    if answer.status == _LIMITED or answer.status >= _SERVER_FAULT:
        wait = answer.headers.get("Retry-After", "")
        raise _AskedAgainByNobody(answer.status, float(wait) if wait.replace(".", "", 1).isdigit() else None)


async def _send(webhook: discord.Webhook, message: Outgoing) -> DeliveryOutcome:
    import discord

    nobody = discord.AllowedMentions.none()
    text = cut(plain(with_ways(message.body, message.extra)), _LONGEST)
    parent = (message.parent or "").partition(":")[2]
    if message.mode is MessageMode.EDIT and parent.isdigit():
        await webhook.edit_message(int(parent), content=text, allowed_mentions=nobody)
        return delivered(message.parent or "")
    silent = bool(message.extra.get("silent"))
    sent = await webhook.send(text, wait=True, allowed_mentions=nobody, silent=silent, suppress_embeds=True)
    return delivered(f"webhook:{sent.id}")
