"""The deliverer at a socket: what Telegram answers, and what that proves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from bot.admin.deliverer import TelegramDeliverer
from bot.alerts.channels import DeliveryOutcome, Outgoing
from bot.alerts.ground import PeopleGround
from bot.clocks.clock import SystemClock
from bot.config.schema import Settings
from bot.config.secret_words import Secrets
from bot.domain.message import MessageMode
from tests.admin.telegram_server import TOKEN, TelegramServer, refuse, store_then_drop

ASKED = Outgoing(
    "m1", "admin", "telegram", "approval", "ann", "SIGNAL <b> & 1\nBuy 4 at 2.00_*", "k",
    extra={"buttons": [["Approve", "approve:01ABC"], ["Long", "x" * 65]]},
)  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    server = await TelegramServer().start()
    yield server
    await server.stop()


def ground(url: str, token: str = TOKEN, database: str = "sqlite+aiosqlite:///nowhere.db") -> PeopleGround:
    users = [{"telegram_id": 7, "name": "ann", "role": "owner"}, {"name": "bob", "role": "viewer"}]
    settings = Settings.model_validate(
        {
            "people": {"users": users},
            "telegram": {"base_url": url, "chats": {"desk": -55}},
            "database": {"url": database},
        }
    )
    return PeopleGround(settings, Secrets(telegram_bot_token=token), SystemClock())


@pytest.fixture
async def deliver(server: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # proxies of the environment are none of ours
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    deliverer = TelegramDeliverer(ground(server.url))
    yield deliverer.deliver
    await deliverer.close()


async def test_a_message_arrives_escaped_with_its_buttons_and_is_edited_in_place(
    server: TelegramServer, deliver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        sent = await deliver(ASKED)
    assert TOKEN not in caplog.text
    assert sent.word == "delivered"
    ((key, message),) = server.sent.items()
    assert sent.external_id == f"{key[0]}:{key[1]}" == f"7:{key[1]}"
    assert message["text"] == "<b>SIGNAL &lt;b&gt; &amp; 1</b>\nBuy 4 at 2.00_*"
    assert server.buttons() == {"Approve": "approve:01ABC"}
    told = replace(ASKED, body="APPROVED", mode=MessageMode.EDIT, parent=sent.external_id, extra={})
    assert await deliver(told) == sent
    assert server.sent[key]["text"] == "APPROVED"
    reply = await deliver(replace(told, mode=MessageMode.REPLY))
    assert reply.external_id != sent.external_id


FAULTS = [
    (refuse(429, "slow", retry_after=300), ("failed", 300.0)),
    (refuse(401, "Unauthorized"), ("failed", 60.0)),
    (refuse(404, "Not Found"), ("failed", 60.0)),
    (refuse(403, "Forbidden: bot was blocked by the user"), ("refused", None)),
    (refuse(400, "Bad Request: chat not found"), ("refused", None)),
    (refuse(500, "Internal"), ("unknown", None)),
    (store_then_drop, ("unknown", None)),
    (lambda server, form: web.Response(text="<html>", content_type="text/html"), ("unknown", None)),
    (refuse(400, "Bad Request: can't parse entities: x"), ("delivered", None)),
    (refuse(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1000055), ("delivered", None)),
]


@pytest.mark.parametrize("fault,outcome", FAULTS)
async def test_what_telegram_answers_is_what_came_of_it(
    server: TelegramServer, deliver: Any, fault: Any, outcome: tuple[str, float | None]
) -> None:
    server.fail("sendMessage", fault)
    found: DeliveryOutcome = await deliver(replace(ASKED, target="desk"))
    assert (found.word, found.retry_after_s) == outcome
    assert TOKEN not in found.reason
    assert len(server.sent) == (1 if outcome[0] == "delivered" or fault is store_then_drop else 0)


async def test_a_group_that_moved_is_followed_from_then_on(server: TelegramServer, deliver: Any) -> None:
    server.fail("sendMessage", refuse(400, "upgraded", migrate_to_chat_id=-1000055))
    for _ in range(2):
        await deliver(replace(ASKED, target="desk"))
    assert [chat for chat, _ in server.sent] == [-1000055, -1000055]


async def test_what_cannot_be_reached_was_not_sent(unused_tcp_port: int) -> None:
    deliverer = TelegramDeliverer(ground(f"http://127.0.0.1:{unused_tcp_port}"))
    assert (await deliverer.deliver(ASKED)).word == "failed"
    await deliverer.close()


@pytest.mark.parametrize("body", ["x" * 5000, "&" * 4096, "😀" * 3000, "a\n" * 3000])
async def test_a_long_text_is_cut_to_what_a_message_holds(server: TelegramServer, deliver: Any, body: str) -> None:
    import html

    assert (await deliver(replace(ASKED, body=body))).word == "delivered"
    (text,) = server.texts()
    plain = html.unescape(text.replace("<b>", "").replace("</b>", ""))
    assert len(plain.encode("utf-16-le")) // 2 <= 4096
    assert plain.endswith("…") or plain == body.rstrip() or plain == body


async def test_an_edit_of_what_is_gone_is_sent_anew_and_one_without_a_change_is_there(
    server: TelegramServer, deliver: Any
) -> None:
    edit = replace(ASKED, mode=MessageMode.EDIT, parent="7:101")
    server.fail("editMessageText", refuse(400, "Bad Request: message to edit not found"))
    assert (await deliver(edit)).external_id == "7:101"  # the number of the first message of this server
    server.fail("editMessageText", refuse(400, "Bad Request: message is not modified"))
    assert await deliver(edit) == DeliveryOutcome("delivered", "7:101")


async def test_who_has_no_id_is_refused_without_a_call(server: TelegramServer, deliver: Any) -> None:
    assert (await deliver(replace(ASKED, target="bob"))).word == "refused"
    assert server.log == []


async def test_after_a_lost_answer_nothing_is_sent_before_telegram_answers_again(
    server: TelegramServer, deliver: Any
) -> None:
    server.fail("sendMessage", store_then_drop)
    assert (await deliver(ASKED)).word == "unknown"
    for _ in range(3):
        server.fail("getMe", refuse(502, "Bad Gateway"))
        assert (await deliver(replace(ASKED, id="m2"))).word == "failed", "surely not sent, so it may go out later"
    assert len(server.texts()) == 1
    assert (await deliver(replace(ASKED, id="m2"))).word == "delivered"
    asked = len(server.log)
    assert (await deliver(replace(ASKED, id="m3"))).word == "delivered"
    assert [method for method, _ in server.log[asked:]] == ["sendMessage"], "a well channel costs no question"


async def test_an_edit_of_what_stayed_behind_in_a_group_that_moved_is_said_in_the_new_one(
    server: TelegramServer, deliver: Any
) -> None:
    server.fail("editMessageText", refuse(400, "upgraded", migrate_to_chat_id=-1000055))
    outcome = await deliver(replace(ASKED, target="desk", mode=MessageMode.EDIT, parent="-55:101"))
    assert (outcome.word, outcome.external_id.partition(":")[0]) == ("delivered", "-1000055")
    assert len(server.texts(-1000055)) == 1
