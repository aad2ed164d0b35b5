"""Everything that a person may do, by keyboard alone, in one run; and without a script the same by pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.store import read as ask
from bot.store.database import open_reader
from bot.store.tables.config_version import CONFIG_VERSION
from tests.web.conftest import StoreBuilder
from tests.web.test_browser import CHROMIUM, _complaints, browser, chromium, served  # noqa: F401  # its browser, its server

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")]

NAME = "zero_dte_gamma"


@pytest.fixture(autouse=True)
def configured(store: StoreBuilder) -> None:
    body = json.dumps({"settings": {"strategies": {NAME: {"enabled": True, "symbols": ["SPX"]}}}})
    store.add(CONFIG_VERSION, id="C1", number=1, hash="0", body=body, created_at=store.now_text)


def _asked(store: StoreBuilder) -> list[tuple[str, dict[str, str]]]:
    """What was asked for so far, the oldest first."""
    with open_reader(store.url) as connection:
        rows = ask.commands(connection, 20)
    return [(row.kind, json.loads(row.payload)) for row in sorted(rows, key=lambda row: row.id)]


class _Hands:
    """A person at the keyboard: keys go to a page's tab, and each request is waited for."""

    def __init__(self, tab: Any, store: StoreBuilder) -> None:
        self.tab, self.store, self.sent = tab, store, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def go(self, key: str, path: str) -> None:
        with self.tab.expect_navigation(url=f"**{path}"):
            self.press("g", key)

    def until_focus(self, words: str) -> None:
        """Go on by Tab until the focus is on a button of these words."""
        for _ in range(60):
            if self.tab.evaluate("document.activeElement.textContent.trim()") == words:
                return
            self.press("Tab")
        raise AssertionError(f"Tab never comes to {words}")

    def answer(self, yes: str, typed: str = "") -> None:
        """Answer a question by its button of these words."""
        self.tab.wait_for_selector("#confirm[open]")
        if typed:
            self.tab.focus("#confirm-typed input")
            self.tab.keyboard.type(typed)
        self.until_focus(yes)
        self.enter()

    def enter(self) -> None:
        """Press what has the focus, and wait until the request of it is in the store."""
        with self.tab.expect_navigation(url="**sent=*"):
            self.press("Enter")
        self.sent += 1
        assert len(_asked(self.store)) == self.sent


@pytest.mark.slow
def test_a_day_by_keyboard_alone(served: str, browser: Any, token: str, store: StoreBuilder) -> None:  # noqa: F811
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints = _complaints(tab)
    tab.goto(f"{served}/login?token={token}")
    hands = _Hands(tab, store)
    _keys_are_listed_and_rest_in_a_field(tab, hands)
    _a_signal_is_approved_edited_and_rejected(tab, hands)
    hands.go("p", "/positions")
    hands.press("a", "Enter")
    hands.answer("Sell 1")
    hands.go("a", "/alerts")
    hands.press("a")
    hands.until_focus("Acknowledge")
    hands.enter()
    hands.go("y", "/strategies")
    hands.press("a")
    assert tab.evaluate("document.activeElement.textContent") == "shadow"
    hands.enter()
    hands.press("x")
    hands.until_focus("Flatten all")
    hands.press("Enter")
    hands.answer("Flatten all", typed="1")
    kinds = [kind for kind, _ in _asked(store)]
    assert sorted(kinds) == ["ack", "approve", "close", "edit", "flatten", "reject", "strategy"]
    assert dict(_asked(store))["strategy"] == {"strategy": NAME, "to": "shadow"}
    assert complaints == []


def _keys_are_listed_and_rest_in_a_field(tab: Any, hands: _Hands) -> None:
    hands.press("?")
    tab.wait_for_selector("#keys[open] >> text=to the filter of this page")
    hands.press("Escape")
    hands.go("t", "/trades")
    hands.press("/")
    assert tab.evaluate("document.activeElement.name") == "from"
    hands.press("g", "s")
    assert tab.url.endswith("/trades"), "keys rest while a field has the focus"


def _a_signal_is_approved_edited_and_rejected(tab: Any, hands: _Hands) -> None:
    tab.goto(tab.url)  # the focus is nowhere
    hands.go("s", "/signals")
    hands.press("a", "Enter")
    tab.wait_for_selector("#confirm[open] >> text=Buys up to 4 × SPY 588P 20 Nov at a limit of 4.20")
    hands.press("Escape")
    assert hands.store is not None
    assert _asked(hands.store) == [], "the safe answer does nothing"
    hands.press("a", "Enter")
    hands.answer("Buy 4")
    tab.focus("details.edit summary")
    hands.press("Enter")
    tab.focus("details.edit input[name=quantity]")
    tab.keyboard.type("3")
    hands.enter()
    tab.focus("details.edit summary")
    hands.press("a")
    hands.until_focus("Reject")
    hands.enter()
    assert dict(_asked(hands.store))["edit"] == {"signal_id": "SIGWAIT", "quantity": "3"}


def test_without_a_script_a_question_is_a_page(
    served: str,  # noqa: F811
    browser: Any,  # noqa: F811
    token: str,
    store: StoreBuilder,
) -> None:
    tab = browser.new_context(java_script_enabled=False).new_page()
    tab.goto(f"{served}/login?token={token}")
    tab.click("details.stop summary")
    tab.click("text=Flatten all")
    tab.wait_for_selector("text=Sells 1 contract in 1 position at the market")
    tab.fill("input[name=typed]", "1")
    tab.click("main button >> text=Flatten all")
    tab.wait_for_selector("text=queued, the bot answers on its next tick")
    assert [kind for kind, _ in _asked(store)] == ["flatten"]
