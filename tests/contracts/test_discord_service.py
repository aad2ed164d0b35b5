"""The simulated Discord against discord.py without a gateway: the bot's posts by nonce, webhooks, and each fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest
import pytest_asyncio

from bot.sim.services.cast import ALERTS_CHANNEL, SIMULATED_SECRETS
from bot.sim.services.faults import Bend
from tests.contracts.service_sites import Site, patience, services

KEY = f"discord:{ALERTS_CHANNEL}"
HOOK, HOOK_TOKEN = 123456789012345678, "x" * 68
HOOK_KEY = f"discord:webhook-{HOOK}"
NOBODY = discord.AllowedMentions.none()


@pytest_asyncio.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with services() as running:
        monkeypatch.setattr(discord.http.Route, "BASE", f"{running.url('discord')}/api/v10")
        yield running


@pytest_asyncio.fixture
async def client(site: Site) -> AsyncIterator[discord.Client]:
    async with discord.Client(intents=discord.Intents.none()) as opened:
        await opened.login(SIMULATED_SECRETS["discord_bot_token"])
        yield opened


def channel(client: discord.Client) -> discord.PartialMessageable:
    return client.get_partial_messageable(ALERTS_CHANNEL)


async def test_a_post_arrives_is_edited_read_and_removed(site: Site, client: discord.Client) -> None:
    embed = discord.Embed(title="CRITICAL", description="no answer from the broker").add_field(name="order", value="1")
    sent = await channel(client).send("alert", embed=embed, allowed_mentions=NOBODY)
    assert (sent.content, sent.embeds[0].title) == ("alert", "CRITICAL")
    assert site.received(KEY) == ["alert\nCRITICAL\nno answer from the broker\norder: 1"]
    edited = await sent.edit(content="alert, acknowledged", embed=None, allowed_mentions=NOBODY)
    assert edited.edited_at is not None
    assert [each.content async for each in channel(client).history(limit=5)] == ["alert, acknowledged"]
    await sent.delete()
    assert site.received(KEY) == []


async def test_the_same_nonce_is_one_message_and_a_forgotten_one_two(site: Site, client: discord.Client) -> None:
    first = await channel(client).send("once", nonce="01JD")
    assert (await channel(client).send("once", nonce="01JD")).id == first.id
    assert site.received(KEY) == ["once"]
    site.goes_wrong("discord", Bend.FORGETS, method="post")
    await channel(client).send("once", nonce="01JD")
    assert list(site.services.book.doubled()) == [(KEY, "once")]


async def test_a_thread_takes_messages_and_a_webhook_posts_and_edits(site: Site, client: discord.Client) -> None:
    sent = await channel(client).send("signal")
    made = await client.http.start_thread_with_message(
        ALERTS_CHANNEL, sent.id, name="SPY 590C", auto_archive_duration=1440
    )
    await client.get_partial_messageable(int(made["id"])).send("in the thread")
    assert site.received(f"discord:{made['id']}") == ["in the thread"]
    async with aiohttp.ClientSession() as session:
        hook = discord.Webhook.partial(HOOK, HOOK_TOKEN, session=session)
        posted = await hook.send("mirror", wait=True, allowed_mentions=NOBODY)
        await hook.edit_message(posted.id, content="mirror, edited")
        assert site.received(HOOK_KEY) == ["mirror, edited"]
        stranger = discord.Webhook.partial(HOOK, "y" * 68, session=session)
        with pytest.raises(discord.HTTPException):
            await stranger.send("x", wait=True)


async def test_what_is_too_long_or_empty_is_refused(site: Site, client: discord.Client) -> None:
    with pytest.raises(discord.HTTPException, match="2000 or fewer") as caught:
        await channel(client).send("x" * 2001)
    assert caught.value.code == 50035
    with pytest.raises(discord.HTTPException, match="empty message"):
        await channel(client).send("")
    long = [discord.Embed(description="x" * 4000), discord.Embed(description="x" * 4000)]
    with pytest.raises(discord.HTTPException, match="maximum size"):
        await channel(client).send(embeds=long)
    assert site.received(KEY) == []


async def test_a_wrong_token_is_refused(site: Site) -> None:
    async with discord.Client(intents=discord.Intents.none()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("another")


@pytest.mark.parametrize(
    "fault, raised, copies",
    [
        (Bend.ACCEPT_RESET, aiohttp.ServerDisconnectedError, 1),
        (Bend.RESET, aiohttp.ServerDisconnectedError, 0),
        (Bend.REVOKED, discord.HTTPException, 0),
        (Bend.REFUSED, discord.Forbidden, 0),
        (Bend.NOT_FOUND, discord.NotFound, 0),
        (Bend.TOO_LONG, discord.HTTPException, 0),
        (Bend.ACCEPT_HANG, TimeoutError, 1),
        (Bend.HANG, TimeoutError, 0),
        (Bend.DRIP, TimeoutError, 1),
    ],
)
async def test_each_fault_is_raised_as_the_real_client_has_it(
    site: Site, client: discord.Client, fault: Bend, raised: type[BaseException], copies: int
) -> None:
    site.goes_wrong("discord", fault, method="post")
    with pytest.raises(raised):
        await asyncio.wait_for(channel(client).send("once", nonce="1"), patience(fault))
    assert site.received(KEY) == ["once"] * copies
    await channel(client).send("once", nonce="1")
    assert site.received(KEY) == ["once"]  # the same nonce, the same message


async def test_a_limit_is_waited_for_inside_the_call_and_posts_once(site: Site, client: discord.Client) -> None:
    site.goes_wrong("discord", Bend.LIMITED, method="post", retry_after_s=0.05)
    await channel(client).send("late")
    assert site.received(KEY) == ["late"]
    assert [call.status for call in site.services.book.calls if call.method == "post"] == [429, 200]


async def test_an_error_after_storing_is_sent_again_and_the_nonce_keeps_it_one(
    site: Site, client: discord.Client
) -> None:
    site.goes_wrong("discord", Bend.ERROR_AFTER, method="post")
    await channel(client).send("once")  # the client waits a second and sends it again by itself
    assert site.received(KEY) == ["once"]
    assert [call.status for call in site.services.book.calls if call.method == "post"] == [500, 200]


async def test_html_and_a_bare_success(site: Site, client: discord.Client) -> None:
    site.goes_wrong("discord", Bend.HTML, method="post")
    with pytest.raises((TypeError, AttributeError, discord.HTTPException)):
        await channel(client).send("html")
    site.goes_wrong("discord", Bend.BARE, method="post")
    assert (await channel(client).send("bare")).content == "bare"
