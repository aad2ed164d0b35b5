"""Where a person reads why a signal is what it is."""

from __future__ import annotations

import re
from html import unescape

from flask.testing import FlaskClient

from tests.store.read.test_reasons import FRESH, SEEN
from tests.web.conftest import StoreBuilder, at


def test_who_is_asked_sees_the_reasons_in_the_row_and_on_the_page(store: StoreBuilder, page: FlaskClient) -> None:
    store.transition("signal", "SIGWAIT", "created", ("pending", "pending"), SEEN["reason"], at(0, 18))
    store.transition("signal", "SIGWAIT", "ask", ("pending", "pending"), "waits", at(0, 14), quote_fresh=FRESH)
    row = page.get("/parts?view=signals").get_json()["signals"]
    for text in (row, page.get("/signal/SIGWAIT").get_data(as_text=True)):
        assert "price 5901.75 is 0.03 % from its pin" in text
        assert "0.4 s old, at most 15.0 s" in text
        assert len(re.findall("your decision", text)) == 1
        assert "all 1 rules passed" in unescape(text)


def test_a_position_says_why_we_are_in(store: StoreBuilder, page: FlaskClient) -> None:
    store.transition("signal", "SIGRUN", "approve", ("pending", "approved"), "ok", at(29, 20), quote_fresh=FRESH)
    text = page.get("/position/POSRUN").get_data(as_text=True)
    assert "Why we are in" in text
    assert "the rules decide" in text
    assert "0.4 s old, at most 15.0 s" in text
