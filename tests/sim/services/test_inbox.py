"""The inbox: what a person does there becomes an update that the bot's poll brings; it answers to its own forms only,
and shows what strangers wrote as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.sim.services.faults import Bend
from bot.sim.services.inbox import PROGRAM_HEADER
from bot.sim.services.inbox_view import rendered
from tests.contracts.service_sites import Site, services

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PROGRAM = {PROGRAM_HEADER: "1", "Accept": "application/json"}
OWNER: dict[str, Any] = {"as": "1001"}
EVIL = '<script>alert(1)</script> & "quotes"'


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with services() as running:
        yield running


async def get(site: Site, path: str = "/", **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(site.url("inbox") + path, headers=headers) as answer:
        return answer.status, await answer.text()


async def post(site: Site, /, sent: Mapping[str, str] = PROGRAM, **form: Any) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(site.url("inbox") + "/do", data=form, headers=sent, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_line_and_a_press_become_updates(site: Site) -> None:
    assert (await post(site, do="say", **OWNER, chat="1001", text="/status"))[0] == 200
    chat = site.services.telegram.people.chat(1001)
    asked = site.services.book.store(chat, "Approve?", buttons=[[("Approve", "approve:1")]])
    assert (await post(site, do="press", **OWNER, chat="1001", message=asked.id, data="approve:1"))[0] == 200
    first, second = site.services.book.updates
    assert first["message"]["text"] == "/status"
    assert first["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 7}]
    assert (second["callback_query"]["data"], second["callback_query"]["from"]["id"]) == ("approve:1", 1001)


@pytest.mark.parametrize(
    "form, said",
    [
        ({"do": "nothing"}, "allowed: say, press"),
        ({"do": "say", "as": "1001", "text": " "}, "the field is empty"),
        ({"do": "say", "as": "1001", "text": "x" * 4097}, "at most 4096"),
        ({"do": "say", "as": "somebody", "text": "x"}, "invalid literal"),
        ({"do": "press", "as": "1001", "message": "7", "data": "x"}, "no such button"),
        ({"do": "fault", "service": "telegram", "fault": "none"}, "fault"),
        ({"do": "fault", "service": "smtp", "fault": "html", "count": "1"}, "does not know html"),
        ({"do": "chance", "share": "2"}, "between 0 and 1"),
        ({"do": "model", "mode": "clever"}, "clever"),
    ],
)
async def test_what_cannot_be_done_is_said_and_does_nothing(site: Site, form: dict[str, Any], said: str) -> None:
    status, words = await post(site, **form)
    assert (status, said in words) == (400, True), words
    assert site.services.book.updates == []
    assert site.services.board.in_force() == []


async def test_it_answers_to_its_own_pages_only(site: Site) -> None:
    form: dict[str, Any] = {"do": "say", "as": "1001", "chat": "1001", "text": "/halt"}
    assert (await post(site, {}, **form))[0] == 403
    assert (await post(site, {}, csrf="guessed", **form))[0] == 403
    assert (await post(site, {**PROGRAM, "Sec-Fetch-Site": "cross-site"}, **form))[0] == 403
    assert (await get(site, "/", Host="evil.example"))[0] == 421
    assert (await get(site, "/static/../inbox.py"))[0] == 404
    assert site.services.book.updates == []
    _, page = await get(site)
    word = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    assert (await post(site, {}, csrf=word, **form))[0] == 303
    assert len(site.services.book.updates) == 1


async def test_what_strangers_wrote_is_text(site: Site) -> None:
    people = site.services.telegram.people
    people.say(site.services.book.person(666, EVIL), 666, EVIL)
    site.services.book.store(people.chat(666), EVIL, title=EVIL, buttons=[[(EVIL, "x")]])
    for path in ("/?as=666", "/?service=faults", "/?notice=" + EVIL.replace("&", "%26"), "/?reply=666:1&as=666"):
        _, page = await get(site, path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_entities_become_tags_around_escaped_text() -> None:
    bold = {"type": "bold", "offset": 0, "length": 4}
    italic = {"type": "italic", "offset": 3, "length": 1}
    across = {"type": "underline", "offset": 2, "length": 9}
    assert (
        rendered("😀<b>", [bold, italic, across, {"type": "url", "offset": 0, "length": 1}])
        == "<b>😀&lt;<i>b</i></b>&gt;"
    )


async def test_everything_is_there_for_programs(site: Site) -> None:
    site.goes_wrong("smtp", Bend.HANG, for_seconds=60)
    async with aiohttp.ClientSession() as session, session.get(site.url("inbox") + "/book.json") as answer:
        content = await answer.json()
    assert [each["fault"] for each in content["faults"]] == ["hang"]
    assert [person["name"] for person in content["people"]] == ["owner", "operator", "approver", "viewer", "stranger"]


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
async def test_a_newcomer_types_and_presses_without_a_phone(site: Site) -> None:
    async_api = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    people, book = site.services.telegram.people, site.services.book
    complaints: list[str] = []
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        tab = await browser.new_page(viewport={"width": 390, "height": 800})
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        await tab.goto(site.url("inbox"))
        await tab.fill("[data-key='telegram:1001'] input[name=text]", "/status")
        await tab.press("[data-key='telegram:1001'] input[name=text]", "Enter")
        await tab.wait_for_selector(".msg.me >> text=/status")
        asked = book.store(people.chat(1001), "Approve 3 SPY 590C?", buttons=[[("Approve", "approve:1")]])
        await tab.click("button >> text=Approve")  # it came by itself
        await tab.wait_for_load_state()
        assert [press.data for press in asked.presses] == ["approve:1"]
        book.edit(asked, "Approved by owner", [])
        await tab.wait_for_selector(".msg >> text=Approved by owner")
        await tab.click(".msg >> text=Reply")
        await tab.click("button >> text=yes")
        await tab.wait_for_selector(".reactions")
        for path in ("/", "/?service=faults", "/?service=smtp", "/?service=anthropic"):
            await tab.goto(site.url("inbox") + path)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await tab.evaluate(wide) == 0, path
        await tab.goto(site.url("inbox") + "/?service=faults")
        await tab.select_option("select[name=fault]", "hang")
        await tab.click("button >> text=Switch on")
        await tab.wait_for_selector("text=fault 1 is on")
        await browser.close()
    assert complaints == []
    assert [fault.fault.fault for fault in site.services.board.in_force()] == ["hang"]
