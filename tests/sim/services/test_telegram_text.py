"""Markup of the Bot API: what is seen, in which units it is counted, and what is refused."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sim.services.telegram_text import CannotParse, seen, units

_ESCAPED = frozenset("_*[]()~`>#+-=|{}.!\\")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Co"]), max_size=60))
def test_an_escaped_text_is_seen_as_it_was(text: str) -> None:
    text = text.replace("\r", "\n")
    assert seen(html.escape(text, quote=False), "HTML").text == text
    escaped = "".join(f"\\{letter}" if letter in _ESCAPED else letter for letter in text)
    assert seen(escaped, "MarkdownV2").text == text


@pytest.mark.parametrize(
    "text, mode, plain, kinds",
    [
        ("<b>a <i>b</i></b> c", "HTML", "a b c", [("italic", 2, 1), ("bold", 0, 3)]),
        ("😀 <code>x</code>", "HTML", "😀 x", [("code", 3, 1)]),
        ("*a _b_* `c.d`", "MarkdownV2", "a b c.d", [("italic", 2, 1), ("bold", 0, 3), ("code", 4, 3)]),
        ("[a\\.b](https://example.com)", "MarkdownV2", "a.b", []),
        ("a < b", "", "a < b", []),
    ],
)
def test_markup_becomes_entities(text: str, mode: str, plain: str, kinds: list[tuple[str, int, int]]) -> None:
    read = seen(text, mode)
    assert read.text == plain
    assert [(e["type"], e["offset"], e["length"]) for e in read.entities] == kinds


@pytest.mark.parametrize(
    "text, mode",
    [
        ("<b>", "HTML"), ("</b>", "HTML"), ("<b><i></b></i>", "HTML"), ("<script>", "HTML"), ("<br/>", "HTML"),
        ("a<", "HTML"), ("<!-- x -->", "HTML"), ("1.5", "MarkdownV2"), ("*a", "MarkdownV2"), ("`a", "MarkdownV2"),
        ("a", "nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str, mode: str) -> None:
    with pytest.raises(CannotParse):
        seen(text, mode)


def test_an_emoji_is_two_units() -> None:
    assert units("a😀") == 3
