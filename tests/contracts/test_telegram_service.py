"""The simulated Bot API against python-telegram-bot: each call of the product, and each fault as it is raised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from telegram import Bot, BotCommand, BotCommandScopeChat, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler
from telegram.request import HTTPXRequest

from bot.sim.services.cast import ADMIN_GROUP, CAST, SIMULATED_SECRETS
from bot.sim.services.faults import Bend
from bot.sim.services.telegram_people import TelegramPeople
from tests.contracts.service_sites import LONG_S, Site, patience, services
from tests.patience import PATIENCE_S

OWNER = CAST[0].telegram_id
KEYS = InlineKeyboardMarkup(
    [
        [
            InlineKeyboardButton("Approve", callback_data="approve:01"),
            InlineKeyboardButton("No", callback_data="reject:01"),
        ]
    ]
)


def a_request(read_s: float = 5.0) -> HTTPXRequest:
    return HTTPXRequest(read_timeout=read_s, connect_timeout=5.0, httpx_kwargs={"trust_env": False})


def a_bot(site: Site, *, token: str = SIMULATED_SECRETS["telegram_bot_token"], read_s: float = 5.0) -> Bot:
    return Bot(
        token, base_url=f"{site.url('telegram')}/bot", request=a_request(read_s), get_updates_request=a_request()
    )


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with services() as running:
        yield running


@asynccontextmanager
async def opened(site: Site, read_s: float = 5.0) -> AsyncIterator[Bot]:
    async with a_bot(site, read_s=read_s) as bot:
        yield bot


def people(site: Site) -> TelegramPeople:
    return site.services.telegram.people


# ---- what the product asks


async def test_a_message_arrives_with_its_buttons_and_is_edited_to_its_outcome(site: Site) -> None:
    async with opened(site) as bot:
        sent = await bot.send_message(OWNER, "<b>Approve?</b> 3 &lt; 4", parse_mode="HTML", reply_markup=KEYS)
        assert (sent.text, sent.chat.id, sent.reply_markup) == ("Approve? 3 < 4", OWNER, KEYS)
        assert [each.type for each in sent.entities] == ["bold"]
        answer = await bot.send_message(OWNER, "an answer", reply_parameters=ReplyParameters(sent.message_id))
        assert answer.reply_to_message is not None
        assert answer.reply_to_message.message_id == sent.message_id
        edited = await bot.edit_message_text("Approved by owner", OWNER, sent.message_id)
        assert not isinstance(edited, bool)
        assert edited.reply_markup is None
        with pytest.raises(BadRequest, match="not modified"):
            await bot.edit_message_text("Approved by owner", OWNER, sent.message_id)
        with pytest.raises(BadRequest, match=r"(?i)to edit not found"):
            await bot.edit_message_text("nobody", OWNER, 999)
    entry = site.services.book.places[f"telegram:{OWNER}"].entries[0]
    assert [each.before for each in entry.edits] == ["Approve? 3 < 4"]


async def test_a_picture_a_menu_and_a_file_arrive(site: Site) -> None:
    async with opened(site) as bot:
        picture = await bot.send_photo(OWNER, b"\x89PNG....", caption="P&L", filename="pnl.png")
        assert picture.caption == "P&L"
        assert (await bot.send_document(OWNER, b"a,b\n1,2\n", filename="trades.csv")).document is not None
        scope = BotCommandScopeChat(OWNER)
        assert await bot.set_my_commands([BotCommand("status", "what is open")], scope=scope)
        assert [each.command for each in await bot.get_my_commands(scope=scope)] == ["status"]
    assert list(site.services.book.pictures.values()) == [b"\x89PNG...."]


async def test_the_application_hears_commands_and_presses_and_answers_them(site: Site) -> None:
    heard: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    async def on_command(update: Any, _context: Any) -> None:
        await update.message.reply_text("well", reply_markup=KEYS)
        await heard.put((update.message.text, update.effective_user.id))

    async def on_press(update: Any, _context: Any) -> None:
        await update.callback_query.answer("done")
        await heard.put((update.callback_query.data, update.effective_user.id))

    builder = (
        ApplicationBuilder().token(SIMULATED_SECRETS["telegram_bot_token"]).base_url(f"{site.url('telegram')}/bot")
    )
    app = builder.request(a_request()).get_updates_request(a_request()).build()
    app.add_handler(CommandHandler("status", on_command))
    app.add_handler(CallbackQueryHandler(on_press))
    await app.initialize()
    await app.start()
    assert app.updater is not None
    await app.updater.start_polling(timeout=10)
    person = site.services.book.people[OWNER]
    people(site).say(person, ADMIN_GROUP, "/status now")
    assert await asyncio.wait_for(heard.get(), PATIENCE_S) == ("/status now", OWNER)
    asked = site.services.book.places[f"telegram:{ADMIN_GROUP}"].entries[-1]
    pressed = people(site).press(person, ADMIN_GROUP, asked.id, "approve:01")
    assert await asyncio.wait_for(heard.get(), PATIENCE_S) == ("approve:01", OWNER)
    await app.updater.stop()
    await app.stop()
    await app.shutdown()
    assert pressed.answer == "done"
    assert site.services.book.updates == []  # each was confirmed


async def test_what_is_not_confirmed_comes_again(site: Site) -> None:
    person = site.services.book.people[OWNER]
    people(site).say(person, OWNER, "/pause")
    people(site).say(person, OWNER, "/start")
    async with opened(site) as bot:
        first = await bot.get_updates()
        assert [each.message.text for each in first if each.message] == ["/pause", "/start"]
        assert [each.update_id for each in await bot.get_updates()] == [each.update_id for each in first]
        again = await bot.get_updates(offset=first[0].update_id + 1)
        assert [each.message.text for each in again if each.message] == ["/start"]


async def test_reactions_come_only_to_whom_asks_for_them(site: Site) -> None:
    person = site.services.book.people[OWNER]
    async with opened(site) as bot:
        sent = await bot.send_message(OWNER, "look")
        people(site).react(person, OWNER, sent.message_id, "✅")
        assert await bot.get_updates() == ()
        (update,) = await bot.get_updates(allowed_updates=["message_reaction"])
        assert update.message_reaction is not None
        assert update.message_reaction.message_id == sent.message_id


async def test_of_two_pollers_the_older_is_told_of_the_other(site: Site) -> None:
    async with opened(site) as first, opened(site) as second:
        polls = (first.get_updates(timeout=1), second.get_updates(timeout=1))
        came = await asyncio.gather(*polls, return_exceptions=True)
    assert sorted(type(each).__name__ for each in came) == ["Conflict", "tuple"]


# ---- what it refuses by itself


@pytest.mark.parametrize(
    "text, mode, said",
    [
        ("<b>open", "HTML", "can't parse entities"),
        ("3 < 4", "HTML", "can't parse entities"),
        ("<blink>x</blink>", "HTML", "can't parse entities"),
        ("-1.5 %", "MarkdownV2", "reserved"),
        ("*open", "MarkdownV2", "Can't find end"),
        ("x" * 4097, "", "too long"),
        (" ", "", "empty"),
    ],
)
async def test_a_text_that_telegram_would_refuse_is_refused(site: Site, text: str, mode: str, said: str) -> None:
    async with opened(site) as bot:
        with pytest.raises(BadRequest, match=f"(?i){said}"):
            await bot.send_message(OWNER, text, parse_mode=mode or None)
    assert site.received(f"telegram:{OWNER}") == []


async def test_escaped_markdown_and_the_longest_text_arrive_as_they_were_meant(site: Site) -> None:
    async with opened(site) as bot:
        assert (await bot.send_message(OWNER, r"*P&L* \-1\.5 `a.b`", parse_mode="MarkdownV2")).text == "P&L -1.5 a.b"
        assert (await bot.send_message(OWNER, "x" * 4096)).text == "x" * 4096


async def test_a_button_has_room_for_64_bytes(site: Site) -> None:
    too_long = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="x" * 65)]])
    async with opened(site) as bot:
        with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
            await bot.send_message(OWNER, "x", reply_markup=too_long)


async def test_blocked_kicked_moved_and_unknown_are_named(site: Site) -> None:
    person = site.services.book.people[OWNER]
    people(site).block(person)
    people(site).kick(person, -77)
    new = people(site).migrate(ADMIN_GROUP)
    async with opened(site) as bot:
        with pytest.raises(Forbidden, match="blocked by the user"):
            await bot.send_message(OWNER, "x")
        with pytest.raises(Forbidden, match="kicked"):
            await bot.send_message(-77, "x")
        with pytest.raises(ChatMigrated) as moved:
            await bot.send_message(ADMIN_GROUP, "x")
        assert moved.value.new_chat_id == int(new.id)
        assert (await bot.send_message(int(new.id), "x")).chat.type == "supergroup"
        with pytest.raises(BadRequest, match=r"(?i)chat not found"):
            await bot.send_message("@nobody", "x")
        people(site).unblock(person)
        assert (await bot.send_message(OWNER, "again")).text == "again"


async def test_a_wrong_token_is_refused(site: Site) -> None:
    stranger = a_bot(site, token="1:other")
    with pytest.raises(InvalidToken):
        await stranger.initialize()
    await stranger.request.shutdown()


# ---- the faults, and how many copies are there afterwards


@pytest.mark.parametrize(
    "fault, raised, copies",
    [
        (Bend.ACCEPT_HANG, TimedOut, 1),
        (Bend.ACCEPT_RESET, NetworkError, 1),
        (Bend.HANG, TimedOut, 0),
        (Bend.RESET, NetworkError, 0),
        (Bend.ERROR_AFTER, NetworkError, 1),
        (Bend.ERROR_BEFORE, NetworkError, 0),
        (Bend.DRIP, TimedOut, 1),
        (Bend.REVOKED, InvalidToken, 0),
        (Bend.NOT_FOUND, InvalidToken, 0),
        (Bend.REFUSED, Forbidden, 0),
        (Bend.TOO_LONG, BadRequest, 0),
        (Bend.HTML, TelegramError, 0),
    ],
)
async def test_each_fault_is_raised_as_the_real_client_has_it(
    site: Site, fault: Bend, raised: type[Exception], copies: int
) -> None:
    async with opened(site, read_s=LONG_S) as bot:
        site.goes_wrong("telegram", fault, method="sendMessage")
        with pytest.raises(raised) as caught:
            await bot.send_message(OWNER, "once", read_timeout=patience(fault))
        if fault in {Bend.ACCEPT_HANG, Bend.HANG}:
            assert isinstance(caught.value.__cause__, httpx.ReadTimeout)
        assert site.received(f"telegram:{OWNER}") == ["once"] * copies
        await bot.send_message(OWNER, "twice")  # the fault was for one request
    assert [each.fault for each in site.services.book.calls if each.fault] == [fault]


@pytest.mark.parametrize("wait", [7.0, 300.0])
async def test_a_limit_says_how_long_to_wait(site: Site, wait: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    async with opened(site) as bot:
        site.goes_wrong("telegram", Bend.LIMITED, method="sendMessage", retry_after_s=wait)
        with pytest.raises(RetryAfter) as caught:
            await bot.send_message(OWNER, "x")
    assert caught.value.retry_after == timedelta(seconds=wait)


async def test_a_limit_without_a_hint_and_a_bare_success_are_borne(site: Site) -> None:
    async with opened(site) as bot:
        site.goes_wrong("telegram", Bend.LIMITED, method="sendMessage")
        with pytest.raises(TelegramError, match="Too Many Requests"):
            await bot.send_message(OWNER, "x")
        site.goes_wrong("telegram", Bend.BARE, method="sendMessage")
        assert (await bot.send_message(OWNER, "x")).text is None
        site.goes_wrong("telegram", Bend.HTML, method="sendMessage", status=502)
        with pytest.raises(NetworkError):
            await bot.send_message(OWNER, "y")


async def test_the_poll_meets_faults_of_its_own(site: Site) -> None:
    person = site.services.book.people[OWNER]
    async with opened(site) as bot:
        site.goes_wrong("telegram", Bend.SECOND_POLLER)
        with pytest.raises(Conflict):
            await bot.get_updates()
        people(site).say(person, OWNER, "/a")
        people(site).say(person, OWNER, "/b")
        site.goes_wrong("telegram", Bend.REORDERED)
        assert [each.message.text for each in await bot.get_updates() if each.message] == ["/b", "/a"]
        site.goes_wrong("telegram", Bend.REPEATED)
        assert len(await bot.get_updates()) == 6  # the last ones once more, and these twice
        site.goes_wrong("telegram", Bend.OLD)
        (old, _), (new, _) = await bot.get_updates(), await bot.get_updates()
        assert old.message is not None
        assert new.message is not None
        assert (new.message.date - old.message.date).total_seconds() == 3600
        site.goes_wrong("telegram", Bend.MALFORMED)
        with pytest.raises((TypeError, KeyError, AttributeError, ValueError)):
            await bot.get_updates()
