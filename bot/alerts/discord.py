"""Discord: the row of the channel and its deliverer, the bot's REST without a gateway.

A post carries a nonce made of its dedupe key, and Discord shows one nonce once for a few minutes: what may have arrived
is sent again within them. Nobody is mentioned and nothing is formatted: a text is data.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from bot.alerts.outcomes import DeliveryOutcome, Outgoing, delivered, failed, refused, unknown
from bot.alerts.texts import cut, with_ways
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.message import MessageMode
from bot.engine.outbox.voice import Channel, MessageTarget

if TYPE_CHECKING:
    import discord

    from bot.alerts.ground import PeopleGround

NAME: Final = "discord"
_REPEATS_S: Final = 120.0
CHANNEL: Final = Channel(NAME, edits=True, repeats_within_s=_REPEATS_S, longest=2000)
_LONGEST: Final = 2000
_NONCE: Final = 24  # of 25 characters that it may have
_DEADLINE_S: Final = 20.0
_LONGEST_WAIT_S: Final = 30.0  # the client itself waits no longer for a rate limit
_LOGIN_WAIT_S: Final = 60.0
_SERVER_FAULT: Final = 500
_MARKS: Final = re.compile(r"([\\*_~`|\[\]()<>@#:])")
_LINE_START: Final = re.compile(r"^(\s*)([-+]|\d+\.)(\s)", re.MULTILINE)


def targets(settings: Settings, secrets: Secrets) -> Iterable[MessageTarget]:
    """Return the channels of the settings; none without a token."""
    if not secrets.discord_bot_token:
        return ()
    return tuple(MessageTarget(NAME, name) for name in settings.alerts.discord)


def plain(text: str) -> str:
    """Return a text as Discord shows it letter for letter: no bold, no heading, no link, no mention."""
    escaped = _MARKS.sub(r"\\\1", text)
    return _LINE_START.sub(r"\1\\\2\3", escaped)


def nonce_of(message: Outgoing) -> str:
    """Return the nonce of a message, the same at every attempt."""
    return sha256(message.dedupe_key.encode()).hexdigest()[:_NONCE]


def make(ground: PeopleGround) -> DiscordDeliverer:
    """Return the deliverer for a ground with a token."""
    return DiscordDeliverer(ground)


class DiscordDeliverer:
    """Logs in once, at the first message; every post and edit is one request."""

    def __init__(self, ground: PeopleGround) -> None:
        self._token = ground.secrets.discord_bot_token or ""
        self._base = ground.settings.discord.base_url
        self._places = dict(ground.settings.alerts.discord)
        self._client: discord.Client | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def deliver(self, message: Outgoing) -> DeliveryOutcome:
        """Make one attempt within a deadline."""
        place = self._places.get(message.target)
        if place is None:
            return refused(f"no Discord channel is called {message.target} in the settings (alerts.discord)")
        try:
            async with asyncio.timeout(_DEADLINE_S):
                client = await self._logged_in()
        except TimeoutError:
            return failed(f"no login within {_DEADLINE_S:g} s")
        except Exception as error:  # whatever kept us from logging in, nothing was posted
            return _not_logged_in(error)
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await _send(client, place, message)
        except TimeoutError:
            return unknown(f"no answer within {_DEADLINE_S:g} s")
        except Exception as error:
            found = outcome_of(error)
            if found is None:
                raise
            return found

    async def _logged_in(self) -> discord.Client:
        import discord

        async with self._turn:
            if self._client is None:
                discord.http.Route.BASE = f"{self._base}/api/v10"
                client = discord.Client(intents=discord.Intents.none(), max_ratelimit_timeout=_LONGEST_WAIT_S)
                try:
                    await client.login(self._token)
                except BaseException:
                    with suppress(Exception):
                        await client.close()
                    raise
                self._client = client
            return self._client


async def _send(client: discord.Client, place: int, message: Outgoing) -> DeliveryOutcome:
    import discord

    nobody = discord.AllowedMentions.none()
    channel = client.get_partial_messageable(place)
    text = cut(plain(with_ways(message.body, message.extra)), _LONGEST)
    parent = _message_id(message.parent)
    if message.mode is MessageMode.EDIT and parent is not None:
        await channel.get_partial_message(parent).edit(content=text, allowed_mentions=nobody)
        return delivered(message.parent or "")
    more: dict[str, Any] = {}
    if message.mode is MessageMode.REPLY and parent is not None:
        more["reference"] = discord.MessageReference(message_id=parent, channel_id=place, fail_if_not_exists=False)
    sent = await channel.send(
        text,
        nonce=nonce_of(message),
        allowed_mentions=nobody,
        silent=bool(message.extra.get("silent")),
        suppress_embeds=True,
        **more,
    )
    return delivered(f"{place}:{sent.id}")


def _message_id(parent: str | None) -> int | None:
    number = (parent or "").partition(":")[2]
    return int(number) if number.isdigit() else None


def _not_logged_in(error: Exception) -> DeliveryOutcome:
    import discord

    if isinstance(error, discord.LoginFailure):
        return failed("Discord does not know the token (401)", _LOGIN_WAIT_S)
    found = outcome_of(error)
    wait = found.retry_after_s if found is not None else None
    return failed(f"Discord could not be logged in to: {type(error).__name__}", wait)


def outcome_of(error: Exception) -> DeliveryOutcome | None:
    """Return what an exception of the client says of one request; None where it is none of the client's."""
    import aiohttp
    import discord

    if isinstance(error, discord.RateLimited):
        return failed("Discord asks us to wait", error.retry_after)
    if isinstance(error, discord.HTTPException):
        return _of_answer(error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return failed(f"Discord cannot be reached: {error.os_error.strerror or 'no connection'}")
    if isinstance(error, aiohttp.ClientError | OSError):
        return unknown(f"the connection broke: {type(error).__name__}")
    if isinstance(error, KeyError | TypeError | ValueError):  # an answer that the client cannot read
        return unknown(f"Discord's answer cannot be read: {type(error).__name__}")
    return None


def _of_answer(error: discord.HTTPException) -> DeliveryOutcome:
    if error.status >= _SERVER_FAULT:
        return unknown(f"Discord answered {error.status}")
    if error.status == 401:
        return failed("Discord does not know the token (401)", _LOGIN_WAIT_S)
    if error.status == 429:
        return failed("Discord asks us to wait", _LONGEST_WAIT_S)
    return refused(f"Discord refuses it: {error.status} {cut(error.text, 150)}")
