"""The small Bot API of the desk's tests and the simulator's: what one answers to the bot's own client, the other does
too, so that a test at the small one says something of the program at the simulated one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, InvalidToken

from bot.admin.client import TelegramClient, make_client
from bot.sim.services.cast import SIMULATED_SECRETS
from tests.admin.telegram_server import TOKEN, TelegramServer
from tests.contracts.service_sites import services

ANN = 1001
BUTTONS = InlineKeyboardMarkup([[InlineKeyboardButton("Approve", callback_data="approve:1")]])


@dataclass
class TelegramSide:
    """One of the two: where it is, the bot's token there, and how an update is put into it."""

    client: TelegramClient
    address: str
    brings: Callable[[dict[str, Any]], None]
    shows: Callable[[], list[str]]


async def _small() -> AsyncIterator[TelegramSide]:
    server = await TelegramServer().start()
    numbers = iter(range(1, 100))

    def brings(update: dict[str, Any]) -> None:
        server.put({"update_id": next(numbers), **update})

    client = make_client(TOKEN, server.url)
    yield TelegramSide(client, server.url, brings, lambda: server.texts(ANN))
    await client.close_connections()
    await server.stop()


async def _simulated() -> AsyncIterator[TelegramSide]:
    async with services() as site:
        url = site.url("telegram")
        client = make_client(SIMULATED_SECRETS["telegram_bot_token"], url)
        people = site.services.telegram.people
        yield TelegramSide(client, url, people.raw, lambda: site.received(f"telegram:{ANN}"))
        await client.close_connections()


@pytest_asyncio.fixture(params=[_small, _simulated], ids=["small", "simulated"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[TelegramSide]:
    async for each in request.param():
        yield each


async def test_what_is_said_has_a_number_and_is_edited_under_it(side: TelegramSide) -> None:
    assert (await side.client.get_me()).is_bot
    first = await side.client.send_message(ANN, "<b>Buy</b> 4 &amp; hold", parse_mode="HTML", reply_markup=BUTTONS)
    second = await side.client.send_message(ANN, "2")
    assert (first.chat.id, first.message_id < second.message_id) == (ANN, True)
    edited = await side.client.edit_message_text("done", chat_id=ANN, message_id=first.message_id)
    assert edited.message_id == first.message_id  # type: ignore[union-attr]
    assert side.shows() == ["done", "2"]


async def test_what_cannot_be_is_refused_in_the_same_words(side: TelegramSide) -> None:
    sent = await side.client.send_message(ANN, "1")
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await side.client.edit_message_text("2", chat_id=ANN, message_id=4711)
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await side.client.edit_message_text("1", chat_id=ANN, message_id=sent.message_id)
    with pytest.raises(BadRequest, match=r"(?i)message text is empty"):
        await side.client.send_message(ANN, " ")
    with pytest.raises(BadRequest, match=r"(?i)can't parse entities"):
        await side.client.send_message(ANN, "<b>no end", parse_mode="HTML")
    with pytest.raises(BadRequest, match=r"(?i)message is too long"):
        await side.client.send_message(ANN, "x" * 4097)
    stranger = make_client("1000000001:another", side.address)
    with pytest.raises(InvalidToken):
        await stranger.get_me()
    await stranger.close_connections()
    assert side.shows() == ["1"]


async def test_an_update_is_brought_until_it_is_confirmed(side: TelegramSide) -> None:
    side.brings({"message": {"message_id": 1, "text": "/pause"}})
    side.brings({"callback_query": {"id": "q1"}})
    first, second = [each["update_id"] for each in await side.client.raw_updates(None)]
    assert [each["update_id"] for each in await side.client.raw_updates(None)] == [first, second]
    assert [each["update_id"] for each in await side.client.raw_updates(second)] == [second]
    side.brings({"message": {"message_id": 2}})
    assert [each["update_id"] for each in await side.client.raw_updates(second + 1)] == [second + 1]
