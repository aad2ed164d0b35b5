"""No page and no command says one sentence twice."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape

import pytest
from flask.testing import FlaskClient

PAGES = (
    "/", "/signals", "/positions", "/exposure", "/feeds", "/people",
    "/market", "/config", "/overseer", "/trades", "/performance", "/pages", "/alerts",
    "/machines", "/audit", "/audit?query=trades", "/position/POSRUN", "/signal/SIGRUN", "/login",
)  # fmt: skip
WORDS = 6  # fewer are a label


def sentences(html: str) -> list[str]:
    """Return the sentences that a page shows outside of its tables, where rows may say the same, and of the status
    bar, which says in short on every page what the overview says at length."""
    shown = re.sub(r"<(script|style|table|svg|title|option|header)\b.*?</\1>", "\n", html, flags=re.DOTALL)
    pieces = re.split(r"</?(?:p|div|li|td|h\d|span|button|dd|dt|label|section|a|form)\b[^>]*>", shown)
    plain = (" ".join(unescape(re.sub(r"<[^>]+>", " ", piece)).split()) for piece in pieces)
    return [each for text in plain for each in re.split(r"(?<=[.:!?])\s+", text) if len(each.split()) >= WORDS]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_says_a_sentence_twice(page: FlaskClient, path: str) -> None:
    said = Counter(sentences(page.get(path).get_data(as_text=True)))
    assert {sentence: count for sentence, count in said.items() if count > 1} == {}
